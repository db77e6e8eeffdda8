# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay of pulls against a real kubelet, in many constellations of secrets, service accounts and pods.

tests/output/constellations.txt has the table of the last run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.test_info import by_namespace
from support.aws import FakeAws
from support.constellations import CONSTELLATIONS, REGISTRY, REPOSITORY, Constellation, Tokens, managed
from support.playbook import Ansible
from support.pulls import DISCOVERY
from support.workloads import Pull, Workloads, pod_that_pulls, wait_for

pytestmark = pytest.mark.node
AT_A_TIME = 6
TABLE = Path(__file__).parents[1] / "output" / "constellations.txt"


@dataclass(frozen=True)
class Observed:
    """What the kubelet did with a pod, and what the module predicted."""

    pull: Pull
    requests: list[dict[str, Any]]
    predicted: dict[str, Any]

    @property
    def outcome(self) -> str:
        """In the module's words."""
        if self.pull.pulled:
            served = {request["authenticated"] for request in self.requests if "/manifests/" in request["path"]}
            return "authenticated" if True in served else "anonymous"
        return "rejected_likely" if 403 in {request["status"] for request in self.requests} else "blocked"

    @property
    def codes(self) -> set[str]:
        return {one["code"] for one in self.predicted["findings"]}


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


class Scene:
    """One namespace with a service account, its secrets and a pod for each constellation, and another namespace."""

    def __init__(self, aws: FakeAws, workloads: Workloads, namespace: str, other: str) -> None:
        self.aws = aws
        self.namespace = namespace
        self._workloads = workloads
        self._core = workloads.core
        self._other = other
        self.tokens = Tokens(aws.issue()["password"], aws.issue()["password"])
        aws.expire(self.tokens.expired)

    def image(self, name: str) -> str:
        """Add an image whose layer no other one has."""
        repository = f"{REPOSITORY}/{slug(name)}"
        program = Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])
        self.aws.add_image(repository, "1", {f"/{slug(name)}": program}, [f"/{slug(name)}"])
        return f"{REGISTRY}/{repository}:1"

    def create_secrets(self, name: str, case: Constellation) -> list[str]:
        """Create the secrets of a constellation. Each has its own names. Return those in the namespace of the pods."""
        for each in case.elsewhere:
            self.create_secret(self._other, f"{slug(name)}-{each}", managed()(self.tokens))
        made = {f"{slug(name)}-{each}": make(self.tokens) for each, make in case.secrets.items()}
        for each, body in made.items():
            self.create_secret(self.namespace, each, body)
        return list(made)

    def cache(self, secrets: Sequence[str]) -> None:
        """Let the kubelet read these secrets, and keep them in its memory, by a pod that mounts them and stays.

        A kubelet reads a secret when the first pod needs it. If that takes longer than a second, as on a busy machine,
        it pulls without the secret.
        """
        name = f"mounts-{slug(secrets[0])}"
        sources = [{"secret": {"name": each}} for each in secrets]
        body = pod_that_pulls(self.image(name), volumes=[{"name": "secrets", "projected": {"sources": sources}}])
        body["spec"]["containers"][0]["volumeMounts"] = [{"name": "secrets", "mountPath": "/secrets"}]
        self._core.create_namespaced_pod(self.namespace, {**body, "metadata": {"name": name}})
        assert self.pulled(name).pulled

    def create_pod_of(self, name: str, case: Constellation) -> None:
        """Create the service account and the pod of a constellation."""

        def references(names: tuple[str, ...]) -> list[dict[str, str]]:
            return [{"name": f"{slug(name)}-{each}"} for each in names]

        named = tuple(case.secrets) if case.account is None else case.account
        account = {"metadata": {"name": slug(name)}, "imagePullSecrets": references(named)}
        self._core.create_namespaced_service_account(self.namespace, account)
        own = {} if case.pod is None else {"imagePullSecrets": references(case.pod)}
        self.create_pod(slug(name), case.image or self.image(name), serviceAccountName=slug(name), **own)
        if case.later is not None:
            patch = {"imagePullSecrets": references(case.later)}
            self._core.patch_namespaced_service_account(slug(name), self.namespace, patch)

    def create_secret(self, namespace: str, name: str, body: dict[str, Any]) -> None:
        metadata = {key: body["metadata"][key] for key in ("labels", "annotations")}
        self._core.create_namespaced_secret(namespace, {**body, "metadata": {**metadata, "name": name}})

    def create_pod(self, name: str, image: str, **spec: Any) -> None:
        body = pod_that_pulls(image, **spec)
        if "imagePullSecrets" not in spec:
            del body["spec"]["imagePullSecrets"]
        self._core.create_namespaced_pod(self.namespace, {**body, "metadata": {"name": name}})

    def requests(self, image: str) -> list[dict[str, Any]]:
        """Return the registry's requests with content or a token for an image."""
        path = image.removeprefix(f"{REGISTRY}/").rpartition(":")[0]
        # In a path or in a scope.
        named = re.compile(rf"(/v2/|repository:){re.escape(path)}[/:]")
        found = [request for request in self.aws.registry_requests if named.search(str(request))]
        return [request for request in found if request["status"] not in DISCOVERY]

    def pulled(self, name: str) -> Pull:
        return self._workloads.pulled(self.namespace, name)


