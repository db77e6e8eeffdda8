# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a module shows in its result. Private to this collection.

Ansible hides the strings of options with no_log in the whole result. It knows them only if all options have the right
shape, and it shows options that do not exist: misspelt ones, and those of another module.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK

NO_LOG = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
"""What Ansible puts in the place of a value with no_log."""


class Module(AnsibleModule):
    """Shows no secret of an option in its result, whatever the shape of the options is."""

    params: dict[str, t.Any]

    def shown_params(self) -> dict[str, t.Any]:
        """Return the options for the result."""
        return shown(self.params, self.argument_spec)

    def _return_formatted(self, kwargs: dict[str, t.Any]) -> None:
        kwargs.setdefault("invocation", {"module_args": self.shown_params()})
        super()._return_formatted(kwargs)


def shown(params: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Return options, or suboptions, as a result may show them. spec: their argument spec."""
    by_name = {name: option for key, option in spec.items() for name in (key, *option.get("aliases", ()))}
    return {name: _shown_value(value, by_name.get(name)) for name, value in params.items()}


def _shown_value(value: t.Any, option: t.Mapping[str, t.Any] | None) -> t.Any:
    """option: None if there is no such option."""
    if not value:
        return value
    if option is None:
        return MASK
    if option.get("no_log"):
        return NO_LOG
    suboptions = option.get("options")
    if not suboptions:
        return value
    if isinstance(value, list):
        return [_shown_value(each, option) for each in value]
    return shown(value, suboptions) if isinstance(value, dict) else MASK
