# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of an option or of the environment in anything that a job of AWX leaves, whatever its shape is.

`make oldest` runs these tests, too: versions of Ansible and kubernetes.core differ in what they show.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.aws._http import HttpServer, Response
from support.awx import PROJECT, Job, JobTemplate
from support.leak_cases import SHOWN, Site, cases, playbook, profiles
from support.playbook import Ansible

Make = Callable[..., list[str]]
Launch = Callable[..., tuple[Job, set[str]]]
NAME = "ecr-public-secret"


@pytest.fixture
def site(ansible: Ansible, kubeconfig: str, aws: FakeAws, bearer_token: str, make_namespaces: Make) -> Site:
    directory = ansible.directory / "input"
    directory.mkdir()
    admin = yaml.safe_load(Path(kubeconfig).read_text())
    (namespace,) = make_namespaces("a")
    return Site(directory, admin, aws, bearer_token, namespace)


@pytest.fixture
def target(ansible: Ansible) -> leaks.TargetHost:
    return leaks.TargetHost(ansible.directory)


@pytest.fixture
def environment(site: Site, ansible: Ansible) -> Iterator[dict[str, str]]:
    """The variables of a job: all that it leaves is in its directory, and AWS and the proxy do not work."""
    # Ansible binds a socket in the directory for temporary files, and the path of a socket has at most 107 characters.
    temporary, config = ansible.directory / "tmp", site.directory / "aws"
    temporary.mkdir()
    text, assumed, error = profiles(site)
    config.write_text(text)
    with ExitStack() as stack:

        def server(status: int, kind: str, body: str) -> str:
            response = Response(status, body.encode(), {"Content-Type": kind})
            return stack.enter_context(HttpServer(lambda _request: response, host="127.0.0.1")).url

        near = f"127.0.0.1,{urlsplit(site.server).hostname},{urlsplit(site.aws.endpoint_url).hostname}"
        yield {
            "TMPDIR": str(temporary),
            "ANSIBLE_LOG_PATH": str(ansible.directory / "ansible.log"),
            "ANSIBLE_INJECT_INVOCATION": "true",
            "HTTPS_PROXY": site.proxy("proxy of the environment", "#"),
            "NO_PROXY": near,
            # Old versions of the kubernetes client do not read the others.
            "K8S_AUTH_PROXY": site.proxy("proxy of the cluster", "#"),
            "K8S_AUTH_NO_PROXY": near,
            "AWS_CONFIG_FILE": str(config),
            "AWS_ENDPOINT_URL_STS": server(200, "text/xml", assumed),
            "AWS_ENDPOINT_URL_ECR_PUBLIC": server(400, "application/x-amz-json-1.1", error),
        }


@pytest.fixture
def launch(ansible: Ansible, target: leaks.TargetHost, environment: dict[str, str]) -> Launch:
    """Return a function that runs a job and returns it with the command lines of all processes during the job."""

    def run(
        hosts: Sequence[str], variables: dict[str, Any], playbook: str = PROJECT, **env: str
    ) -> tuple[Job, set[str]]:
        inventory = {host: {"ansible_python_interpreter": str(target.python)} for host in hosts}
        with leaks.watched_processes() as processes:
            job = JobTemplate(ansible, inventory, variables, playbook).launch(
                "-vvvv", "--diff", env={**environment, **env}
            )
        return job, processes

    return run


def search(job: Job, site: Site, target: leaks.TargetHost, processes: set[str]) -> None:
    """Search all that a job left. In each place something else is found, so that it is really searched."""
    needles, top = site.needles(), site.directory.parent
    assert leaks.find_in_files(top, needles, inputs=(site.directory, job.command, job.variables)) == []
    assert leaks.find("\n".join((job.output, *processes)), needles) == []
    assert leaks.find(Path(os.environ["FRESHPULL_TEST_AUDIT_LOG"]).read_text(), needles) == []
    given = "".join(path.read_text() for path in (job.command, job.variables, *site.directory.glob("*")))
    unused = [name for name, value in site.secrets.items() if json.dumps(value)[1:-1] not in given]
    # The test's own servers returned the first, and the others are of what was given.
    assert unused == [name for name in site.secrets if name.startswith(("assumed", "digest"))]
    for path in (job.artifacts / "stdout", top / "ansible.log", target.journal):
        assert SHOWN in path.read_text(), path
    assert target.errors.exists()
    assert any(str(target.python) in process for process in processes)


