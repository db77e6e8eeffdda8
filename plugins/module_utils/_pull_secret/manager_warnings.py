# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn of other tools that write the same secrets and service accounts. Private to this collection.

There is one warning for each tool and kind of object, with the first objects and the number of the others. So neither
the warnings nor the memory grow with the number of namespaces.
"""

from __future__ import annotations

import bisect
import collections
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import FIELD_MANAGER
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import SHOWN
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.other_managers import (
    ARGO_CD,
    CLUSTER_SECRET,
    EXTERNAL_SECRETS,
    FLEET,
    FLUX,
    FLUX_HELM,
    HELM,
    HNC,
    KUBECTL,
    KYVERNO,
    OTHER,
    PATCHER,
    PULUMI,
    RANCHER,
    REFLECTOR,
    REPLICATOR,
    SEALED_SECRETS,
    TERRAFORM,
    AccountList,
    Manager,
    Tool,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import Account
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

_IN_CHART = "Remove the secret from the chart, where the annotation helm.sh/resource-policy: keep keeps the object"
# The user's next step for a secret that the tool also writes. SECRET stands for its name.
_FOR_SECRETS = {
    HELM: _IN_CHART,
    FLUX_HELM: _IN_CHART,
    FLEET: _IN_CHART,
    FLUX: "Annotate the secret in the source with kustomize.toolkit.fluxcd.io/ssa: IfNotPresent",
    ARGO_CD: (
        "Set in the Application ignoreDifferences: [{kind: Secret, name: SECRET, jsonPointers: [/data]}] and "
        "syncOptions: [RespectIgnoreDifferences=true]"
    ),
    KUBECTL: "Do not apply its manifest again",
    TERRAFORM: "Set lifecycle { ignore_changes = [data, metadata] } for the resource",
    PULUMI: "Set ignoreChanges: [data, metadata] for the resource",
    # For another target it deletes the secret. Without the ExternalSecret, its owner, Kubernetes deletes the secret.
    EXTERNAL_SECRETS: (
        "Set target.creationPolicy: None in the ExternalSecret, and delete it with kubectl delete --cascade=orphan"
    ),
    SEALED_SECRETS: "Delete the SealedSecret",
    CLUSTER_SECRET: "Add the namespaces to avoidNamespaces of the ClusterSecret",
    PATCHER: "Annotate the namespaces with k8s.titansoft.com/imagepullsecret-patcher-exclude: 'true'",
    REFLECTOR: "Exclude the namespaces in reflector.v1.k8s.emberstack.com/reflection-auto-namespaces of the source",
    REPLICATOR: "Exclude the namespaces in replicator.v1.mittwald.de/replicate-to of the source",
    KYVERNO: "Exclude the namespaces in the policy",
    HNC: "Annotate the source with propagate.hnc.x-k8s.io/none: 'true'",
    RANCHER: "Delete the secret in the Rancher project",
}
_IN_VALUES = "Append the secret to the list in the chart's values, usually serviceAccount.imagePullSecrets"
_IN_SOURCE = "Append the secret to the list in the source"
# The user's next step for a service account whose list the tool also writes.
_FOR_ACCOUNTS = {
    HELM: f"{_IN_VALUES} (Helm 4 needs --force-conflicts once, when the list changes next)",
    FLUX_HELM: f"{_IN_VALUES}, in spec.values of the HelmRelease",
    FLEET: f"{_IN_VALUES}, in helm.values of fleet.yaml",
    FLUX: (
        f"{_IN_SOURCE}, or set in the Kustomization spec.ignore: [{{paths: [/imagePullSecrets], target: {{kind: "
        "ServiceAccount}}] (kustomize-controller 1.9 or later)"
    ),
    ARGO_CD: (
        f"{_IN_SOURCE}, or set in the Application ignoreDifferences: [{{kind: ServiceAccount, jsonPointers: "
        "[/imagePullSecrets]}] and syncOptions: [RespectIgnoreDifferences=true]"
    ),
    KUBECTL: (
        "Append the secret to the list in the manifest (with --server-side, kubectl apply needs --force-conflicts "
        "once, when the list changes next)"
    ),
    TERRAFORM: (
        "Add an image_pull_secret block to the resource, or set lifecycle { ignore_changes = [image_pull_secret] }"
    ),
    PULUMI: "Append the secret to the list in the program, or set ignoreChanges: [imagePullSecrets] for the resource",
}

_Kind = t.Literal["secret", "changed", "copy", "attached", "again", "detached"]


class _Places:
    """The first objects, sorted, and the number of all."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, place: str) -> None:
        self.count += 1
        bisect.insort(self._first, place)
        del self._first[SHOWN:]

    def __str__(self) -> str:
        more = self.count - len(self._first)
        return ", ".join(self._first) + (f" and {more} more" if more else "")


