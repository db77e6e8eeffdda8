# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a refresher as the API server stores them, and the calls that read and write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CRONJOB,
)
from support.refresher_settings import CASES, KEYS, objects
from unit.plugins.modules.scripted import DRY_RUN, Call, error, listed

Object = dict[str, Any]

OWN = CASES["listed"].namespace
LABEL = f"ecr-public.freshpull/refresher={OWN}"
KEYS_PATH = kinds.path("Secret", OWN, AWS_SECRET)
CRONJOB_PATH = kinds.path("CronJob", OWN, CRONJOB)
POD_PATH = kinds.path("Pod", OWN)
GIVEN = {**KEYS, "namespaces": ["team-a", "team-b"], "test_run": "never"}
"""The options that come to the objects of STORED."""
STORED: list[Object] = json.loads(json.dumps(objects(CASES["listed"])))
for number, each in enumerate(STORED):
    each["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": "1"}
# What is read by its name, whether it exists or not.
NAMED = [
    *(("ServiceAccount", CRONJOB, OWN), ("Secret", AWS_SECRET, OWN), ("CronJob", CRONJOB, OWN)),
    *(
        (kind, f"{CRONJOB}{part}:{OWN}", "")
        for kind in ("ClusterRole", "ClusterRoleBinding")
        for part in ("", "-namespaces")
    ),
    *(
        (f"ValidatingAdmissionPolicy{binding}", f"{CRONJOB}{part}.{OWN}", "")
        for binding in ("Binding", "")
        for part in ("", "-service-accounts")
    ),
]


def with_a_user_s_secret() -> list[Object]:
    """STORED, where the Secret of the refresher's name has no label of the refresher."""
    (keys,) = of(STORED, "Secret")
    theirs = {**keys, "metadata": {**keys["metadata"], "labels": {"theirs": "x"}}}
    return [theirs if body is keys else body for body in STORED]


def path(body: Object) -> str:
    return kinds.path(body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"])


def of(stored: Iterable[Object], *kind: str) -> list[Object]:
    return [body for body in stored if body["kind"] in kind]


def former(stored: Iterable[Object] = ()) -> list[Call]:
    """Build the calls that read the existing objects of a refresher."""
    found = {path(body): body for body in stored}
    paths = [kinds.path(kind, namespace, name) for kind, name, namespace in NAMED]
    return [
        *(Call("GET", each, body=found[each]) if each in found else error("GET", each, 404) for each in paths),
        listed(kinds.path("RoleBinding"), *of(found.values(), "RoleBinding"), labelSelector=LABEL),
        listed(kinds.path("ConfigMap", OWN), *of(found.values(), "ConfigMap"), labelSelector=LABEL),
    ]


def selected() -> list[Call]:
    names = ("team-a", "team-b")
    return [Call("GET", f"/api/v1/namespaces/{name}", body={"metadata": {"name": name}}) for name in names]


def own(found: Object | None) -> Call:
    """The call that reads the refresher's namespace."""
    where = kinds.path("Namespace", name=OWN)
    return error("GET", where, 404) if found is None else Call("GET", where, body=found)


def tried(*bodies: Object) -> list[Call]:
    return [Call("PATCH", path(body), query=dict([DRY_RUN])) for body in bodies]


def applied(*bodies: Object) -> list[Call]:
    return [Call("PATCH", path(body)) for body in bodies]


TRIED_POD = Call("POST", POD_PATH, query=dict([DRY_RUN]))
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
ALWAYS_TRIED = [body for body in STORED if body["kind"] not in BINDINGS]
"""Bindings that exist are compared without a call."""
JOBS = listed(kinds.path("Job", OWN), labelSelector=LABEL)


def unchanged() -> list[Call]:
    """Build the calls of a task that finds no difference."""
    (namespace,) = of(STORED, "Namespace")
    return [*selected(), *former(STORED), own(namespace), *tried(*ALWAYS_TRIED), TRIED_POD, JOBS]


def until_the_job(*secrets: Object | None) -> list[Call]:
    """The calls of a test run until its Job is created. secrets: of team-a and team-b."""
    (cronjob,) = of(STORED, "CronJob")
    paths = [kinds.path("Secret", name, "ecr-public-secret") for name in ("team-a", "team-b")]
    reads = [
        Call("GET", where, body=found) if found else error("GET", where, 404)
        for where, found in zip(paths, secrets, strict=True)
    ]
    return [Call("GET", CRONJOB_PATH, body=cronjob), Call("PATCH", CRONJOB_PATH), *reads]