def test_modules(site: Site, core: client.CoreV1Api, target: leaks.TargetHost, launch: Launch) -> None:
    auths = {name: {"auth": site.secret(f"login of {name}")} for name in ("other.example", "public.ecr.aws")}
    data = {".dockerconfigjson": json.dumps({"auths": auths})}
    unmanaged = {"metadata": {"name": "unmanaged"}, "type": "kubernetes.io/dockerconfigjson", "stringData": data}
    core.create_namespaced_secret(site.namespace, unmanaged)
    (site.directory / "unmanaged").write_text(json.dumps(unmanaged))
    tasks, variables = cases(site)
    job, processes = launch(["localhost"], variables, playbook(tasks))
    assert job.returncode == 0, job.stdout[-4000:]
    search(job, site, target, processes)
    results = job.results
    for name, case in tasks.items():
        assert results[name]["failed"] == bool(case.text), (name, results[name].get("msg"))
        assert case.text in f" {results[name].get('msg')}", name
    assert len(results["Print the results"]["msg"]) == len(tasks)

    # The token is found where it must be.
    for name, token in zip(("unmanaged", NAME), site.aws.tokens, strict=True):
        stored = json.dumps(core.read_namespaced_secret(name, site.namespace).data)
        assert leaks.find(stored, leaks.forms(token)), name
    # A digest of an unmanaged login would show a password that can be guessed.
    before, after = (results["unmanaged"]["diff"][key][f"{site.namespace}/unmanaged"] for key in ("before", "after"))
    assert "sha256" not in json.dumps(before)
    assert [key for key, value in after["registries"].items() if "sha256" in value] == ["public.ecr.aws"]
    cached = "".join(path.read_text() for path in (job.artifacts / "fact_cache").rglob("*") if path.is_file())
    assert SHOWN in cached
    # What is no secret is not hidden.
    found = results["bearer token"]
    assert (found["host"], [each["namespace"] for each in found["namespaces"]]) == (
        site.server,
        ["default", site.namespace],
    )
    shown = found["invocation"]["module_args"]["kubeconfig"]
    assert shown["contexts"] == variables["by_token"]["contexts"]
    assert shown["users"][2]["user"]["exec"]["env"][0]["name"] == "AWS_PROFILE"
    journal = [json.loads(line) for line in target.journal.read_text().splitlines()]
    for module in {case.module for case in tasks.values() if case.module.startswith("freshpull.")}:
        assert any(f"ansible-{module} Invoked with" in entry["MESSAGE"] for entry in journal), module


@pytest.mark.role
def test_role(site: Site, core: client.CoreV1Api, target: leaks.TargetHost, launch: Launch) -> None:
    """Three clusters: one gets its token, one has a dead proxy to AWS, and one a broken kubeconfig."""
    keys = {"access_key": site.aws.access_key, "secret_key": site.aws.secret_key}
    proxies = {"https": site.proxy("proxy of the SDK", "@")}
    near, far = site.aws.endpoint_url, "https://api.invalid"
    broken = {**site.kubeconfig(token=site.bearer_token), "users": [{"token": site.secret("token of a broken one")}]}
    clusters = {
        "good": (site.kubeconfig(**site.admin["users"][0]["user"]), {**keys, "endpoint_url": near}),
        "far": (site.kubeconfig(token=site.bearer_token), {"endpoint_url": far, "aws_config": {"proxies": proxies}}),
        "broken": (broken, keys),
    }
    # Of options without AWS keys a password could be guessed.
    for name, (_kubeconfig, aws) in clusters.items():
        site.secrets[f"digest for {name}"] = hashlib.sha256(json.dumps(aws, sort_keys=True).encode()).hexdigest()
    variables = {
        "clusters": {name: {"kubeconfig": cluster[0], "aws": cluster[1]} for name, cluster in clusters.items()},
        "pull_secret_cluster": {"kubeconfig": "{{ clusters[inventory_hostname].kubeconfig }}"},
        "pull_secret_aws": "{{ clusters[inventory_hostname].aws }}",
        "pull_secret_name": "{{ inventory_hostname }}",
        "pull_secret_namespaces": [site.namespace],
        "pull_secret_labels": {"control": SHOWN},
        "pull_secret_refresher": "none",
        "pull_secret_fail_open_before": "3h",
        "pull_secret_hosts": "all",
    }
    key = {"AWS_ACCESS_KEY_ID": site.aws.access_key, "AWS_SECRET_ACCESS_KEY": site.aws.secret_key}
    job, processes = launch([*clusters], variables, **key)
    assert job.returncode == 2, job.stdout[-4000:]
    search(job, site, target, processes)
    assert "No token available for ECR Public" in job.stdout
    assert "No cluster is configured" in job.stdout
    (token,) = site.aws.tokens
    assert leaks.find(json.dumps(core.read_namespaced_secret("good", site.namespace).data), leaks.forms(token))
