# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waits of an installation and their limits, over a script of the calls. The modules' tests have whole tasks."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import policies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import PROBES, Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings
from support.refresher_settings import CASES
from unit.plugins.modules.refreshers import (
    ALWAYS_TRIED,
    BINDINGS,
    CRONJOB_PATH,
    LABEL,
    OWN,
    STORED,
    TRIED_POD,
    applied,
    former,
    of,
    own,
    path,
    tried,
)
from unit.plugins.modules.scripted import DRY_RUN, Call, Script, error, listed

Object = dict[str, Any]
(NAMESPACE,) = of(STORED, "Namespace")
DELETED = "2026-01-01T00:00:00Z"
ACCOUNTS = CASES["service-accounts"]
(RESTRICTION,) = policies.restrictions(ACCOUNTS)
API = Call(
    "GET",
    "/apis/admissionregistration.k8s.io/v1",
    body={"kind": "APIResourceList", "resources": [{"name": "validatingadmissionpolicies"}]},
)
PROBE_PATH = kinds.path("ServiceAccount", OWN)


class Clock:
    """A clock that only the waits of an installation move, ten times as fast."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += 10 * seconds


def installer(*calls: Call, settings: Settings = CASES["listed"], dry_run: bool = False) -> tuple[Installer, Script]:
    script, clock = Script(calls), Clock()
    cluster = Cluster(script, retries=RetryBudget(now=lambda: clock.now, sleep=clock.sleep))
    made = Installer(cluster, settings, dry_run=dry_run, workers=1, sleep=clock.sleep, now=lambda: clock.now)
    return made, script


def deleted(body: Object) -> Object:
    return {**body, "metadata": {**body["metadata"], "deletionTimestamp": DELETED}}


def with_cronjob_deleted() -> list[Object]:
    return [deleted(body) if body["kind"] == "CronJob" else body for body in STORED]


def test_an_object_that_is_being_deleted_is_waited_for_and_created_again() -> None:
    (cronjob,) = of(STORED, "CronJob")
    calls = [
        *former(with_cronjob_deleted()),
        own(NAMESPACE),
        *[Call("GET", CRONJOB_PATH, body=cronjob)] * 3,
        error("GET", CRONJOB_PATH, 404),
        *tried(*ALWAYS_TRIED),
        TRIED_POD,
        *applied(cronjob),
    ]
    made, script = installer(*calls)
    made.install()
    assert script.left == []
    assert [change.to_result() for change in made.changes if change.action != "unchanged"] == [
        {"kind": "CronJob", "namespace": OWN, "name": CRONJOB, "action": "created"}
    ]


def test_an_object_whose_deletion_does_not_end_is_named() -> None:
    (cronjob,) = of(STORED, "CronJob")
    calls = [*former(with_cronjob_deleted()), own(NAMESPACE), *tried(NAMESPACE)]
    made, _script = installer(*calls, *[Call("GET", CRONJOB_PATH, body=cronjob)] * 20)
    with pytest.raises(ClusterError, match=f"CronJob {OWN}/{CRONJOB}") as caught:
        made.install()
    assert caught.value.reason == "terminating"


def test_in_check_mode_a_deletion_is_a_warning() -> None:
    calls = [*former(with_cronjob_deleted()), own(NAMESPACE), *tried(*ALWAYS_TRIED), TRIED_POD]
    made, script = installer(*calls, dry_run=True)
    made.install()
    assert script.left == []
    assert [f"CronJob {OWN}/{CRONJOB}" in warning for warning in made.warnings] == [True]


def test_a_namespace_that_is_being_deleted_is_rejected() -> None:
    made, _script = installer(*former(), own(deleted(NAMESPACE)))
    with pytest.raises(ClusterError, match=OWN) as caught:
        made.install()
    assert caught.value.reason == "terminating"
    assert made.changes == []


# --- Admission policies


def probe(status: int, message: str) -> Call:
    return error("POST", PROBE_PATH, status, message, **dict([DRY_RUN]))


DENIED = probe(403, f"ValidatingAdmissionPolicy '{RESTRICTION.name}' denied request")
ACCEPTED = Call("POST", PROBE_PATH, query=dict([DRY_RUN]))


def restricted(*probes: Call) -> tuple[Installer, Script]:
    """A first installation whose ClusterRole is rejected: it comes after the policy."""
    bodies = [NAMESPACE, RESTRICTION.policy, RESTRICTION.binding]
    role = kinds.path("ClusterRole", name=f"{CRONJOB}:{OWN}")
    calls = [API, *former(), own(None), *tried(*bodies), *applied(*bodies), *probes]
    return installer(*calls, error("PATCH", role, 403, "the role is rejected", **dict([DRY_RUN])), settings=ACCOUNTS)


def test_no_permission_is_written_before_the_policy_is_in_force() -> None:
    """Each API server behind an address must enforce the policy, so the probe is sent several times."""
    made, script = restricted(ACCEPTED, ACCEPTED, *[DENIED] * PROBES)
    with pytest.raises(ClusterError, match="the role is rejected"):
        made.install()
    assert script.left == []


def test_a_rejection_by_another_policy_proves_nothing() -> None:
    made, script = restricted(probe(403, "denied by the policy of somebody"), *[DENIED] * PROBES)
    with pytest.raises(ClusterError, match="the role is rejected"):
        made.install()
    assert script.left == []


@pytest.mark.parametrize("status", [403, 422])
def test_a_rejection_that_always_comes_first_is_quoted(status: int) -> None:
    """The API server quotes one rejection of several."""
    made, _script = restricted(*[probe(status, "every secret needs the label team")] * 200)
    with pytest.raises(ClusterError, match=rf"{RESTRICTION.name}.*every secret needs the label team"):
        made.install()


def test_a_policy_that_is_not_enforced_stops_the_installation() -> None:
    made, script = restricted(*[ACCEPTED] * 20)
    with pytest.raises(ClusterError, match=RESTRICTION.name):
        made.install()
    assert [call for call in script.left if "clusterroles" in call.path] != []


def test_without_permission_for_policies_the_option_to_do_without_is_named() -> None:
    rejected = error("PATCH", path(RESTRICTION.policy), 403, "no policies", **dict([DRY_RUN]))
    made, _script = installer(
        API, *former(), own(None), *tried(NAMESPACE), *applied(NAMESPACE), rejected, settings=ACCOUNTS
    )
    with pytest.raises(ClusterError, match=r"no policies.*attach_service_accounts"):
        made.install()


# --- Objects that are no longer needed


def test_bindings_of_namespaces_that_are_no_longer_selected_are_removed() -> None:
    other = {**of(STORED, "RoleBinding")[0]}
    other["metadata"] = {**other["metadata"], "namespace": "former", "uid": "uid-former"}
    calls = [*former([*STORED, other]), own(NAMESPACE), *tried(*ALWAYS_TRIED), TRIED_POD, Call("DELETE", path(other))]
    made, script = installer(*calls)
    made.install()
    assert script.left == []
    assert [change.identity for change in made.changes if change.action == "removed"] == [
        ("RoleBinding", "former", f"{CRONJOB}:{OWN}")
    ]


@pytest.mark.parametrize("used", [False, True])
def test_a_former_program_is_removed_once_no_job_uses_it(used: bool) -> None:
    code = {**of(STORED, "ConfigMap")[0]}
    code["metadata"] = {**code["metadata"], "name": f"{CRONJOB}-code-0000", "uid": "uid-code"}
    volumes = [{"name": "program", "configMap": {"name": code["metadata"]["name"]}}]
    jobs = [{"metadata": {"name": "j", "namespace": OWN}, "spec": {"template": {"spec": {"volumes": volumes}}}}]
    calls = [
        *former([*STORED, code]),
        own(NAMESPACE),
        *tried(*ALWAYS_TRIED),
        TRIED_POD,
        listed(kinds.path("Job", OWN), *(jobs if used else []), labelSelector=LABEL),
        *([] if used else [Call("DELETE", path(code))]),
    ]
    made, script = installer(*calls)
    made.install()
    assert script.left == []


def test_bindings_that_all_namespaces_reject_stop_the_installation() -> None:
    bindings = of(STORED, *BINDINGS)
    there = [body for body in STORED if body["kind"] not in BINDINGS]
    rejected = [error("PATCH", path(body), 403, "may not bind", **dict([DRY_RUN])) for body in bindings]
    made, script = installer(*former(there), own(NAMESPACE), *tried(*ALWAYS_TRIED), *rejected, TRIED_POD)
    with pytest.raises(ClusterError, match="may not bind"):
        made.install()
    assert script.left == []
    assert {change.action for change in made.changes} == {"unchanged"}
