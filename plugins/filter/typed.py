# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: typed
author:
  - freshpull contributors (@freshpull)
version_added: 1.0.0
short_description: Convert a variable that may be a text to its type
description:
  - Variables of C(-e key=value) and of AWX surveys are texts. This filter converts them, or fails with the name of the
    variable. The role P(freshpull.ecr_public.pull_secret#role) uses it for each variable that is no text.
positional: type, name, default
options:
  _input:
    description:
      - The value of the variable. A value that has the type already is returned as it is.
      - For a list, a text in JSON or YAML if it begins with V([), and otherwise elements separated by commas or line
        breaks. For a dict and for a list of dicts, a text in JSON or YAML.
      - "A text is rejected if it has YAML aliases, more than 32 levels, or another meaning in Python than in YAML, as
        C({'a': None}) has. Use JSON."
    type: raw
    required: true
  type:
    description:
      - The type. V(list) is a list of texts, and V(dicts) a list of dicts.
      - V(selector) is a list of label selectors, which contain commas; a text is its one element.
    type: str
    choices: [bool, int, list, dicts, selector, dict]
    required: true
  name:
    description: The name of the variable, for the error. Values of lists and dicts are not shown; they may be secret.
    type: str
    required: true
  default:
    description: The result for an empty text, except of type V(bool) and V(int). Without it, an empty list or dict.
    type: raw
seealso:
  - plugin: freshpull.ecr_public.pull_secret
    plugin_type: role
"""

EXAMPLES = r"""
- name: Read two variables of a survey
  ansible.builtin.debug:
    msg:
      - "{{ namespaces | freshpull.ecr_public.typed('list', 'namespaces') }}"  # ['default', 'team-*']
      - "{{ wait | freshpull.ecr_public.typed('bool', 'wait') }}"  # false
  vars:
    namespaces: "default, team-*"
    wait: "no"

- name: Use a default for an empty text
  ansible.builtin.debug:
    msg: "{{ '' | freshpull.ecr_public.typed('list', 'registries', ['public.ecr.aws']) }}"  # ['public.ecr.aws']
"""

RETURN = r"""
_value:
  description: The value with its type.
  type: raw
  sample: [default, 'team-*']
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._typed import TYPES, TypedError, convert


def typed(value: t.Any, type: str, name: str, default: t.Any = None) -> t.Any:  # noqa: A002
    """Convert a variable. Raises AnsibleFilterError."""
    if type not in TYPES:
        raise AnsibleFilterError(f"typed: the type must be one of {', '.join(TYPES)}, not {type!r}")
    try:
        return convert(value, type, name, default)
    except TypedError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"typed": typed}
