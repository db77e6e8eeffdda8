# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each variable of the refresher makes of its pod. One playbook renders all cases: its start takes long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.playbook import Ansible

ROLE = Path(__file__).parents[4] / "roles/pull_secret"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"
RENDERED = {
    "cronjob": "lookup('ansible.builtin.template', 'cronjob.yml.j2') | from_yaml",
    "files": "_pull_secret_files",
    "account": "_pull_secret_account_annotations",
}

# The role's variables without their prefix pull_secret_refresher_.
CASES: dict[str, dict[str, Any]] = {
    "secret": {},
    "existing_secret": {"aws_auth": "existing_secret", "aws_existing_secret": "theirs"},
    "irsa": {"aws_auth": "irsa", "role_arn": ARN},
    "pod_identity": {"aws_auth": "pod_identity"},
    "web_identity": {"aws_auth": "web_identity", "role_arn": ARN, "audience": "my-audience"},
    "ambient": {"aws_auth": "ambient"},
    "secret and role": {"role_arn": ARN, "external_id": "partner"},
    "ambient and role": {"aws_auth": "ambient", "role_arn": ARN},
    "pod identity and role": {"aws_auth": "pod_identity", "role_arn": ARN},
    "placed": {
        "node_selector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "priority_class": "system-cluster-critical",
        "image_pull_secrets": ["mirror"],
        "resources": {"limits": {"memory": "1Gi"}},
        "image": "mirror.example.com/aws-cli:1",
        "image_pull_policy": "Always",
    },
    "timed": {
        "schedule": "@hourly",
        "time_zone": "Europe/Berlin",
        "active_deadline": 300,
        "history": 1,
        "suspend": True,
    },
    "behind a proxy": {"proxy": "http://proxy:3128", "no_proxy": "a.example,.b.example", "ca_bundle": "PEM\n"},
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By case what the role sends to the cluster; the role's own files, but a task that only renders."""
    folder = tmp_path_factory.mktemp("render")
    role = folder / "roles/render"
    (role / "tasks").mkdir(parents=True)
    for part in ("defaults", "vars", "templates"):
        (role / part).symlink_to(ROLE / part)
    parts = ", ".join(f"'{name}': {expression}" for name, expression in RENDERED.items())
    fact = {"rendered": "{{ rendered | default({}) | combine({case: {" + parts + "}}) }}"}
    (role / "tasks/main.yml").write_text(yaml.safe_dump([{"ansible.builtin.set_fact": fact}]))
    tasks: list[dict[str, Any]] = [
        {
            "ansible.builtin.include_role": {"name": "render"},
            "vars": {
                "case": case,
                "pull_secret_refresher_aws_auth": "secret",
                "_pull_secret_host": "https://cluster.example",
                **{f"pull_secret_refresher_{name}": value for name, value in changes.items()},
            },
        }
        for case, changes in CASES.items()
    ]
    tasks.append({"name": "Show", "ansible.builtin.debug": {"var": "rendered"}, "register": "shown"})
    run = Ansible(folder, kubeconfig="").tasks(tasks, env={"ANSIBLE_ROLES_PATH": str(role.parent)}).ok()
    shown: dict[str, dict[str, Any]] = run.results["shown"]["rendered"]
    return shown


def pod(rendered: dict[str, dict[str, Any]], case: str) -> dict[str, Any]:
    spec: dict[str, Any] = rendered[case]["cronjob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def environment(rendered: dict[str, dict[str, Any]], case: str) -> dict[str, str]:
    [container] = pod(rendered, case)["containers"]
    found = {entry["name"]: entry["value"] for entry in container["env"]}
    assert {found.pop("HOME"), found.pop("TMPDIR")} == {"/scratch"}
    return found


def volume(rendered: dict[str, dict[str, Any]], case: str) -> dict[str, Any] | None:
    """The one that brings access to AWS; it must be mounted if it is there."""
    spec = pod(rendered, case)
    found = [volume for volume in spec["volumes"] if volume["name"] == "aws"]
    mounts = [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "aws"]
    assert mounts == ["/var/run/secrets/freshpull-aws"] * len(found)
    return found[0] if found else None


KEYS = {"AWS_SHARED_CREDENTIALS_FILE": "/var/run/secrets/freshpull-aws/credentials"}
SESSION = {"AWS_ROLE_SESSION_NAME": "freshpull-ecr-public"}
PROFILE = {"AWS_CONFIG_FILE": "/etc/freshpull/aws-config", "AWS_PROFILE": "assumed"}
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "secret": KEYS,
    "existing_secret": KEYS,
    "irsa": SESSION,
    "pod_identity": {},
    "web_identity": {
        **SESSION,
        "AWS_ROLE_ARN": ARN,
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/freshpull-aws/token",
    },
    "ambient": {"AWS_EC2_METADATA_DISABLED": "false"},
    "secret and role": {**KEYS, **PROFILE},
    "ambient and role": {"AWS_EC2_METADATA_DISABLED": "false", **PROFILE},
    "pod identity and role": PROFILE,
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_environment(rendered: dict[str, dict[str, Any]], case: str) -> None:
    assert environment(rendered, case) == ENVIRONMENTS[case]


@pytest.mark.parametrize(("case", "name"), [("secret", "refresh-ecr-public-token-aws"), ("existing_secret", "theirs")])
def test_keys_come_from_a_secret(rendered: dict[str, dict[str, Any]], case: str, name: str) -> None:
    found = volume(rendered, case)
    assert found
    assert found["secret"]["secretName"] == name


@pytest.mark.parametrize("case", ["irsa", "pod_identity", "ambient"])
def test_nothing_is_mounted_where_the_platform_gives_access(rendered: dict[str, dict[str, Any]], case: str) -> None:
    assert volume(rendered, case) is None


def test_the_web_identity_is_a_short_token_for_its_audience(rendered: dict[str, dict[str, Any]]) -> None:
    found = volume(rendered, "web_identity")
    assert found
    token = {"path": "token", "audience": "my-audience", "expirationSeconds": 600}
    assert found["projected"]["sources"] == [{"serviceAccountToken": token}]


def test_only_irsa_marks_the_service_account(rendered: dict[str, dict[str, Any]]) -> None:
    annotated = {case: each["account"] for case, each in rendered.items() if each["account"]}
    wanted = {"eks.amazonaws.com/role-arn": ARN, "eks.amazonaws.com/audience": "sts.amazonaws.com"}
    assert annotated == {"irsa": wanted}


CONFIGS = {
    "secret and role": ["external_id = partner", "source_profile = default"],
    "ambient and role": ["credential_source = Ec2InstanceMetadata"],
    "pod identity and role": ["credential_source = EcsContainer"],
}


def test_the_cli_assumes_a_role_by_its_configuration(rendered: dict[str, dict[str, Any]]) -> None:
    with_config = {
        case: each["files"]["aws-config"] for case, each in rendered.items() if "aws-config" in each["files"]
    }
    assert set(with_config) == set(CONFIGS)
    for case, lines in CONFIGS.items():
        common = ["[profile assumed]", f"role_arn = {ARN}", "role_session_name = freshpull-ecr-public"]
        assert with_config[case].splitlines() == common + lines


def test_where_it_runs_and_what(rendered: dict[str, dict[str, Any]]) -> None:
    spec, changes = pod(rendered, "placed"), CASES["placed"]
    assert spec["nodeSelector"] == changes["node_selector"]
    assert spec["tolerations"] == changes["tolerations"]
    assert spec["priorityClassName"] == changes["priority_class"]
    assert spec["imagePullSecrets"] == [{"name": "mirror"}]
    [container] = spec["containers"]
    assert (container["image"], container["imagePullPolicy"]) == (changes["image"], "Always")
    assert container["resources"] == changes["resources"]


def test_when_it_runs(rendered: dict[str, dict[str, Any]]) -> None:
    spec = rendered["timed"]["cronjob"]["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("@hourly", "Europe/Berlin", True)
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 1)
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 300
    assert rendered["secret"]["cronjob"]["spec"]["suspend"] is False


def test_what_is_not_asked_for_is_not_there(rendered: dict[str, dict[str, Any]]) -> None:
    spec = pod(rendered, "secret")
    assert {"imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName"} & set(spec) == set()
    assert rendered["secret"]["files"] == {}


def test_the_way_to_aws(rendered: dict[str, dict[str, Any]]) -> None:
    found = environment(rendered, "behind a proxy")
    assert found["HTTPS_PROXY"] == "http://proxy:3128"
    assert found["NO_PROXY"].startswith("a.example,.b.example,")
    # An agent or a metadata service on the node gives out credentials: they never go through a proxy.
    assert {"169.254.169.254", "169.254.170.23"} <= set(found["NO_PROXY"].split(","))
    assert found["AWS_CA_BUNDLE"] == "/etc/freshpull/aws-ca.crt"
    assert rendered["behind a proxy"]["files"] == {"aws-ca.crt": "PEM\n"}
