# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to AWX, as written: its execution environment, accounts, credential type, jobs, survey and schedule."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dateutil.rrule import rrulestr
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.awx import Job
from support.awx_guide import CONTEXTS, GUIDE, AwxGuide
from support.cluster.audit import AuditLog, resource_of

pytestmark = pytest.mark.role
NAME = "ecr-public-secret"
EXPIRES, RENEWED = "ecr-public.freshpull/expires-at", "ecr-public.freshpull/renewed-at"


def test_ansible_builder_accepts_the_execution_environment(tmp_path: Path) -> None:
    (text,) = GUIDE.blocks("Execution environment", "yaml")
    (tmp_path / "execution-environment.yml").write_text(text)
    command, *_others = GUIDE.blocks("Execution environment", "shell")[0].splitlines()
    assert command == "ansible-builder create"
    builder = str(Path(sys.executable).parent / "ansible-builder")
    subprocess.run([builder, "create"], cwd=tmp_path, check=True, timeout=120)
    written = (tmp_path / "context/Containerfile").read_text()
    assert 'ARG PYCMD="/usr/bin/python3.12"' in written
    assert "quay.io/centos/centos:stream9" in written
    assert "ansible-core>=2.17,<2.22" in written
    required = yaml.safe_load((tmp_path / "context/_build/requirements.yml").read_text())
    assert [each["name"] for each in required["collections"]] == ["freshpull.ecr_public"]


def granted() -> set[str]:
    """The verbs on secrets in the guide's manifests, which have no other rule."""
    (manifests,) = GUIDE.blocks("Account in each cluster", "text")
    rules = [rule for each in yaml.safe_load_all(manifests) for rule in each.get("rules", ())]
    assert {resource for rule in rules for resource in rule["resources"]} == {"secrets"}
    return {verb for rule in rules for verb in rule["verbs"]}


def survey(**given: str) -> dict[str, str]:
    """Return the values of the guide's survey. given: those that are not the default."""
    (text,) = GUIDE.blocks("Survey", "json")
    questions = {each["variable"]: each for each in json.loads(text)["spec"]}
    assert all(each["required"] and each["default"] for each in questions.values())
    assert all(value in questions[name].get("choices", [value]) for name, value in given.items())
    return {name: given.get(name, each["default"]) for name, each in questions.items()}


def messages(job: Job) -> dict[str, str]:
    """Return the message of the last failed task of each host."""
    failed = [event["event_data"] for event in job.events if event["event"] == "runner_on_failed"]
    return {each["host"]: each["res"]["msg"] for each in failed}


def test_from_the_accounts_to_the_removal(
    awx_guide: AwxGuide, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog
) -> None:
    """The account has the permissions of the manifests, and uses each of them."""
    places = [awx_guide.shell.named(name) for name in ("team-a", "team-b")]
    tokens = [user["user"]["token"] for user in yaml.safe_load(awx_guide.kubeconfig)["users"]]
    assert len(tokens) == len(CONTEXTS)

    def expiry(namespace: str) -> Any:
        return (core.read_namespaced_secret(NAME, namespace).metadata.annotations or {})[EXPIRES]

    mark = audit.mark()
    awx_guide.renew("--check", "--diff").ok()
    assert (aws.calls, audit.writes(since=mark, user=awx_guide.account)) == ({}, [])
    made = awx_guide.renew("-vvv", "--diff", survey=survey()).ok()
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert leaks.find(made.output, tokens) == []
    awx_guide.check().ok()
    awx_guide.renew(survey=survey()).ok()
    assert aws.calls == {"GetAuthorizationToken": 1}
    before = [core.read_namespaced_secret(NAME, each).data for each in places]
    awx_guide.renew(survey=survey(pull_secret_force_renew="true")).ok()
    assert aws.calls == {"GetAuthorizationToken": 2}
    assert all(core.read_namespaced_secret(NAME, each).data != old for each, old in zip(places, before, strict=True))

    # Two runs are missing, in one cluster.
    end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=4)
    renewed, late = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (end - dt.timedelta(hours=12), end))
    core.patch_namespaced_secret(NAME, places[1], {"metadata": {"annotations": {RENEWED: renewed, EXPIRES: late}}})
    red = messages(awx_guide.check())
    assert list(red) == ["staging"]
    assert f"{places[1]}: due, the token expires at {late}" in red["staging"]
    awx_guide.renew(survey=survey()).ok()
    awx_guide.check().ok()
    assert expiry(places[1]) > late

    awx_guide.renew(pull_secret_state="absent").ok()
    left = [item.metadata.name for each in places for item in core.list_namespaced_secret(each).items]
    assert left == []
    assert set(messages(awx_guide.check())) == set(CONTEXTS)

    requests = audit.requests(since=mark, user=awx_guide.account)
    allowed = [each for each in requests if each["responseStatus"]["code"] != 403]
    used = {(resource_of(each), each["verb"]) for each in allowed if each.get("objectRef")}
    assert used == {("secrets", verb) for verb in granted()}
    denied = {(resource_of(each), each["verb"]) for each in requests if each not in allowed}
    assert {verb for _resource, verb in denied} <= {"get", "list"}
    assert ("cronjobs", "get") in denied


def test_a_run_every_two_hours_leaves_time_for_the_next_one() -> None:
    (rule,) = GUIDE.blocks("Schedule", "text")
    runs = iter(rrulestr(rule.replace(" ", "\n")))
    first, second = next(runs), next(runs)
    timeout = int(_cell("Timeout").split()[0])
    (variables,) = GUIDE.blocks("Job template", "yaml")
    assert yaml.safe_load(variables)["pull_secret_fail_open_before"] == "3h"
    assert second - first + dt.timedelta(seconds=timeout) < dt.timedelta(hours=3)


def _cell(field: str) -> str:
    """Return the value of a field of the job template."""
    return GUIDE.table("Job template")[field][0]
