# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to tests without AWS: its scenario runs as written, with molecule and the collection of the artifact."""

from __future__ import annotations

import json
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from galaxy.clean import REPOSITORY
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.galaxy_server import installable
from support.guide import Guide, Shell
from support.playbook import Ansible
from support.role import Role
from tools.artifact import build

pytestmark = pytest.mark.role
GUIDE = Guide("guide_testing")
SCENARIO = "molecule/default/molecule.yml"
ADMIN = "freshpull-admin"
ENDPOINT = "A fake endpoint"
FAILED = 2
"""The exit status of molecule if a playbook fails."""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(REPOSITORY, tmp_path_factory.mktemp("artifact")).path


@pytest.fixture
def namespace(core: client.CoreV1Api) -> Iterator[str]:
    """The name of the namespace that the scenario creates."""
    name = f"t{secrets.token_hex(4)}-team-a"
    yield name
    if name in [each.metadata.name for each in core.list_namespace().items]:
        core.delete_namespace(name)


@pytest.fixture
def project(ansible: Ansible, aws: FakeAws, artifact: Path, namespace: str) -> Iterator[Shell]:
    """The project of the guide, in which its commands have installed the artifact."""
    refresher = f"{namespace}-refresher"
    with Role(ansible, aws, [namespace], refresher), installable(artifact, ansible.directory) as galaxy:
        # A mistake would use the wrong cluster or real keys.
        others = {"KUBECONFIG": "/missing", "AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"}
        names = {"team-a": namespace, "8410": str(free_port())}
        shell = Shell(ansible, names, {**others, **galaxy, "TEST_KUBECONFIG": ansible.kubeconfig}, {})
        for section in ("The playbook", "The scenario", ENDPOINT):
            for name, text in GUIDE.files(section).items():
                shell.write(name, text)
        # The default can be in use by another test. Ansible reads this file beside the imported playbook.
        shell.write("group_vars/all.yml", f"pull_secret_refresher_namespace: {refresher}\n")
        _packages, collections = GUIDE.commands("Installation").splitlines()
        assert "freshpull.ecr_public:" in shell.run(collections)
        assert (ansible.directory / "collections/ansible_collections/freshpull/ecr_public/MANIFEST.json").exists()
        yield shell


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def writes(audit: AuditLog, since: int, resource: str, namespace: str) -> list[str]:
    """Return the verbs of the scenario's writes in a namespace, and in that of its refresher."""
    # The garbage collector also writes an object, to end its deletion.
    events = audit.writes(since, ADMIN, resource)
    return [each["verb"] for each in events if each["objectRef"].get("namespace", "").startswith(namespace)]


def verified(output: str) -> None:
    """Check that molecule ran all steps of the scenario."""
    steps = yaml.safe_load(GUIDE.files("The scenario")[SCENARIO])["scenario"]["test_sequence"]
    assert [step for step in steps if f"default > {step}: Executed: Successful" not in output] == []


def test_the_scenario(project: Shell, audit: AuditLog, namespace: str) -> None:
    start = audit.mark()
    verified(project.run(GUIDE.commands("Run")))
    assert writes(audit, start, "secrets", namespace) == ["patch", "create", "delete", "delete"]
    assert writes(audit, start, "cronjobs", namespace) == ["patch", "delete"]
    assert writes(audit, start, "jobs", namespace) == []


def test_push_mode_with_a_fake_endpoint(project: Shell, audit: AuditLog, namespace: str) -> None:
    start = audit.mark()
    project.write("pull_secret.yml", GUIDE.variables("Push mode"))
    scenario = yaml.safe_load(GUIDE.files("The scenario")[SCENARIO])
    variables = scenario["provisioner"]["inventory"]["host_vars"]["localhost"]
    del variables["pull_secret_token"]
    variables.update(yaml.safe_load(GUIDE.variables(ENDPOINT)))
    project.write(SCENARIO, yaml.safe_dump(scenario))
    # The server ends also if molecule fails.
    output = project.run(f"trap 'kill $(jobs -p) || true' EXIT\n{GUIDE.commands(ENDPOINT)}")
    verified(output)
    assert output.count('"POST / HTTP/1.1" 200') == 1
    assert writes(audit, start, "secrets", namespace) == ["create", "delete"]
    assert writes(audit, start, "cronjobs", namespace) == []


def test_verify_fails_without_the_secret(project: Shell, namespace: str) -> None:
    project.run("molecule converge")
    project.run(f"kubectl --kubeconfig $TEST_KUBECONFIG -n {namespace} delete secret ecr-public-secret")
    assert re.search(r"Not as expected: .*'status': 'missing'", project.run("molecule verify", status=FAILED))


def test_no_other_cluster_is_used(project: Shell) -> None:
    assert "TEST_KUBECONFIG" in project.run("unset TEST_KUBECONFIG\nmolecule prepare", status=FAILED)


def test_the_keys_of_a_token(ansible: Ansible) -> None:
    fact = {"ansible.builtin.set_fact": yaml.safe_load(GUIDE.variables("The keys of a token")), "register": "set"}
    token = ansible.tasks([fact]).ok().results["set"]["ansible_facts"]["made_up_token"]
    expected = Token.from_mapping(token).to_mapping()
    for each in (token, expected):
        each["dockerconfigjson"] = json.loads(each["dockerconfigjson"])
    assert token == expected