@pytest.fixture(scope="module")
def scene(running_aws: FakeAws, kubeconfig: str, make_lasting_namespaces: Callable[..., list[str]]) -> Scene:
    running_aws.reset()
    namespace, other = make_lasting_namespaces("pods", "other")
    return Scene(running_aws, Workloads(kubeconfig), namespace, other)


@pytest.fixture(scope="module")
def observed(scene: Scene, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Observed]:
    """A few pods at a time, since the kubelet shares its processors with all others."""
    scene.cache([each for name, case in CONSTELLATIONS.items() for each in scene.create_secrets(name, case)])
    pulls: dict[str, Pull] = {}
    for start in range(0, len(CONSTELLATIONS), AT_A_TIME):
        names = list(CONSTELLATIONS)[start : start + AT_A_TIME]
        for name in names:
            scene.create_pod_of(name, CONSTELLATIONS[name])
        pulls |= {name: scene.pulled(slug(name)) for name in names}
    # One secret per constellation: the name of the task's secret is that of none.
    ansible = Ansible(tmp_path_factory.mktemp("play"), kubeconfig)
    run = ansible.pull_secret_info(name="not-a-secret-of-these", namespaces=[scene.namespace], pod="*").ok()
    (entry,) = by_namespace(run.results["result"]).values()
    predicted = {one["pod"]: one for one in entry["pull"]}
    found = {
        name: Observed(pulls[name], scene.requests(predicted[slug(name)]["image"]), predicted[slug(name)])
        for name in CONSTELLATIONS
    }
    write_table(found)
    return found


def write_table(found: dict[str, Observed]) -> None:
    rows = [("constellation", "predicted", "kubelet", "its reason and message")]
    for name, one in found.items():
        words = f"{one.pull.reason} {one.pull.message}".strip()
        rows.append((name, one.predicted["outcome"], one.outcome, words[:120] or "Pulled"))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("".join(f"{a:45} {b:16} {c:16} {d}\n" for a, b, c, d in rows))


@pytest.mark.parametrize("name", CONSTELLATIONS)
def test_the_prediction_is_what_the_kubelet_does(name: str, observed: dict[str, Observed]) -> None:
    case, found = CONSTELLATIONS[name], observed[name]
    assert (found.predicted["outcome"], found.outcome) == (case.outcome, case.outcome), found
    assert set(case.codes) <= found.codes


def test_the_order_of_the_chain_is_the_kubelet_s(observed: dict[str, Observed]) -> None:
    for name, one in observed.items():
        refused = any(request["status"] == 403 for request in one.requests)
        states = [link["state"] for link in one.predicted["chain"] if link["key"]]
        if one.outcome == "authenticated":
            assert refused == (states[0] == "expired"), (name, one.requests)


# --- Images that the node has


def test_an_image_that_the_node_has(scene: Scene, kubeconfig: str, ansible: Ansible) -> None:
    image = scene.image("on the node")
    for name in ("first", "same-credential"):
        scene.create_secret(scene.namespace, name, managed()(scene.tokens))
    scene.create_secret(scene.namespace, "expired", CONSTELLATIONS["an expired secret"].secrets["a"](scene.tokens))
    scene.cache(["first", "same-credential", "expired"])
    scene.create_pod("pulls", image, imagePullSecrets=[{"name": "first"}])
    assert scene.pulled("pulls").pulled
    core = Workloads(kubeconfig).core
    node = core.read_namespaced_pod("pulls", scene.namespace).spec.node_name

    def reported() -> bool:
        return any(image in (each.names or []) for each in core.read_node(node).status.images or [])

    wait_for(reported, "the image in the status of the node", 180)

    def later(name: str, **spec: Any) -> Observed:
        before = len(scene.requests(image))
        scene.create_pod(name, image, policy="IfNotPresent", **spec)
        pull = scene.pulled(name)
        run = ansible.pull_secret_info(name="not-a-secret-of-these", namespaces=[scene.namespace], pod=name).ok()
        (entry,) = by_namespace(run.results["result"]).values()
        (predicted,) = entry["pull"]
        return Observed(pull, scene.requests(image)[before:], predicted)

    for name in ("first", "same-credential"):
        found = later(f"with-{name}", imagePullSecrets=[{"name": name}])
        assert (found.pull.pulled, found.requests, found.predicted["outcome"]) == (True, [], "authenticated")
        assert found.codes == {"on_node_verified"}
    found = later("without")
    assert (found.outcome, found.predicted["outcome"]) == ("anonymous", "anonymous")
    assert "on_node_verified" in found.codes
    found = later("with-expired", imagePullSecrets=[{"name": "expired"}])
    # After the anonymous pull, all pods of the node may use the image.
    assert (found.pull.pulled, found.requests, found.predicted["outcome"]) == (True, [], "rejected_likely")
    assert "on_node_verified" in found.codes
