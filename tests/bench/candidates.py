# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which people get pull secrets into namespaces, each as one command."""

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
"""Requests that h2load has under way; more are no faster."""


@dataclass(frozen=True)
class Job:
    """What is to be done, in which namespaces."""

    operation: str
    namespaces: Sequence[str]


class Candidate:
    """title: for people. most: the most namespaces that it is measured with, since more would only take longer.

    in_pod: on a node, so that the command only waits for it: its processor time and memory are not known.
    """

    title: str
    most: int | None = None
    in_pod = False
    user = ADMIN
    operations: Sequence[str] = (CREATE, RENEW)

    def __init__(self, cluster: BenchCluster) -> None:
        self.cluster = cluster
        self._runs = 0

    def command(self, job: Job) -> Command:
        """What to run for the job; whatever it reads is written before."""
        self._runs += 1
        folder = self.cluster.folder / f"{type(self).__name__.lower()}-{self._runs}"
        folder.mkdir(mode=0o700)
        argv = self.prepare(job, folder)
        return Command(argv, self.environment(), folder, self.user, in_pod=self.in_pod)

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        """Write what the command reads, and return the command."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        aws = self.cluster.aws
        return {
            **Ansible(self.cluster.folder, self.cluster.kubeconfig).environment(),
            "KUBECONFIG": self.cluster.kubeconfig,
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url,
        }


class PullSecretModule(Candidate):
    """One task of one play."""

    title = "**this collection**"
    operations = (CREATE, RENEW, NOTHING)

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.later_life())
        options = {
            "kubeconfig": self.cluster.kubeconfig,
            "name": SECRET,
            "namespaces": namespaces(job),
            "force_renew": job.operation == RENEW,
        }
        return play(folder, [{"name": "Pull secrets", PULL_SECRET: options}])


class RefresherJob(Candidate):
    """A Job of the CronJob that the role has installed for the namespaces, from its creation to its end."""

    title = "**a Job of the role's CronJob**"
    most = 1000
    in_pod = True
    user = f"system:serviceaccount:{HOME}:{CRONJOB}"
    operations = (RENEW, NOTHING)

    # What `kubectl create job --from` makes, but where it is to renew told to do so whatever life remains.
    script = """
        kubectl create job "$1" --from="cronjob/$2" --namespace "$4" --dry-run=client --output=json |
            jq --argjson more "$3" '.spec.template.spec.containers[0].env += $more' >job.json
        kubectl create --filename job.json
        kubectl wait "job/$1" --namespace "$4" --for=condition=Complete --timeout=10m
    """

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.later_life())
        if job.operation == RENEW:
            role = Role(Ansible(folder, self.cluster.kubeconfig), self.cluster.aws, namespaces(job), HOME)
            role.run(name=SECRET, test_run="never").ok()
            # Of its own accord it runs every two hours, which may be just now.
            Workloads(self.cluster.kubeconfig).suspend(HOME)
            self.cluster.aws.behave(life=self.cluster.later_life())
        more = '[{"name": "FORCE_RENEW", "value": "1"}]' if job.operation == RENEW else "[]"
        return ["bash", "-euo", "pipefail", "-c", self.script, "bash", f"refresh-{self._runs}", CRONJOB, more, HOME]


class K8sLoop(Candidate):
    """A token from the AWS CLI, then one call of kubernetes.core.k8s a namespace."""

    title = "``aws`` once, a loop of ``kubernetes.core.k8s``"
    most = 20

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.later_life())
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
        return play(folder, [fetch, write])


class ServerSideApply(Candidate):
    """One file with all objects."""

    title = "``kubectl apply --server-side``"
    operations = (CREATE, RENEW, NOTHING)

    def __init__(self, cluster: BenchCluster) -> None:
        super().__init__(cluster)
        self._last: dict[str, str] = {}

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        if job.operation != NOTHING:
            self._last = self.cluster.new_token()
        manifest = folder / "secrets.json"
        items = [secret(namespace, self._last) for namespace in job.namespaces]
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        return ["kubectl", "apply", "--server-side", "--filename", str(manifest)]


class CreateAndApply(Candidate):
    """What the manual of kubectl leads to: two kubectl a namespace."""

    title = "``kubectl create | kubectl apply`` each"
    most = 100

    script = """
        password=$(aws ecr-public get-login-password --region us-east-1)
        while read -r namespace; do
            kubectl create secret docker-registry "$1" --namespace "$namespace" --docker-server=public.ecr.aws \
                --docker-username=AWS --docker-password="$password" --dry-run=client --output=yaml | kubectl apply -f -
        done <namespaces
    """

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.later_life())
        (folder / "namespaces").write_text("".join(f"{namespace}\n" for namespace in job.namespaces))
        return ["bash", "-euo", "pipefail", "-c", self.script, "bash", SECRET]


class BlogPipeline(CreateAndApply):
    """The loop that is copied from post to post: a token, a deletion and a creation per namespace."""

    title = "``aws``, ``kubectl delete``, ``create`` each"
    most = 10

    script = """
        while read -r namespace; do
            kubectl delete secret "$1" --namespace "$namespace" --ignore-not-found
            kubectl create secret docker-registry "$1" --namespace "$namespace" --docker-server=public.ecr.aws \
                --docker-username=AWS --docker-password="$(aws ecr-public get-login-password --region us-east-1)"
        done <namespaces
    """


class GetAndPut(Candidate):
    """As nabsul/k8s-ecr-login-renew does: for one namespace after the other a GET, then a POST or a PUT."""

    title = "one after the other: GET, PUT"

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        (folder / "namespaces").write_text("".join(f"{namespace}\n" for namespace in job.namespaces))
        (folder / "secret.json").write_text(json.dumps(secret("", self.cluster.new_token())))
        return [sys.executable, str(Path(__file__).with_name("get_and_put.py")), self.cluster.kubeconfig]


class Limit(Candidate):
    """The same writes from a program that does nothing else: no client can be faster here."""

    title = "the API server's limit (h2load)"
    user = f"system:serviceaccount:kube-system:{LOAD}"

    def __init__(self, cluster: BenchCluster) -> None:
        super().__init__(cluster)
        self._token = cluster.load_token()

    def prepare(self, job: Job, folder: Path) -> Sequence[str]:
        body: dict[str, Any] = secret("", self.cluster.new_token())
        del body["metadata"]["namespace"]
        name = ""
        headers = [f"authorization: Bearer {self._token}", "accept: application/json", "content-type: application/json"]
        if job.operation == RENEW:
            body = {"metadata": {"annotations": body["metadata"]["annotations"]}, "stringData": body["stringData"]}
            name = f"/{SECRET}"
            headers[2:] = ["content-type: application/merge-patch+json", ":method: PATCH"]
        paths = [f"{self.cluster.server}/api/v1/namespaces/{space}/secrets{name}" for space in job.namespaces]
        (folder / "paths").write_text("\n".join(paths))
        (folder / "body").write_text(json.dumps(body))
        # One connection: each would begin with the first path, and write what another has just written.
        streams = str(min(STREAMS, len(paths)))
        options = ["--clients=1", "--threads=1", f"--max-concurrent-streams={streams}", f"--requests={len(paths)}"]
        return ["h2load", *options, *(f"--header={header}" for header in headers), "--data=body", "--input-file=paths"]


ALL: Sequence[type[Candidate]] = (
    PullSecretModule,
    RefresherJob,
    Limit,
    GetAndPut,
    ServerSideApply,
    CreateAndApply,
    K8sLoop,
    BlogPipeline,
)


def namespaces(job: Job) -> list[str]:
    """As our own options name them: one by its name, more by a glob."""
    return list(job.namespaces) if len(job.namespaces) == 1 else [f"{PREFIX}*"]


def play(folder: Path, tasks: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Write a play of these tasks, and return the command that plays it."""
    body = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}
    (folder / "play.yml").write_text(yaml.safe_dump([body], sort_keys=False))
    interpreter = f"ansible_python_interpreter={sys.executable}"
    return [str(BIN / "ansible-playbook"), "play.yml", "-i", "localhost,", "-e", interpreter]
