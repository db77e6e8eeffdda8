# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets Ansible find the collection as in a play."""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader

# Before any test file is imported: what Python imported of the collection by itself, Ansible would not know as one.
init_plugin_loader()
