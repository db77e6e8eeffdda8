# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the attributes mean. Each module states what it supports."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Whether C(check_mode) reports what the task would change, and changes nothing.
  diff_mode:
    description: Whether C(diff) shows what the task changes.
  idempotent:
    description: Whether a second task with the same options changes nothing.
  async:
    description: Whether the task can run in the background, with C(async).
  platform:
    description: The operating systems of target hosts.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: The action groups that set options of this module in C(module_defaults).
"""
