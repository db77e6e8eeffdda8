# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented connection options are those of the installed kubernetes.core. `make oldest` tests its oldest version.

If a version adds or changes an option, the fragment describes the newest version and says so for the option, with the
version of kubernetes.core; the difference is then named here.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.doc_fragments.k8s_auth_options import (
    ModuleDocFragment as TheirFragment,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.freshpull.ecr_public.plugins.doc_fragments._cluster import ModuleDocFragment

DOCUMENTED: dict[str, Any] = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
THEIRS: dict[str, Any] = yaml.safe_load(TheirFragment.DOCUMENTATION)["options"]
SHAPE = ("type", "elements", "aliases", "choices", "default", "required")


def shape(options: dict[str, Any], nested: str) -> dict[str, Any]:
    """Return what decides which values are valid. nested: the key of options in an option."""
    return {
        name: {
            **{key: option[key] for key in SHAPE if key in option},
            "type": option.get("type", "str"),
            nested: shape(option.get(nested, {}), nested),
        }
        for name, option in options.items()
    }


def texts(options: dict[str, Any]) -> dict[str, str]:
    """Return the description of each option, with those of its suboptions, as one text."""

    def text(option: dict[str, Any]) -> str:
        own = option["description"]
        lines = [own] if isinstance(own, str) else own
        return " ".join([*lines, *map(text, option.get("suboptions", {}).values())])

    return {name: text(option) for name, option in options.items()}


def test_the_options_are_those_of_kubernetes_core_s_documentation() -> None:
    assert shape(DOCUMENTED, "suboptions") == shape(THEIRS, "suboptions")


def test_the_options_are_those_that_kubernetes_core_reads() -> None:
    expected = shape(AUTH_ARG_SPEC, "options")
    documented = shape(
        {name: {**each, "options": each.get("suboptions", {})} for name, each in DOCUMENTED.items()}, "options"
    )
    assert documented == expected


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_variables_are_those_of_kubernetes_core(name: str) -> None:
    """A module's documentation has no field for them: they are in the descriptions."""
    named = set(re.findall(r"E\((K8S_AUTH_\w+)\)", texts(DOCUMENTED)[name]))
    assert named
    assert named == {variable.rstrip("_") for variable in re.findall(r"K8S_AUTH_\w+", texts(THEIRS)[name])}
