# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the pods and service accounts whose pulls are replayed, and replay them. Private to this collection.

Each namespace is replayed by itself: whatever its objects hold, the others have their result.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import bug
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds, objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import is_glob, matches
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_reader import (
    ChainReader,
    Secrets,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.nodes import Node
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import PullVerifier
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.replay import Replay
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret

ASSUMPTION = (
    "The node has no credentials of its own, neither in a Docker config nor from a credential provider. The API server "
    "does not show them. The kubelet tries them after the pull secrets."
)
VERIFIED = " The credentials were tried from where the module runs. The registry can treat the node differently."
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
"""A pod that has finished pulls nothing."""

Object = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Subject:
    """Whose pulls are replayed: those of pods, a name or a glob, or of a pod that a service account would get.

    image: only this one; "" for all images of the pods. verify: try each credential on the registry.
    """

    pod: str = ""
    service_account: str = ""
    image: str = ""
    verify: bool = False


@dataclasses.dataclass
class _Found:
    """What was read in a namespace. errors: why an account could not be read. error: why nothing can be replayed."""

    pods: dict[str, Pod] = dataclasses.field(default_factory=dict)
    accounts: dict[str, Account] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    error: str = ""

    @property
    def secrets(self) -> list[str]:
        """The pull secrets that its pods name."""
        return [name for pod in self.pods.values() for name in pod.secrets]


@dataclasses.dataclass(frozen=True)
class Pulls:
    """The replayed pulls of each namespace, as results, and why those of a namespace could not be replayed."""

    results: t.Mapping[str, list[dict[str, t.Any]]]
    errors: t.Mapping[str, str]
    warnings: t.Sequence[str] = ()
    assumption: str = ASSUMPTION

    def entry(self, namespace: str) -> dict[str, t.Any]:
        error = self.errors.get(namespace, "")
        return {"pull": None if error else self.results.get(namespace, []), "pull_msg": error}


class PullReader:
    """Safe to use from many threads, each for other namespaces.

    First come the secrets and accounts that are read for the status of the namespaces; they are not read again.
    """

    def __init__(self, cluster: Cluster, policy: Policy, subject: Subject, workers: int) -> None:
        self._cluster = cluster
        self._policy = policy
        self._subject = subject
        self._workers = workers
        self._verifier = PullVerifier() if subject.verify else None
        self._known: Secrets = {}
        self._found: dict[str, _Found] = {}
        self._nodes: dict[str, Node] = {}

    def observe(self, namespace: str, secret: Secret | None) -> None:
        """Take over a secret of the task's name. None if there is none."""
        name = self._policy.name
        found = ChainSecret.missing(name)
        if secret:
            found = ChainSecret.from_object(secret, self._policy.registries, keep_passwords=self._subject.verify)
        self._known[namespace] = {name: found}

    def read_pods(self, namespaces: t.Sequence[str]) -> None:
        """Raises ClusterError if a list over all namespaces fails for another reason than permissions."""
        self._found = {namespace: _Found() for namespace in namespaces}
        if self._subject.service_account:
            return
        if len(namespaces) > READ_ONE_BY_ONE:
            try:
                for item in self._list_pods(""):
                    self._add_pod(item["metadata"]["namespace"], item)
            except ForbiddenError:
                pass
            else:
                return
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            list(pool.map(self._read_pods_in, namespaces))

    def observe_account(self, item: Object) -> None:
        """Take over a service account, if its pulls or those of its pods are replayed."""
        metadata = item["metadata"]
        found = self._found.get(metadata["namespace"])
        if found and metadata["name"] in self._accounts_of(found):
            self._add_account(found, metadata["name"], item)

    def replay(self, unlisted: t.Sequence[str]) -> Pulls:
        """unlisted: the namespaces whose service accounts could not be listed.

        Raises ClusterError if a list over all namespaces fails for another reason than permissions.
        """
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            list(pool.map(self._read_accounts_in, unlisted))
            self._read_nodes(pool)
            if self._subject.service_account:
                for found in self._found.values():
                    found.error = found.errors.get(self._subject.service_account, "")
                    found.pods = {name: Pod.of_account(account) for name, account in found.accounts.items()}
            names = {namespace: found.secrets for namespace, found in self._found.items() if not found.error}
            registries, verify = self._policy.registries, self._subject.verify
            reader = ChainReader(self._cluster, registries, pool, keep_passwords=verify)
            secrets = reader.read(names, self._known)
            now = self._cluster.clocks.later()
            # Without tries on the registry nothing has to be waited for.
            run = pool.map if verify else map
            readable = [namespace for namespace in self._found if namespace in secrets]
            replays = run(lambda name: self._replay(self._found[name], secrets[name], now), readable)
            results = dict(zip(readable, replays))
        errors = {namespace: found.error for namespace, found in self._found.items() if found.error}
        return Pulls(
            {namespace: result for namespace, result in results.items() if namespace not in errors},
            errors,
            self._warnings(results, errors),
            ASSUMPTION + (VERIFIED if verify else ""),
        )

    # --- Pods

    def _list_pods(self, namespace: str) -> t.Iterator[Object]:
        glob = is_glob(self._subject.pod)
        selector = _UNFINISHED if glob else f"metadata.name={self._subject.pod}"
        what = f"list pods in {namespace or 'all namespaces'}"
        return self._cluster.list_objects(kinds.path("Pod", namespace), [("fieldSelector", selector)], what)

    def _read_pods_in(self, namespace: str) -> None:
        try:
            if is_glob(self._subject.pod):
                items: t.Iterable[Object] = self._list_pods(namespace)
            else:
                item = objects.read(self._cluster, "Pod", self._subject.pod, namespace)
                items = [item] if item else []
            for item in items:
                self._add_pod(namespace, item)
        except ClusterError as exc:
            self._found[namespace].error = str(exc)

    def _add_pod(self, namespace: str, item: Object) -> None:
        found = self._found.get(namespace)
        name = item["metadata"]["name"]
        if found is None or not matches(name, [self._subject.pod]):
            return
        try:
            found.pods[name] = Pod.from_object(item)
        except Exception as exc:  # noqa: BLE001
            found.error = bug("The pod's reading", exc)

    # --- Service accounts

    def _accounts_of(self, found: _Found) -> set[str]:
        only = self._subject.service_account
        return {only} if only else {pod.account for pod in found.pods.values()}

    def _add_account(self, found: _Found, name: str, item: Object) -> None:
        try:
            found.accounts[name] = Account.from_object(item)
        except Exception as exc:  # noqa: BLE001
            found.errors[name] = bug("The service account's reading", exc)

    def _read_accounts_in(self, namespace: str) -> None:
        found = self._found.get(namespace)
        if found is None:
            return
        for name in sorted(self._accounts_of(found)):
            try:
                item = self._cluster.service_account(namespace, name)
            except ClusterError as exc:
                found.errors[name] = str(exc)
                continue
            if item:
                self._add_account(found, name, item)

    # --- Nodes

    def _read_nodes(self, pool: concurrent.futures.Executor) -> None:
        """Read the nodes that can have an image of a pod. Those that cannot be read are left out."""
        pods = [pod for found in self._found.values() for pod in found.pods.values()]
        names = {pod.node for pod in pods if pod.node and not all(use.always_pulled for use in pod.uses)}
        try:
            if len(names) > READ_ONE_BY_ONE:
                items: t.Iterable[Object | None] = self._cluster.list_objects(kinds.path("Node"), [], "list nodes")
            else:
                items = pool.map(lambda name: objects.read(self._cluster, "Node", name), names)
            self._nodes = {node.name: node for item in items for node in [_node(item)] if node and node.name in names}
        except ClusterError:
            return

    # --- Replays

    def _replay(self, found: _Found, secrets: dict[str, ChainSecret], now: dt.datetime) -> list[dict[str, t.Any]]:
        try:
            try_pull = self._verifier.try_pull if self._verifier else None
            replay = Replay(secrets, self._policy, now, nodes=self._nodes, try_pull=try_pull)
            return [
                replay.pull(pod, use, found.accounts.get(pod.account), found.errors.get(pod.account, "")).to_result()
                for _name, pod in sorted(found.pods.items())
                for use in self._uses(pod)
            ]
        except Exception as exc:  # noqa: BLE001
            found.error = bug("The replay", exc)
            return []

    def _uses(self, pod: Pod) -> t.Sequence[Use]:
        image = self._subject.image
        if not image:
            return pod.uses
        use = pod.use_of(image)
        if use:
            return [use]
        # With a glob, the pods that have the image are looked for.
        return [] if is_glob(self._subject.pod) else [Use(image)]

    def _warnings(self, results: t.Mapping[str, list[dict[str, t.Any]]], errors: t.Mapping[str, str]) -> list[str]:
        if errors:
            namespace, error = next(iter(errors.items()))
            count = f"{len(errors)} namespaces, such as {namespace},"
            return [f"The pulls in {count} could not be replayed. {error} See pull_msg of each namespace."]
        if any(results.values()):
            return []
        subject = self._subject
        if subject.service_account:
            return [f"service_account: {subject.service_account!r} is in none of the selected namespaces."]
        if subject.image and any(found.pods for found in self._found.values()):
            return [f"image: no pod that matches pod: {subject.pod!r} has the image {subject.image!r}."]
        return [f"pod: {subject.pod!r} matches no pod of the selected namespaces."]


def _node(item: Object | None) -> Node | None:
    """Return a node that exists and can be read. What is known of it is no more than a hint."""
    try:
        return Node.from_object(item) if item else None
    except Exception:  # noqa: BLE001
        return None
