# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One warning for each tool, however many objects it manages."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    manager_warnings,
    other_managers,
    service_accounts,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Change, Plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.manager_warnings import ManagerWarnings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.other_managers import Manager, Tool
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import Account

NAME = "logins"
TOOLS = [tool for tool in vars(other_managers).values() if isinstance(tool, Tool)]
APPLIES = [tool for _start, tool in other_managers._FIELD_MANAGERS if tool is not other_managers.EXTERNAL_SECRETS]
CREATED, RENEWED, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:01Z"


def account(name: str, *secrets: str, manager: str = "helm", written_at: str = CREATED, **metadata: Any) -> Account:
    fields: dict[str, Any] = {"fieldsV1": {"f:imagePullSecrets": {}}}
    managed = [{"manager": manager, "operation": "Apply", "time": written_at, **fields}]
    metadata = {"name": name, "uid": "u", "resourceVersion": "1", "managedFields": managed, **metadata}
    entries = [{"name": secret} for secret in secrets]
    return Account.from_object({"metadata": {"creationTimestamp": CREATED, **metadata}, "imagePullSecrets": entries})


def outcome(*accounts: Account, namespace: str = "a", attach: bool = True, renewed_at: str = "") -> Outcome:
    plans = tuple(service_accounts.decide_account(one, attach, NAME) for one in accounts)
    return Outcome(namespace, Plan("unchanged", "fresh"), accounts=plans, renewed_at=renewed_at)


def texts(*outcomes: Outcome) -> list[str]:
    warnings = ManagerWarnings(NAME)
    for one in outcomes:
        warnings.add(one)
    return warnings.texts()


def managed(tool: Tool, action: Any = "adopted", reason: Any = "unmanaged", name: str = "") -> Outcome:
    return Outcome("a", Plan(action, reason, change=Change(labels={"a": "b"})), managers=(Manager(tool, name),))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_tool_has_a_next_step_for_a_secret(tool: Tool) -> None:
    (text,) = texts(managed(tool, name="x"))
    place = f"a ({tool.noun} x)" if tool.noun else "a (x)"
    assert text.startswith(f"{tool.name} also manages the secret {NAME} in {place}. It is likely to undo")
    assert text.endswith(", or use another name.")
    assert ("Configure the tool" in text) == (tool is other_managers.OTHER)
    assert "SECRET" not in text


def test_the_setting_of_argo_cd_names_the_secret() -> None:
    (text,) = texts(managed(other_managers.ARGO_CD, name="shop"))
    assert "in a (application shop)." in text
    assert "ignoreDifferences: [{kind: Secret, name: logins, jsonPointers: [/data]}]" in text
    assert "syncOptions: [RespectIgnoreDifferences=true]" in text


def test_the_next_step_for_external_secrets_keeps_the_secret() -> None:
    """For another target External Secrets deletes the former one. Without its ExternalSecret Kubernetes deletes it."""
    (text,) = texts(managed(other_managers.EXTERNAL_SECRETS, name="logins"))
    assert "another target" not in text
    assert "Set target.creationPolicy: None in the ExternalSecret" in text
    assert "kubectl delete --cascade=orphan" in text


def test_a_secret_that_was_changed_since_its_renewal_is_named_twice() -> None:
    changed = managed(other_managers.HELM, "renewed", "modified", name="x")
    (text,) = texts(changed, managed(other_managers.HELM, name="y"))
    assert "logins in a (release x), a (release y)." in text
    assert text.endswith(" Since the last renewal something changed the managed entries in a (release x).")


@pytest.mark.parametrize("tool", dict.fromkeys(APPLIES), ids=lambda tool: tool.name)
def test_each_tool_that_applies_lists_has_a_next_step_for_an_account(tool: Tool) -> None:
    start = next(start for start, found in other_managers._FIELD_MANAGERS if found is tool)
    (text,) = texts(outcome(account("build", "theirs", manager=start)))
    assert text.startswith(
        f"{tool.name} writes imagePullSecrets of service accounts from a list without the secret {NAME}: a/build."
    )
    assert "a conflict with the field manager freshpull" in text
    assert text.endswith(", or name the secret in imagePullSecrets of the pods.")
    assert ("that the tool applies" in text) == (tool is other_managers.KYVERNO)


SETTINGS = {
    "argocd-controller": (
        "ignoreDifferences: [{kind: ServiceAccount, jsonPointers: [/imagePullSecrets]}] and "
        "syncOptions: [RespectIgnoreDifferences=true]"
    ),
    "kustomize-controller": "spec.ignore: [{paths: [/imagePullSecrets], target: {kind: ServiceAccount}}]",
    "helm": "serviceAccount.imagePullSecrets (Helm 4 needs --force-conflicts once",
    "helm-controller": "serviceAccount.imagePullSecrets, in spec.values of the HelmRelease",
    "kubectl": "with --server-side, kubectl apply needs --force-conflicts once",
    "Terraform": "lifecycle { ignore_changes = [image_pull_secret] }",
}


