# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured ways to write pull secrets into namespaces, each as one command."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.playbook import PULL_SECRET, Ansible
from support.role import Role
from support.workloads import CRONJOB, Workloads

from .cluster import ADMIN, LOAD, PREFIX, SECRET, BenchCluster, secret
from .measure import Command
from .results import CREATE, NOTHING, RENEW

BIN = Path(sys.executable).parent
HOME = "refresher"
"""The namespace of the CronJob."""
STREAMS = 64
"""Parallel requests of h2load; more are not faster."""


@dataclass(frozen=True)
class Job:
    """An operation and the namespaces for it."""

    operation: str
    namespaces: Sequence[str]


class Candidate:
    """A way to write pull secrets. title: for the page. sizes: the numbers of namespaces; more would only take longer.

    in_pod: the command waits for a pod, whose processor time and memory are not measured.
    """

    title: str
    sizes: Sequence[int] = (1, 10, 100, 1000, 5000)
    in_pod = False
    user = ADMIN
    operations: Sequence[str] = (CREATE, RENEW)

    def __init__(self, cluster: BenchCluster) -> None:
        self.cluster = cluster
        self._runs = 0

    def command(self, job: Job) -> Command:
        """Write the input files of a job and return its command."""
        self._runs += 1
        directory = self.cluster.directory / f"{type(self).__name__.lower()}-{self._runs}"
        directory.mkdir(mode=0o700)
        argv = self.prepare(job, directory)
        return Command(argv, self.environment(), directory, self.user, in_pod=self.in_pod)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        """Write the input files into the directory and return the command line."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        aws = self.cluster.aws
        return {
            **Ansible(self.cluster.directory, self.cluster.kubeconfig).environment(),
            "KUBECONFIG": self.cluster.kubeconfig,
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url,
        }


class PullSecretModule(Candidate):
    """One task of one play."""

    title = "**this collection**"
    sizes = (*Candidate.sizes, 20000)
    operations = (CREATE, RENEW, NOTHING)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        options = {
            "kubeconfig": self.cluster.kubeconfig,
            "name": SECRET,
            "namespaces": namespaces(job),
            "force_renew": job.operation == RENEW,
        }
        return play(directory, [{"name": "Pull secrets", PULL_SECRET: options}])


class RefresherJob(Candidate):
    """A Job of the CronJob that the role installs for the namespaces, from its creation to its end."""

    title = "**a Job of the role's CronJob**"
    sizes = (1, 10, 100, 1000, 20000)
    in_pod = True
    user = f"system:serviceaccount:{HOME}:{CRONJOB}"
    operations = (RENEW, NOTHING)

    # The Job of `kubectl create job --from`, for RENEW with a variable that makes it renew at any remaining lifetime.
    script = """
        kubectl create job "$1" --from="cronjob/$2" --namespace "$4" --dry-run=client --output=json |
            jq --argjson more "$3" '.spec.template.spec.containers[0].env += $more' >job.json
        kubectl create --filename job.json
        kubectl wait "job/$1" --namespace "$4" --for=condition=Complete --timeout=20m
    """

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        if job.operation == RENEW:
            role = Role(Ansible(directory, self.cluster.kubeconfig), self.cluster.aws, namespaces(job), HOME)
            role.run(name=SECRET, test_run="never").ok()
            # Else its schedule could start another Job during the measurement.
            Workloads(self.cluster.kubeconfig).suspend(HOME)
            self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        more = '[{"name": "FORCE_RENEW", "value": "1"}]' if job.operation == RENEW else "[]"
        return ["bash", "-euo", "pipefail", "-c", self.script, "bash", f"refresh-{self._runs}", CRONJOB, more, HOME]


class K8sLoop(Candidate):
    """A token from the AWS CLI, then one call of kubernetes.core.k8s for each namespace."""

    title = "``aws`` once, a loop of ``kubernetes.core.k8s``"
    sizes = (1, 10, 20)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        login = {"registry": "public.ecr.aws", "username": "AWS", "password": "{{ password.stdout }}"}
        entry = {
            "username": "AWS",
            "password": login["password"],
            "auth": "{{ ('AWS:' + password.stdout) | b64encode }}",
        }
        data = "{{ {'auths': {'public.ecr.aws': entry}} | to_json }}"
        definition = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": "{{ item }}"},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": data},
        }
        fetch = {
            "name": "Token",
            "ansible.builtin.command": "aws ecr-public get-login-password --region us-east-1",
            "register": "password",
            "no_log": True,
        }
        write = {
            "name": "Pull secrets",
            "kubernetes.core.k8s": {"kubeconfig": self.cluster.kubeconfig, "definition": definition},
            "loop": list(job.namespaces),
            "vars": {"entry": entry},
            "no_log": True,
        }
        return play(directory, [fetch, write])


class ServerSideApply(Candidate):
    """One file with all objects."""

    title = "``kubectl apply --server-side``"
    operations = (CREATE, RENEW, NOTHING)

    def __init__(self, cluster: BenchCluster) -> None:
        super().__init__(cluster)
        self._last: dict[str, str] = {}

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        if job.operation != NOTHING:
            self._last = self.cluster.new_token()
        manifest = directory / "secrets.json"
        items = [secret(namespace, self._last) for namespace in job.namespaces]
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        return ["kubectl", "apply", "--server-side", "--filename", str(manifest)]


class CreateAndApply(Candidate):
    """The way of the kubectl documentation: two kubectl commands for each namespace."""

    title = "``kubectl create | kubectl apply`` each"
    sizes: Sequence[int] = (1, 10, 100)

    script = """
        password=$(aws ecr-public get-login-password --region us-east-1)
        while read -r namespace; do
            kubectl create secret docker-registry "$1" --namespace "$namespace" --docker-server=public.ecr.aws \
                --docker-username=AWS --docker-password="$password" --dry-run=client --output=yaml | kubectl apply -f -
        done <namespaces
    """

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        (directory / "namespaces").write_text("".join(f"{namespace}\n" for namespace in job.namespaces))
        return ["bash", "-euo", "pipefail", "-c", self.script, "bash", SECRET]


class BlogPipeline(CreateAndApply):
    """The loop of many blog posts: a token, a deletion and a creation for each namespace."""

    title = "``aws``, ``kubectl delete``, ``create`` each"
    sizes = (1, 10)

    script = """
        while read -r namespace; do
            kubectl delete secret "$1" --namespace "$namespace" --ignore-not-found
            kubectl create secret docker-registry "$1" --namespace "$namespace" --docker-server=public.ecr.aws \
                --docker-username=AWS --docker-password="$(aws ecr-public get-login-password --region us-east-1)"
        done <namespaces
    """


class GetAndPut(Candidate):
    """The way of nabsul/k8s-ecr-login-renew: for one namespace after the other a GET, then a POST or a PUT."""

    title = "one after the other: GET, PUT"

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        (directory / "namespaces").write_text("".join(f"{namespace}\n" for namespace in job.namespaces))
        (directory / "secret.json").write_text(json.dumps(secret("", self.cluster.new_token())))
        return [sys.executable, str(Path(__file__).with_name("get_and_put.py")), self.cluster.kubeconfig]


class Limit(Candidate):
    """The same writes, or reads, from a load generator: no client can be faster on this machine."""

    title = "the API server's limit (h2load)"
    operations = (CREATE, RENEW, NOTHING)
    user = f"system:serviceaccount:kube-system:{LOAD}"

    def __init__(self, cluster: BenchCluster) -> None:
        super().__init__(cluster)
        self._token = cluster.load_token()

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        headers = [f"authorization: Bearer {self._token}", "accept: application/json"]
        written: list[str] = []
        if job.operation != NOTHING:
            body: dict[str, Any] = secret("", self.cluster.new_token())
            del body["metadata"]["namespace"]
            if job.operation == RENEW:
                body = {"metadata": {"annotations": body["metadata"]["annotations"]}, "stringData": body["stringData"]}
                headers += ["content-type: application/merge-patch+json", ":method: PATCH"]
            else:
                headers += ["content-type: application/json"]
            (directory / "body").write_text(json.dumps(body))
            written = ["--data=body"]
        name = "" if job.operation == CREATE else f"/{SECRET}"
        paths = [f"{self.cluster.server}/api/v1/namespaces/{space}/secrets{name}" for space in job.namespaces]
        (directory / "paths").write_text("\n".join(paths))
        # One connection, since each connection starts with the first path.
        streams = str(min(STREAMS, len(paths)))
        options = ["--clients=1", "--threads=1", f"--max-concurrent-streams={streams}", f"--requests={len(paths)}"]
        return ["h2load", *options, *(f"--header={header}" for header in headers), *written, "--input-file=paths"]


def namespaces(job: Job) -> list[str]:
    """Return the option `namespaces` of the module: one name, or a glob for more than one."""
    return list(job.namespaces) if len(job.namespaces) == 1 else [f"{PREFIX}*"]


def play(directory: Path, tasks: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Write a play with these tasks, and return the command that runs it."""
    body = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}
    (directory / "play.yml").write_text(yaml.safe_dump([body], sort_keys=False))
    interpreter = f"ansible_python_interpreter={sys.executable}"
    return [str(BIN / "ansible-playbook"), "play.yml", "-i", "localhost,", "-e", interpreter]
