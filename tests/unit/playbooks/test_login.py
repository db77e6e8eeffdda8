# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of the playbook login as texts mean the same as typed, or are rejected by their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.playbook import Ansible
from support.recorder import Recorder

PLAYBOOK = "freshpull.ecr_public.login"
TASK = "Log in or out"
REGISTRIES = ["public.ecr.aws", "ecr-public.aws.com"]
AWS = {"profile": "a", "validate_certs": True}
TYPED = {"state": "absent", "client": "docker", "registries": REGISTRIES, "aws": AWS, "verify": True, "mode": "0640"}
TEXTS = {
    "commas": {"registries": "public.ecr.aws, ecr-public.aws.com", "aws": "{profile: a, validate_certs: yes}"},
    "JSON": {"registries": json.dumps(REGISTRIES), "aws": json.dumps(AWS)},
}
EMPTY = {"registries": "", "aws": ""}


def run(directory: Path, **variables: object) -> tuple[int, str, dict[str, object]]:
    """Log out without a file, which needs no AWS. Returns the status, the output and the arguments of the module."""
    recorder = Recorder(directory / "record")
    given = {f"login_{name}": value for name, value in {"path": str(directory / "none.json"), **variables}.items()}
    arguments = ("-e", json.dumps(given), "-e", "ansible_connection=local")
    done = Ansible(directory, kubeconfig="").play(PLAYBOOK, *arguments, env=recorder.environment)
    [options] = [each.arguments for each in recorder.tasks if each.task == TASK]
    return done.returncode, done.output, {name: value for name, value in options.items() if name != "path"}


def test_a_text_is_the_same_as_the_typed_value(tmp_path: Path) -> None:
    found = {}
    for name, texts in {"typed": {}, **TEXTS, "empty": EMPTY}.items():
        (tmp_path / name).mkdir()
        given = {**TYPED, **texts, "verify": True if name == "typed" else "yes"}
        status, output, found[name] = run(tmp_path / name, **given)
        assert status == 0, output
    typed = {**found["typed"], "verify": "yes"}
    assert found["typed"] == {**TYPED, "verify": found["typed"]["verify"]}
    # The module reads yes as true.
    assert found["commas"] == found["JSON"] == typed
    assert found["empty"] == {name: value for name, value in typed.items() if name not in EMPTY}


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("registries", "[a", "login_registries: must be a list"),
        ("aws", "never-said", "login_aws: must be a dict"),
    ],
)
def test_a_wrong_text_is_rejected_by_its_name(name: str, text: str, shown: str, tmp_path: Path) -> None:
    status, output, _arguments = run(tmp_path, **{**TYPED, name: text})
    assert status != 0
    assert shown in output
    assert "never-said" not in output