@pytest.mark.parametrize("manager", SETTINGS)
def test_the_next_step_for_an_account_names_the_setting(manager: str) -> None:
    (text,) = texts(outcome(account("build", manager=manager)))
    assert SETTINGS[manager] in text


def test_five_thousand_accounts_are_one_warning_for_each_tool() -> None:
    release: dict[str, Any] = {"annotations": {"meta.helm.sh/release-name": "shop"}}
    outcomes = [
        outcome(
            account("build", **release),
            account("deploy", manager="kustomize-controller"),
            account("other", manager=f"tool-{number}"),
            namespace=f"n{number:04}",
            renewed_at=RENEWED,
        )
        for number in range(5000)
    ]
    random.Random(1).shuffle(outcomes)
    found = texts(*outcomes)
    assert [text.split(" writes")[0] for text in found] == ["Another tool", "Flux", "Helm"]
    assert "n0000/other (field manager tool-0), n0001/other (field manager tool-1)" in found[0]
    assert "n0009/build (release shop) and 4990 more." in found[2]
    assert "n0010" not in found[2]
    assert sum(map(len, found)) < 3000


WRITTEN = {
    "after the renewal": ({"written_at": LATER}, RENEWED, True),
    "before it": ({"written_at": CREATED}, RENEWED, False),
    "in the same second": ({"written_at": RENEWED}, RENEWED, False),
    "an account that is newer than the renewal": ({"written_at": LATER, "creationTimestamp": LATER}, RENEWED, False),
    "a secret that this task writes first": ({"written_at": LATER}, "", False),
    "odd times": ({"written_at": "soon"}, "2026-01-02T00:00:00Z", False),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_list_that_was_written_after_the_last_renewal_is_named(case: str) -> None:
    metadata, renewed_at, again = WRITTEN[case]
    (text,) = texts(outcome(account("build", "theirs", **metadata), account("old", "x"), renewed_at=renewed_at))
    stated = (
        "Helm wrote these lists after the last renewal of the secret, which removed the entry if an earlier run had "
    )
    assert (f"{stated}attached it: a/build." in text) is again


def test_an_account_that_keeps_the_secret_is_no_warning() -> None:
    # Helm's own list has the secret, and so do all lists that an apply writes after the cure.
    assert texts(outcome(account("build", "theirs", NAME))) == []
    assert texts(outcome(account("build", "theirs"), attach=False)) == []


def test_a_manifest_without_the_secret_is_a_warning_while_the_account_has_it() -> None:
    manifest = '{"imagePullSecrets":[{"name":"theirs"}]}'
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": manifest}
    attached = account("build", "theirs", NAME, manager="freshpull", annotations=annotations)
    (text,) = texts(outcome(attached, renewed_at=RENEWED))
    assert text.startswith("kubectl apply writes imagePullSecrets")
    assert "after the last renewal" not in text


def test_a_list_with_a_secret_that_is_detached_is_a_warning() -> None:
    (text,) = texts(outcome(account("build", NAME), account("b", "x"), attach=False))
    assert text.startswith(
        f"Helm writes imagePullSecrets of service accounts from a list with the secret {NAME}, which this task "
    )
    assert "detaches: a/build. Its next deployment adds the entry again, or fails with a conflict" in text


def test_copies_are_named_by_tool() -> None:
    copy = managed(other_managers.HNC, "failed", "copy")
    unknown = Outcome("b", Plan("failed", "copy"))
    warnings = ManagerWarnings(NAME)
    for one in (copy, unknown):
        warnings.add(one)
    warnings.add_copy("c", other_managers.HNC)
    found = warnings.texts()
    assert found[0].startswith(f"Another tool copied the secret {NAME} to other namespaces: b.")
    assert found[1].startswith(f"HNC copied the secret {NAME} to other namespaces: a, c.")
    assert found[1].endswith(" Annotate the source with propagate.hnc.x-k8s.io/none: 'true'.")
    (adopted,) = texts(managed(other_managers.HNC, "adopted", "copy"))
    assert adopted.startswith(f"HNC also manages the secret {NAME} in a.")


def test_every_tool_of_the_tables_has_a_text() -> None:
    assert set(TOOLS) - set(manager_warnings._FOR_SECRETS) == {other_managers.OTHER}
    assert set(APPLIES) - set(manager_warnings._FOR_ACCOUNTS) == {other_managers.KYVERNO}
