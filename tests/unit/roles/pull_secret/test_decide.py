# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's decide.jq against the table of cases that the module is held to, and against the module's patches."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime as dt
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _bodies, _dockerconfig, _marks, _pull_secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, parse_duration, parse_time
from unit.cases import decide as cases

DECIDE = Path(__file__).parents[4] / "roles/pull_secret/files/decide.jq"
CASES = [case for case in cases.load() if case.refresher and case.secret]


def run_jq(step: str, given: dict[str, Any], secret: dict[str, Any] | None, folder: Path) -> list[str]:
    (folder / "given.json").write_text(json.dumps(given))
    done = subprocess.run(
        ["jq", "-rc", "-f", str(DECIDE), "--arg", "step", step, "--slurpfile", "given", str(folder / "given.json")]
        + (["-n"] if secret is None else []),
        input=json.dumps(secret),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n").split("\n") if done.stdout else []  # a text may hold U+2028


def plan(case: cases.Case, folder: Path) -> dict[str, Any]:
    """What refresh.sh does: the texts first, their fingerprints then, the plan at last."""
    token = Token.from_mapping(case.token) if case.token else None
    given: dict[str, Any] = {
        "policy": {
            "registries": case.policy.get("registries", [_marks.DEFAULT_REGISTRY]),
            "renew_before": parse_duration(case.policy.get("renew_before", "8h")).total_seconds(),
            "fail_open": case.policy.get("fail_open", True),
            "fail_open_before": parse_duration(case.policy.get("fail_open_before", "1h")).total_seconds(),
        },
        "now": parse_time(case.now).timestamp(),
        "force": case.policy.get("force_renew", False),
        "token": token and {"expires_at": token.expires_at.timestamp(), "entry": token.entry},
        "outage": "AWS is down." if case.outage else "",
        "fingerprints": {},
    }
    texts = run_jq("entries", given, case.secret, folder)
    if token:
        texts += run_jq("token", given, None, folder)
    given["fingerprints"] = {text: "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts}
    [line] = run_jq("plan", given, case.secret, folder)
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_shared_table(case: cases.Case, tmp_path: Path) -> None:
    assert case.refresher
    found = plan(case, tmp_path)
    assert (found["action"], found["reason"]) == (case.refresher["action"], case.refresher["reason"])
    assert found["needs_token"] == (found["action"] == "renewed" and not case.token)
    writes = found["action"] in ("renewed", "updated", "failed_open")
    assert bool(found["patch"]) == (writes and not found["needs_token"])
    assert bool(found["msg"]) == (found["action"] in ("failed", "failed_open"))
    if found["action"] == "failed_open" or found["reason"] in ("aws", "kept", "dying"):
        assert "AWS is down." in found["msg"]


def comparable(secret: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The secret after a merge patch, with its data decoded and without what only one of the two writers sets."""
    patched = {**secret["metadata"].get("annotations", {}), **patch["metadata"].get("annotations", {})}
    data = patch.get("data", secret["data"])[_marks.DATA_KEY]
    return {
        "annotations": patched,
        "config": json.loads(base64.b64decode(data)),
        "labels": patch["metadata"].get("labels", {}),
        "on": (patch["metadata"]["uid"], patch["metadata"]["resourceVersion"]),
    }


WRITING = [
    case
    for case in CASES
    if case.refresher == case.expect and (case.token or case.expect["action"] in ("updated", "failed_open"))
]


@pytest.mark.parametrize("case", WRITING, ids=lambda case: case.name)
def test_writes_what_the_module_writes(case: cases.Case, tmp_path: Path) -> None:
    assert case.secret
    policy = _pull_secret.Policy(
        name=case.secret["metadata"]["name"],
        registries=tuple(case.policy.get("registries", [_marks.DEFAULT_REGISTRY])),
        renew_before=parse_duration(case.policy.get("renew_before", "8h")),
        force_renew=case.policy.get("force_renew", False),
        fail_open=case.policy.get("fail_open", True),
        fail_open_before=parse_duration(case.policy.get("fail_open_before", "1h")),
        actor="cronjob",
    )
    token = Token.from_mapping(case.token) if case.token else None
    wanted = _pull_secret.decide(case.secret, policy, parse_time(case.now), token, case.outage)
    found = plan(case, tmp_path)
    assert found["action"] == wanted.action
    assert (found["patch"] is None) == (not wanted.writes)
    if wanted.writes:
        merge_patch = _bodies.merge_patch(case.secret, wanted.change)
        assert comparable(case.secret, found["patch"]) == comparable(case.secret, merge_patch)
        assert found["expires_at"] == (wanted.expires_at and wanted.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"))


ODD = (
    '{ "z" : 1.0,\n "auths": {"a/b" : {"n": 12345678901234567890},"https://public.ecr.aws":{"auth":"\\u0041"} } , '
    '"a":"\u00fc" }\n'
)


def test_a_renewal_leaves_what_is_not_ours_to_the_byte(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "less life left than renew_before")
    assert case.secret
    assert case.token
    registries = ["public.ecr.aws", "ecr-public.aws.com"]
    old = dict.fromkeys(registries, _dockerconfig.auth_entry("AWS", cases.OLD))
    text = _dockerconfig.edit(ODD, old)
    secret = copy.deepcopy(case.secret)
    secret["data"][_marks.DATA_KEY] = base64.b64encode(text.encode()).decode()
    secret["metadata"]["annotations"][_marks.REGISTRIES] = ",".join(registries)
    secret["metadata"]["annotations"][_marks.FINGERPRINT] = _dockerconfig.fingerprint(old)
    found = plan(dataclasses.replace(case, secret=secret, policy={"registries": registries}), tmp_path)
    assert found["action"] == "renewed"
    written = base64.b64decode(found["patch"]["data"][_marks.DATA_KEY]).decode()
    assert written == _dockerconfig.edit(text, dict.fromkeys(registries, Token.from_mapping(case.token).entry))
    assert _dockerconfig.edit(written, dict.fromkeys(registries)) == ODD


@pytest.mark.parametrize(
    "entry",
    [
        {"username": "AWS", "password": 'with "quotes", \\ and ünïcode \u2028', "auth": "QVdT"},
        {"username": "AWS", "nested": {"b": [1, {"d": None, "c": True}], "a": ""}, "auth": ""},
    ],
)
def test_fingerprints_are_taken_of_the_same_text(entry: dict[str, Any], tmp_path: Path) -> None:
    entries = {"public.ecr.aws": entry, "another.example": entry}
    secret = {
        "metadata": {"annotations": {_marks.REGISTRIES: ",".join(entries)}},
        "data": {_marks.DATA_KEY: base64.b64encode(json.dumps({"auths": entries}).encode()).decode()},
    }
    given = {
        "policy": {"registries": list(entries)},
        "now": 0,
        "force": False,
        "token": None,
        "outage": "",
        "fingerprints": {},
    }
    texts = set(run_jq("entries", given, secret, tmp_path))
    assert {"sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts} == {
        _dockerconfig.fingerprint(entries)
    }


def test_the_names_of_the_marks_are_the_module_s() -> None:
    names = dict(re.findall(r'^def ([A-Z_]+): "(.*)";$', DECIDE.read_text(), flags=re.MULTILINE))
    assert len(names) == 12
    assert names == {name: getattr(_marks, name) for name in names}


def test_a_time_without_seconds_fraction_is_written(tmp_path: Path) -> None:
    """The clock of the refresher is in whole seconds; todateiso8601 of jq 1.7 would show a fraction."""
    case = next(case for case in CASES if case.name == "expired" and case.token)
    annotations = plan(case, tmp_path)["patch"]["metadata"]["annotations"]
    for name in (_marks.EXPIRES_AT, _marks.RENEWED_AT):
        assert dt.datetime.strptime(annotations[name], "%Y-%m-%dT%H:%M:%SZ")


def selected_plan(document: dict[str, Any], case: cases.Case, folder: Path) -> list[dict[str, Any]]:
    """What becomes of a document with a mark of the refresher's own selection."""
    assert case.token
    token = Token.from_mapping(case.token)
    given: dict[str, Any] = {
        "policy": {
            "name": "ecr-public-secret",
            "registries": ["public.ecr.aws", "ecr-public.aws.com"],
            "renew_before": 28800,
            "fail_open": True,
            "fail_open_before": 3600,
            "labels": {"owner": "platform"},
            "annotations": {"example.com/runbook": "pull-secrets"},
        },
        "now": parse_time(case.now).timestamp(),
        "force": False,
        "token": {"expires_at": token.expires_at.timestamp(), "entry": token.entry},
        "outage": "",
        "fingerprints": {},
    }
    texts = run_jq("entries", given, document, folder) + run_jq("token", given, None, folder)
    given["fingerprints"] = {text: "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts}
    return [json.loads(line) for line in run_jq("plan", given, document, folder) if line]


WITH_TOKEN = next(case for case in CASES if case.token)


def test_makes_what_the_module_makes(tmp_path: Path) -> None:
    assert WITH_TOKEN.token
    policy = _pull_secret.Policy(
        name="ecr-public-secret",
        registries=("public.ecr.aws", "ecr-public.aws.com"),
        labels={"owner": "platform"},
        annotations={"example.com/runbook": "pull-secrets"},
        actor="cronjob",
    )
    wanted = _pull_secret.decide(None, policy, parse_time(WITH_TOKEN.now), Token.from_mapping(WITH_TOKEN.token))
    body = _bodies.new_secret("team-a", policy, wanted.change)
    [found] = selected_plan({"missing": True, "metadata": {"namespace": "team-a"}}, WITH_TOKEN, tmp_path)
    assert (found["action"], found["reason"], found["namespace"]) == (wanted.action, wanted.reason, "team-a")
    assert wanted.expires_at
    assert parse_time(found["expires_at"]) == wanted.expires_at
    # The path says where.
    del body["metadata"]["namespace"]
    configs = [json.loads(base64.b64decode(each.pop("data")[_marks.DATA_KEY])) for each in (body, found["body"])]
    assert configs[0] == configs[1]
    assert found["body"] == body


GIVEN_UP: dict[str, tuple[dict[str, Any], str | None]] = {
    "ours": ({}, "removed"),
    "with another registry": ({"auths": {"public.ecr.aws": "old", "other.example": "theirs"},
                               "registries": ["public.ecr.aws"]}, "removed"),
    "changed by somebody": ({"fingerprint": "sha256:0"}, "removed"),
    "empty": ({"auths": {}, "registries": []}, None),
    "foreign": ({"ours": False}, None),
    "ignored by the kubelet": ({"type": "Opaque"}, None),
    "malformed": ({"raw": "{"}, "malformed"),
    "immutable": ({"immutable": True}, "immutable"),
}  # fmt: skip


@pytest.mark.parametrize(("secret", "expected"), GIVEN_UP.values(), ids=GIVEN_UP)
def test_gives_up_what_is_not_selected(secret: dict[str, Any], expected: str | None, tmp_path: Path) -> None:
    before = cases.secret(**secret)
    found = selected_plan({**before, "unselected": True}, WITH_TOKEN, tmp_path)
    if expected is None:
        assert found == []
        return
    [only] = found
    if expected != "removed":
        assert (only["action"], only["reason"], only["patch"]) == ("failed", expected, None)
        return
    assert (only["action"], only["reason"]) == ("removed", "not_selected")
    after = comparable(before, only["patch"])
    assert set(after["config"]["auths"]) == set(secret.get("auths", {})) - {"public.ecr.aws"}
    assert after["labels"] == {}
    annotations = {key: value for key, value in after["annotations"].items() if value is not None}
    assert annotations.pop(_marks.REGISTRIES) == ""
    assert set(annotations) == {_marks.RENEWED_AT, _marks.CREATED}


def test_makes_nothing_while_aws_is_down(tmp_path: Path) -> None:
    given = {"policy": {}, "now": 0, "force": False, "token": None, "outage": "AWS is down.", "fingerprints": {}}
    [line] = run_jq("plan", given, {"missing": True, "metadata": {"namespace": "team-a"}}, tmp_path)
    found = json.loads(line)
    assert (found["action"], found["reason"], found["body"], found["needs_token"]) == ("failed", "aws", None, False)
    assert "AWS is down." in found["msg"]
