# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from support.aws.fixtures import clean_environment, fake, running_fake
from unit.plugins.action.scripted import each_connection, play

__all__ = ["clean_environment", "each_connection", "fake", "play", "running_fake"]