class ManagerWarnings:
    """Collect what other tools manage, and state it. secret: the pull secret's name."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._found: collections.defaultdict[_Kind, dict[Tool, _Places]] = collections.defaultdict(dict)

    def add(self, outcome: Outcome) -> None:
        """Add a secret and its service accounts, after they were decided about or written."""
        plan = outcome.plan
        if plan.reason == "copy" and plan.action != "adopted":
            tools = [manager.tool for manager in outcome.managers if manager.tool.copies]
            self.add_copy(outcome.namespace, tools[0] if tools else None)
            return
        changed = plan.action not in ("adopted", "recreated")
        for manager in outcome.managers:
            self._add("secret", manager, outcome.namespace)
            if changed:
                self._add("changed", manager, outcome.namespace)
        for one in outcome.accounts:
            if one.account and one.action == "detached":
                for found in one.account.lists_with(self._secret):
                    self._add("detached", found.manager, f"{outcome.namespace}/{one.name}")
            elif one.account and (one.action == "attached" or self._secret in one.account.secrets):
                self.add_account(outcome.namespace, one.account, outcome.renewed_at)

    def add_account(self, namespace: str, account: Account, renewed_at: str = "") -> None:
        """Add a service account that has the secret, or gets it. renewed_at: of the managed secret, or ""."""
        for found in account.lists_without(self._secret):
            place = f"{namespace}/{account.name}"
            self._add("attached", found.manager, place)
            if self._secret not in account.secrets and _written_after(renewed_at, account, found):
                self._add("again", found.manager, place)

    def add_copy(self, namespace: str, tool: Tool | None) -> None:
        """Add a copy of a secret. tool: the tool that made it, or None if that is not known."""
        self._add("copy", Manager(tool or OTHER), namespace)

    def _add(self, kind: _Kind, manager: Manager, place: str) -> None:
        places = self._found[kind].setdefault(manager.tool, _Places())
        name = str(manager)
        places.add(f"{place} ({name})" if name else place)

    def texts(self) -> list[str]:
        """Return the warnings."""
        kinds: dict[_Kind, t.Callable[[Tool, _Places], str]] = {
            "secret": self._of_secrets,
            "copy": self._of_copies,
            "attached": self._of_attached,
            "detached": self._of_detached,
        }
        return [
            text(tool, places)
            for kind, text in kinds.items()
            for tool, places in sorted(self._found[kind].items(), key=lambda pair: pair[0].name)
        ]

    def _of_secrets(self, tool: Tool, places: _Places) -> str:
        changed = self._found["changed"].get(tool)
        return (
            f"{tool.name} also manages the secret {self._secret} in {places}. It is likely to undo what this task "
            f"writes, or to delete the secret. {self._for_secret(tool)}, or use another name."
            + (f" Since the last renewal something changed the managed entries in {changed}." if changed else "")
        )

    def _of_copies(self, tool: Tool, places: _Places) -> str:
        return (
            f"{tool.name} copied the secret {self._secret} to other namespaces: {places}. This task leaves copies "
            "unchanged. A copied token expires like any other: exclude the secret from that tool, and select these "
            f"namespaces. {self._for_secret(tool)}."
        )

    def _of_attached(self, tool: Tool, places: _Places) -> str:
        again = self._found["again"].get(tool)
        advice = _FOR_ACCOUNTS.get(tool, "Append the secret to the list that the tool applies")
        text = (
            f"{tool.name} writes imagePullSecrets of service accounts from a list without the secret {self._secret}: "
            f"{places}. Its next deployment removes the entry, or fails with a conflict with the field manager "
            f"{FIELD_MANAGER}. {advice}, or name the secret in imagePullSecrets of the pods."
        )
        if not again:
            return text
        return (
            f"{text} {tool.name} wrote these lists after the last renewal of the secret, which removed the entry if an "
            f"earlier run had attached it: {again}."
        )

    def _of_detached(self, tool: Tool, places: _Places) -> str:
        return (
            f"{tool.name} writes imagePullSecrets of service accounts from a list with the secret {self._secret}, "
            f"which this task detaches: {places}. Its next deployment adds the entry again, or fails with a conflict "
            f"with the field manager {FIELD_MANAGER}. Remove the secret from that list."
        )

    def _for_secret(self, tool: Tool) -> str:
        return _FOR_SECRETS.get(tool, "Configure the tool to ignore the secret").replace("SECRET", self._secret)


def _written_after(renewed_at: str, account: Account, found: AccountList) -> bool:
    """Whether the tool wrote the list after the secret was last renewed, and the account existed at that renewal.

    There is no record of the accounts that earlier runs attached, so this does not prove that the entry was there.
    """
    created, renewed, written = (_time(text) for text in (account.created_at, renewed_at, found.written_at))
    return bool(created and renewed and written and created <= renewed < written)


def _time(text: str) -> dt.datetime | None:
    try:
        return parse_time(text)
    except TimeError:
        return None
