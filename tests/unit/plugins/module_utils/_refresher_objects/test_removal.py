# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Obstacles of a removal, over a script of the calls. The module's tests have whole tasks."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import Removal
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.removal import Remover
from unit.plugins.modules.refreshers import (
    CRONJOB_PATH,
    LABEL,
    OWN,
    STORED,
    former,
    of,
    own,
    path,
)
from unit.plugins.modules.scripted import Call, Script, error, listed

(NAMESPACE,) = of(STORED, "Namespace")
(CRONJOB,) = of(STORED, "CronJob")
JOBS = kinds.path("Job", OWN)
PODS = listed(
    kinds.path("Pod", OWN),
    {"metadata": {"name": "stuck", "namespace": OWN}, "spec": {"nodeName": "dead-node"}},
    labelSelector=LABEL,
)


def remover(*calls: Call, dry_run: bool = False) -> tuple[Remover, Script]:
    script, now = Script(calls), [0.0]

    def sleep(seconds: float) -> None:
        now[0] += 20 * seconds

    removal = Removal(OWN, "ecr-public-secret", workers=1)
    made = Remover(Cluster(script), removal, dry_run=dry_run, sleep=sleep, now=lambda: now[0])
    return made, script


def job(name: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": OWN, "uid": f"uid-{name}"}, "status": status}


# --- The CronJob


def test_a_cron_job_that_ends_after_a_while_is_waited_for() -> None:
    there = [Call("GET", CRONJOB_PATH, body=CRONJOB)] * 3
    calls = [Call("DELETE", CRONJOB_PATH), *there, error("GET", CRONJOB_PATH, 404), own(None)]
    made, script = remover(*former([CRONJOB]), *calls)
    made.remove()
    assert script.left == []
    (deleted,) = (each for each in script.sent if each.method == "DELETE")
    assert deleted.body is not None
    assert deleted.body["propagationPolicy"] == "Foreground"


def test_a_cron_job_that_does_not_end_names_the_pod_and_its_node() -> None:
    """All other objects are removed by then."""
    keys = of(STORED, "Secret")[0]
    there = [Call("GET", CRONJOB_PATH, body=CRONJOB)] * 8
    calls = [Call("DELETE", path(keys)), Call("DELETE", CRONJOB_PATH), *there, PODS]
    made, script = remover(*former([CRONJOB, keys]), *calls)
    with pytest.raises(ClusterError, match=f"{OWN}/.*stuck on node dead-node") as caught:
        made.remove()
    assert caught.value.reason == "terminating"
    assert script.left == []
    assert {change.identity[0] for change in made.changes} == {"CronJob", "Secret"}


def test_an_object_that_is_being_deleted_is_not_deleted_again() -> None:
    ending = {**CRONJOB, "metadata": {**CRONJOB["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    made, script = remover(*former([ending]), error("GET", CRONJOB_PATH, 404), own(None))
    made.remove()
    assert script.left == []
    assert made.changes == []


# --- Jobs of a refresher that is suspended


def test_jobs_that_run_are_ended_and_others_stay() -> None:
    jobs = listed(JOBS, job("runs", active=1), job("done", succeeded=1), labelSelector=LABEL)
    gone = error("GET", f"{JOBS}/runs", 404)
    made, script = remover(jobs, Call("DELETE", f"{JOBS}/runs"), gone)
    assert made.end_jobs() == ""
    assert script.left == []
    assert [change.identity for change in made.changes] == [("Job", OWN, "runs")]


def test_a_job_that_does_not_end_names_the_pod_and_its_node() -> None:
    jobs = listed(JOBS, job("runs", active=1), labelSelector=LABEL)
    there = [Call("GET", f"{JOBS}/runs", body=job("runs", active=1))] * 8
    made, script = remover(jobs, Call("DELETE", f"{JOBS}/runs"), *there, PODS)
    problem = made.end_jobs()
    assert script.left == []
    assert [words for words in (f"{OWN}/runs", "stuck on node dead-node") if words not in problem] == []


def test_a_dry_run_waits_for_no_job() -> None:
    jobs = listed(JOBS, job("runs", active=1), labelSelector=LABEL)
    made, script = remover(jobs, Call("DELETE", f"{JOBS}/runs", query={"dryRun": "All"}), dry_run=True)
    assert made.end_jobs() == ""
    assert script.left == []


# --- The namespace


def contents(*objects: dict[str, Any], unlisted: bool = False) -> list[Call]:
    """Build the calls that list the namespace: ConfigMaps, and nothing else."""
    resource = {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["list", "delete"]}
    config_maps = kinds.path("ConfigMap", OWN)
    return [
        Call("GET", "/apis", body={"kind": "APIGroupList", "groups": []}),
        Call("GET", "/api/v1", body={"kind": "APIResourceList", "resources": [resource]}),
        error("GET", config_maps, 403, limit="500") if unlisted else listed(config_maps, *objects),
    ]


NAMESPACE_PATH = kinds.path("Namespace", name=OWN)
BUILT_IN = {"metadata": {"name": "kube-root-ca.crt", "namespace": OWN}}


def test_an_empty_namespace_that_the_module_created_is_removed() -> None:
    calls = [*contents(BUILT_IN), Call("DELETE", NAMESPACE_PATH), own(NAMESPACE), own(None)]
    made, script = remover(*former(), own(NAMESPACE), *calls)
    made.remove()
    assert script.left == []
    assert (made.namespace_stays, made.warnings) == (False, [])


def test_a_namespace_that_the_module_did_not_create_stays() -> None:
    metadata = {**NAMESPACE["metadata"], "annotations": None}
    made, script = remover(*former(), own({**NAMESPACE, "metadata": metadata}))
    made.remove()
    assert script.left == []
    assert (made.changes, made.namespace_stays) == ([], False)


def test_a_namespace_that_cannot_be_listed_stays() -> None:
    made, script = remover(*former(), own(NAMESPACE), *contents(unlisted=True))
    made.remove()
    assert script.left == []
    assert made.namespace_stays
    assert ["configmaps" in warning for warning in made.warnings] == [True]


def test_a_namespace_whose_deletion_does_not_end_is_a_warning() -> None:
    made, script = remover(
        *former(), own(NAMESPACE), *contents(), Call("DELETE", NAMESPACE_PATH), *[own(NAMESPACE)] * 8
    )
    made.remove()
    assert script.left == []
    assert [OWN in warning for warning in made.warnings] == [True]
