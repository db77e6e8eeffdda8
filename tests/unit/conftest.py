# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let Ansible find the collection as in a play."""

from __future__ import annotations

import os

import hypothesis
from ansible.plugins.loader import init_plugin_loader

# This must come before the import of any test file: Ansible does not find a collection that Python imported first.
init_plugin_loader()

# A test prints the case that fails, so no database of cases is written.
EXAMPLES = int(os.environ.get("FRESHPULL_EXAMPLES") or 200)
"""Cases that hypothesis generates for a test."""
hypothesis.settings.register_profile("unit", deadline=None, database=None, print_blob=True, max_examples=EXAMPLES)
hypothesis.settings.load_profile("unit")
