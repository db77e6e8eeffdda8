# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts that other tools apply with a list of their own, under the field managers of these tools.

Server-side apply is a request of the test, as the tools send it. Client-side apply is that of kubectl, which Argo CD
contains.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support import module
from support.account import APPLY
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.module import Result
from support.playbook import Ansible

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"
OPENSHIFT = "openshift.io/image-registry-pull-secrets_service-account-controller"
RELEASE = {"annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "a"}}
TRACKED = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ServiceAccount:a/x"}}
# Account -> field manager and metadata.
SERVER_SIDE: dict[str, tuple[str, Mapping[str, Any]]] = {
    "helm": ("helm", RELEASE),
    "flux": ("kustomize-controller", {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
    "argo": ("argocd-controller", TRACKED),
    "platform": ("platform", {}),
    "openshift": (OPENSHIFT, {}),
}
CLIENT_SIDE: dict[str, tuple[str, Mapping[str, Any]]] = {
    "argo-csa": ("argocd-controller", TRACKED),
    "manifest": ("kubectl-client-side-apply", {}),
}
APPLIED = {**SERVER_SIDE, **CLIENT_SIDE}
# Tool -> its accounts in a warning.
PLACES = {
    "Helm": "{0}/helm (release shop)",
    "Flux": "{0}/flux (Kustomization apps)",
    "Argo CD": "{0}/argo (application shop), {0}/argo-csa (application shop)",
    "Another tool": "{0}/platform (field manager platform)",
    "kubectl apply": "{0}/manifest",
}
CLIENT_SIDE_PLACES = {"Argo CD": "{0}/argo-csa (application shop)", "kubectl apply": "{0}/manifest"}
CONFLICT = 'conflict with "freshpull" using v1: .imagePullSecrets'


class Place:
    """A namespace whose accounts the tools apply, and the module that attaches the secret to all of them."""

    def __init__(self, core: client.CoreV1Api, kubeconfig: str, namespace: str, token: Mapping[str, Any]) -> None:
        self.core = core
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self.options: dict[str, Any] = {"namespaces": [namespace], "service_accounts": ["[!d]*"], "token": dict(token)}

    def deploy(self, account: str, *secrets: str, force: bool = False) -> str:
        """Apply one account with this list, as its tool does. Return the error, or ""."""
        manager, metadata = APPLIED[account]
        manifest: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, **metadata},
            "imagePullSecrets": [{"name": secret} for secret in secrets],
        }
        if account in CLIENT_SIDE:
            command = ("kubectl", "--kubeconfig", self.kubeconfig, "-n", self.namespace, "apply", "-f", "-")
            done = subprocess.run(
                (*command, f"--field-manager={manager}"),
                input=json.dumps(manifest),
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stderr if done.returncode else ""
        try:
            self.core.patch_namespaced_service_account(
                account, self.namespace, manifest, field_manager=manager, force=force, _content_type=APPLY
            )
        except ApiException as exc:
            return str(exc.body)
        return ""

    def lists(self, *accounts: str) -> dict[str, list[str]]:
        """Return the lists of these accounts."""
        found = {one.metadata.name: one for one in self.core.list_namespaced_service_account(self.namespace).items}
        return {name: [entry.name for entry in found[name].image_pull_secrets or []] for name in accounts}

    def run(self, **options: Any) -> Result:
        return module.run(self.kubeconfig, **{**self.options, **options}).ok()

    def info(self) -> Result:
        return module.start_info(self.kubeconfig, namespaces=[self.namespace]).wait().ok()


@pytest.fixture
def place(core: client.CoreV1Api, kubeconfig: str, aws: FakeAws, make_namespaces: Make) -> Place:
    """Each of APPLIED has the list ["theirs"]. The account "plain" was created once."""
    (namespace,) = make_namespaces("a")
    place = Place(core, kubeconfig, namespace, aws.issue())
    assert [place.deploy(account, "theirs") for account in APPLIED] == [""] * len(APPLIED)
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "plain"}, "imagePullSecrets": []})
    return place


def warnings(result: Result) -> list[str]:
    """Return the warnings as texts, whatever form the version of ansible-core gives them."""
    return [str(warning) for warning in result.values.get("warnings", [])]


