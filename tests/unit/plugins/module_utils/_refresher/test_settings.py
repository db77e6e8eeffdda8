# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the program reads the ConfigMap: with the settings of an installation, and with invalid ones."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import (
    Settings,
    SettingsError,
    read,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from support.refresher_settings import CASES


def mounted(directory: Path, case: str = "listed", **changes: Any) -> Path:
    """Write the files of a refresher's ConfigMap. changes: other settings; None removes one."""
    for name, text in manifests.config_maps(CASES[case])[1]["data"].items():
        (directory / name).write_text(text)
    path = directory / "policy.json"
    policy = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in policy.items() if value is not None}))
    return directory


@pytest.mark.parametrize("case", CASES)
def test_what_an_installation_writes_is_read(tmp_path: Path, case: str) -> None:
    found, wanted = read(str(mounted(tmp_path, case))), CASES[case]
    assert (found.policy.name, found.policy.registries) == (wanted.renewal.secret, wanted.renewal.registries)
    assert found.policy.fail_open_before == dt.timedelta(seconds=wanted.renewal.fail_open_before)
    assert (found.names, found.selector) == (wanted.places.listed, wanted.places.selector)
    assert (found.aws_auth, found.workers) == (wanted.aws.kind, wanted.renewal.workers)
    assert (found.policy.actor, found.policy.keep_metadata, found.policy.force_renew) == ("cronjob", True, False)


def test_names_are_selected_as_the_patterns_say(tmp_path: Path) -> None:
    found = read(str(mounted(tmp_path, "everything")))
    assert [name for name in ("team-a", "team-x", "other", "a-team-a") if found.selects(name)] == ["team-a"]


def test_all_can_be_renewed_by_force(tmp_path: Path) -> None:
    assert read(str(mounted(tmp_path)), force_renew=True).policy.force_renew


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"name": None}, "name is missing"),
    "unknown": ({"nam": "x"}, "unknown settings: nam"),
    "text for a number": ({"workers": "32"}, "workers has a value of the wrong type"),
    "a boolean for a number": ({"renew_before": True}, "renew_before has a value of the wrong type"),
    "a number for a boolean": ({"fail_open": 1}, "fail_open has a value of the wrong type"),
    "a pattern": ({"namespaces": "^(", "selector": "a=b"}, "not a regular expression"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_invalid_settings_are_named(tmp_path: Path, case: str) -> None:
    changes, words = REJECTED[case]
    with pytest.raises(SettingsError, match=r"Run the role again\.$") as caught:
        read(str(mounted(tmp_path, **changes)))
    assert f"policy.json: {words}" in str(caught.value)


@pytest.mark.parametrize("name", ["policy.json", "namespaces"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (mounted(tmp_path) / name).unlink()
    with pytest.raises(SettingsError, match=rf"{name} cannot be read: .*Run the role again\."):
        read(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_is_no_json_object_is_named(tmp_path: Path, text: str) -> None:
    (mounted(tmp_path) / "policy.json").write_text(text)
    with pytest.raises(SettingsError, match=r"policy\.json is not .*JSON"):
        read(str(tmp_path))


def test_with_a_selector_the_list_of_names_is_ignored(tmp_path: Path) -> None:
    directory = mounted(tmp_path, "selector")
    (directory / "namespaces").write_text("left-over\n")
    found: Settings = read(str(directory))
    assert found.names == ()
