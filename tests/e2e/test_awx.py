# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push mode in AWX: with its environment and its runner, and without secrets in the files of a job."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.awx import Job, JobTemplate, amazon_web_services
from support.cluster.audit import AuditLog
from support.playbook import Ansible

pytestmark = pytest.mark.role
Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
PUSH_MODE = {"pull_secret_refresher": "none", "pull_secret_fail_open_before": "3h"}


@pytest.fixture
def server(kubeconfig: str) -> tuple[str, bytes]:
    """The API server's URL and its certificate authority."""
    cluster = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
    return cluster["server"], base64.b64decode(cluster["certificate-authority-data"])


@pytest.fixture
def keys(aws: FakeAws) -> dict[str, str]:
    """Temporary AWS keys in the form of an Amazon Web Services credential."""
    mine = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": aws.secret_key}
    sts = boto3.client("sts", region_name="us-east-1", endpoint_url=aws.sts_url, **mine)
    role = "arn:aws:iam::123456789012:role/ecr-public-pull"
    made = sts.assume_role(RoleArn=role, RoleSessionName="awx")["Credentials"]
    aws.reset()
    return amazon_web_services(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def needles(aws: FakeAws, keys: dict[str, str], *others: str) -> list[str]:
    """Return the strings that must not be found: tokens in each form, and the credentials in the environment."""
    secrets = [keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SECURITY_TOKEN"], *others]
    return [*secrets, *(form for token in aws.tokens for form in leaks.forms(token))]


def check_traces(job: Job, secrets: list[str]) -> None:
    """Check that events, output, fact cache and files have no secret, except the file that records the input.

    ansible-runner writes its environment to `command`, which only its owner can read. AWX stores it with the secrets
    blanked and removes the directory after the job. No playbook can change that.
    """
    assert leaks.find(job.output, secrets) == []
    assert job.holding(secrets) == []
    assert leaks.find(job.command.read_text(), secrets)
    assert stat.S_IMODE(job.command.stat().st_mode) == 0o600
    # The search covers content: there are events with results, and a fact cache.
    assert any(event["event"] == "runner_on_ok" and event["event_data"]["res"] for event in job.events)
    assert (job.artifacts / "fact_cache").is_dir()


@pytest.mark.core
def test_one_cluster_with_the_credentials_of_a_job_template(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    keys: dict[str, str],
    audit: AuditLog,
    server: tuple[str, bytes],
    bearer_token: str,
    make_namespaces: Make,
) -> None:
    names = make_namespaces("a", "b")
    template = JobTemplate(ansible, {"localhost": {}}, {**PUSH_MODE, "pull_secret_namespaces": names})
    env = {**keys, "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url}
    kubernetes = (server[0], bearer_token, server[1])
    mark = audit.mark()

    checked = template.launch("--check", "-vvv", "--diff", env=env, kubernetes=kubernetes)
    assert checked.returncode == 0, checked.stdout[-4000:]
    assert aws.calls == {}
    made = template.launch("-vvv", "--diff", env=env, kubernetes=kubernetes)
    assert made.returncode == 0, made.stdout[-4000:]
    assert aws.calls == {"GetAuthorizationToken": 1}
    writes = audit.writes(since=mark, resource="secrets")
    assert sorted(event["objectRef"]["namespace"] for event in writes) == names
    assert {event["user"]["username"].rpartition(":")[2] for event in writes} == {"awx"}
    assert all(core.read_namespaced_secret(NAME, namespace) for namespace in names)

    for job in (checked, made):
        check_traces(job, needles(aws, keys, bearer_token))
    # The results of the job are still readable.
    results = [event.get("event_data", {}).get("res", {}) for event in made.events]
    written = next(result for result in results if result.get("summary") == {"created": 2})
    assert written["host"] == server[0]
    assert written["expires_at"].endswith("Z")


def test_many_clusters_with_a_token_for_each(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    keys: dict[str, str],
    server: tuple[str, bytes],
    bearer_token: str,
    make_namespaces: Make,
) -> None:
    """Read the clusters' tokens from a custom credential type, which sets environment variables."""
    names = make_namespaces("a", "b")
    authority = ansible.directory / "ca.crt"
    authority.write_bytes(server[1])
    hosts: dict[str, Any] = {}
    for name in names:
        hosts[name] = {
            "pull_secret_cluster": {
                "host": server[0],
                "api_key": "{{ lookup('ansible.builtin.env', 'CLUSTER_TOKEN') }}",
                "ca_cert": str(authority),
            },
            "pull_secret_namespaces": [name],
            # All hosts are one cluster, where two hosts must not write secrets of the same name.
            "pull_secret_name": name,
        }
    template = JobTemplate(ansible, hosts, {**PUSH_MODE, "pull_secret_hosts": "all"})
    env = {**keys, "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url, "CLUSTER_TOKEN": bearer_token}

    made = template.launch("-vvv", "--diff", env=env)
    assert made.returncode == 0, made.stdout[-4000:]
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert all(core.read_namespaced_secret(name, name) for name in names)
    check_traces(made, needles(aws, keys, bearer_token))