def actions(result: Result) -> dict[str, str]:
    (namespace,) = result.values["namespaces"]
    return {account["name"]: account["action"] for account in namespace["service_accounts"]}


def check(found: Iterable[str], text: str, places: Mapping[str, str], namespace: str) -> None:
    """Fail unless there is one warning for each tool, with its accounts and no others."""
    left = list(found)
    for tool, accounts in places.items():
        start = f"{tool} {text}: {accounts.format(namespace)}. "
        assert [one for one in left if start in one], (start, left)
        left = [one for one in left if start not in one]
    assert left == []


def test_an_entry_that_another_tool_drops_is_attached_again_with_a_warning(place: Place, audit: AuditLog) -> None:
    text = f"writes imagePullSecrets of service accounts from a list without the secret {NAME}"
    everything = [*APPLIED, "plain"]
    for check_mode in (True, False):
        result = place.run(check_mode=check_mode)
        assert actions(result) == dict.fromkeys(everything, "attached")
        check(warnings(result), text, PLACES, place.namespace)
        assert "after the last renewal" not in str(warnings(result)), "the secret is new"
    assert place.lists(*APPLIED) == {account: ["theirs", NAME] for account in APPLIED}
    # From now on only the manifests of client-side apply show what the next deployment will do.
    for result in (place.run(), place.info()):
        assert not result.values["changed"]
        check(warnings(result), text, CLIENT_SIDE_PLACES, place.namespace)

    # The next deployment: Helm 4 fails, the others drop the entry without an error.
    assert CONFLICT in place.deploy("helm", "theirs").replace('\\"', '"')
    dropped = [account for account in APPLIED if account not in ("helm", "openshift")]
    assert [place.deploy(account, "theirs", force=True) for account in dropped] == [""] * len(dropped)
    assert place.lists("helm", *dropped) == {"helm": ["theirs", NAME], **{account: ["theirs"] for account in dropped}}

    mark = audit.mark()
    result = place.run()
    assert actions(result) == {**dict.fromkeys(everything, "unchanged"), **dict.fromkeys(dropped, "attached")}
    without_helm = {tool: places for tool, places in PLACES.items() if tool != "Helm"}
    check(warnings(result), text, without_helm, place.namespace)
    for tool, places in without_helm.items():
        again = f"which removed the entry if an earlier run had attached it: {places.format(place.namespace)}."
        assert [one for one in warnings(result) if f"{tool} wrote these lists after" in one and again in one], again
    assert place.lists(*APPLIED) == {account: ["theirs", NAME] for account in APPLIED}
    assert len(audit.writes(since=mark, resource="serviceaccounts", user=ADMIN)) == len(dropped)
    assert not place.run().values["changed"]


def test_with_the_entry_in_the_lists_of_the_tools_nothing_is_written_any_more(place: Place) -> None:
    place.run()
    assert [place.deploy(account, "theirs", NAME) for account in APPLIED] == [""] * len(APPLIED)
    for result in (place.run(), place.info()):
        assert (result.values["changed"], warnings(result)) == (False, [])
    # This collection is still a field manager of the list: the first change of it conflicts, and no other.
    assert "conflict with" in place.deploy("helm", "more", "theirs", NAME)
    assert place.deploy("helm", "more", "theirs", NAME, force=True) == ""
    assert place.deploy("helm", "theirs", NAME) == ""
    assert not place.run().values["changed"]
    # The lists would add again what state: absent removes.
    for check_mode in (True, False):
        result = place.run(state="absent", check_mode=check_mode)
        assert set(actions(result).values()) == {"detached"}
        text = (
            f"writes imagePullSecrets of service accounts from a list with the secret {NAME}, which this task detaches"
        )
        check(warnings(result), text, PLACES, place.namespace)


def test_a_play_shows_the_warning(ansible: Ansible, place: Place) -> None:
    run = ansible.pull_secret(**place.options)
    (warning,) = [one for one in run.results["result"]["warnings"] if one.startswith("Helm writes imagePullSecrets")]
    assert "Append the secret to the list in the chart's values, usually serviceAccount.imagePullSecrets" in warning
    assert "[WARNING]" in run.output
