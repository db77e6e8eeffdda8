# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on a real API server behind a proxy that loses, delays and rejects requests.

The tests count the injected faults, and check that no write is lost and none is made twice.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from kubernetes import client

from support import module
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.faults import AFTER, BEFORE, Fault, FaultProxy
from support.workloads import wait_for

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"


def uids(core: client.CoreV1Api, namespaces: list[str]) -> dict[str, str]:
    return {name: core.read_namespaced_secret(NAME, name).metadata.uid for name in namespaces}


def passwords(core: client.CoreV1Api, namespaces: list[str]) -> set[str]:
    read = (core.read_namespaced_secret(NAME, name).data for name in namespaces)
    return {auths_of(data)["public.ecr.aws"]["password"] for data in read}


def done(audit: AuditLog, mark: int) -> Counter[str]:
    """Count the writes that the API server carried out, by namespace."""
    writes = audit.writes(since=mark, resource="secrets", user=ADMIN)
    return Counter(write["objectRef"]["namespace"] for write in writes if write["responseStatus"]["code"] < 300)


# The number of times that a fault hits the same request.
TIMES = 2
PASSING: dict[str, dict[str, Any]] = {
    "429": {"strikes": BEFORE, "status": 429, "headers": {"Retry-After": "1"}},
    "500": {"strikes": BEFORE, "status": 500},
    "502": {"strikes": BEFORE, "status": 502},
    "503": {"strikes": BEFORE, "status": 503, "headers": {"Retry-After": "1"}},
    "504": {"strikes": BEFORE, "status": 504},
    "lost": {"strikes": BEFORE},
    "answer-lost": {"strikes": AFTER, "times": 1},
    "done-but-500": {"strikes": AFTER, "status": 500, "times": 1},
    "done-but-504": {"strikes": AFTER, "status": 504, "times": 1},
}
BEATS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "create": ("POST", "created", {}),
    "renew": ("PATCH", "renewed", {"force_renew": True}),
    "remove": ("DELETE", "removed", {"state": "absent"}),
}


def test_temporary_faults_cost_only_time(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    """Inject each fault in its own namespace, at each kind of write. One namespace has no fault."""
    *faulty, healthy = names = make_namespaces(*PASSING, "healthy")
    made: dict[str, str] = {}
    for beat, (method, action, options) in BEATS.items():
        proxy.heal()
        faults = {
            name: proxy.inject(Fault(method, f"/{name}/", **{"times": TIMES, **fault}))
            for name, fault in zip(faulty, PASSING.values(), strict=True)
        }
        mark = audit.mark()
        token = aws.issue(43200 + 100 * len(made) + 1) if beat != "remove" else None
        result = module.run(proxy.kubeconfig, namespaces=names, token=token, **options).ok()
        assert result.errors == ""
        assert {name: done for name, (done, _reason) in result.actions.items()} == dict.fromkeys(names, action)
        assert done(audit, mark) == dict.fromkeys(names, 1)
        for name in faulty:
            assert len(proxy.times(method, f"/{name}/")) == 1 + faults[name].hits == 1 + faults[name].times
        assert len(proxy.times(method, f"/{healthy}/")) == 1
        if beat == "remove":
            assert {entry["secret_uid"] for entry in result.values["namespaces"]} == {None}
            break
        assert uids(core, names) == {entry["namespace"]: entry["secret_uid"] for entry in result.values["namespaces"]}
        assert made in ({}, uids(core, names))
        made = uids(core, names)
        assert passwords(core, names) == {aws.tokens[-1]}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_retry_after_is_respected(proxy: FaultProxy, aws: FakeAws, make_namespaces: Make, method: str) -> None:
    """No retry comes earlier than Retry-After, and the libraries do no hidden retries."""
    (name,) = make_namespaces("a")
    proxy.inject(Fault(method, f"/{name}/secrets", times=2, strikes=BEFORE, status=429, headers={"Retry-After": "2"}))
    module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue()).ok()
    first, second, third = proxy.times(method, f"/{name}/secrets")
    assert second - first >= 2
    assert third - second >= 2


def test_a_permanent_fault_is_reported_and_stops_no_other_namespace(
    proxy: FaultProxy, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    """Return status 500 for each request, like a broken webhook."""
    bad, good = make_namespaces("bad", "good")
    fault = proxy.inject(Fault("POST", f"/{bad}/", strikes=BEFORE, status=500))
    mark = audit.mark()
    result = module.run(proxy.kubeconfig, namespaces=[bad, good], token=aws.issue())
    assert result.values["failed"]
    assert result.actions == {bad: ("failed", "api_error"), good: ("created", "missing")}
    assert f"Could not create secret {bad}/{NAME}" in result.msg
    assert fault.hits == 5
    assert done(audit, mark) == {good: 1}


def test_a_slow_server_is_waited_for(proxy: FaultProxy, aws: FakeAws, audit: AuditLog, make_namespaces: Make) -> None:
    """Delay each response by a second: no request is repeated."""
    names = make_namespaces(*(f"n{number:02}" for number in range(20)))
    proxy.inject(Fault(delay=1))
    mark = audit.mark()
    assert module.run(proxy.kubeconfig, namespaces=names, token=aws.issue()).ok().summary == {"created": 20}
    assert done(audit, mark) == dict.fromkeys(names, 1)
    assert len(proxy.times("POST")) == 20


def test_another_writer_in_between(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    (name,) = make_namespaces("a")
    module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue(40000)).ok()
    before = uids(core, [name])

    def annotate() -> None:
        core.patch_namespaced_secret(NAME, name, {"metadata": {"annotations": {"theirs": "kept"}}})

    proxy.inject(Fault("PATCH", f"/{name}/", times=2, meanwhile=annotate))
    # The second annotation changes nothing: the version stays the same, and the module's patch succeeds.
    result = module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue(), force_renew=True).ok()
    assert result.actions == {name: ("renewed", "forced")}
    assert len(proxy.times("PATCH")) == 2
    assert uids(core, [name]) == before
    assert core.read_namespaced_secret(NAME, name).metadata.annotations["theirs"] == "kept"
    assert passwords(core, [name]) == {aws.tokens[-1]}


def test_an_endless_conflict_is_reported(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make
) -> None:
    (name,) = make_namespaces("a")
    module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue(40000)).ok()
    count = iter(range(100))

    def annotate() -> None:
        core.patch_namespaced_secret(NAME, name, {"metadata": {"annotations": {"theirs": str(next(count))}}})

    fault = proxy.inject(Fault("PATCH", f"/{name}/", meanwhile=annotate))
    result = module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue(), force_renew=True)
    assert result.actions == {name: ("failed", "conflict")}
    assert fault.hits == 5
    assert passwords(core, [name]) == {aws.tokens[0]}


def test_a_namespace_that_is_deleted_during_the_task(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make
) -> None:
    """A namespace is terminating or gone, before its secret is created and before it is renewed."""
    good, going = make_namespaces("good", "going")
    gone, old = (f"{good}-{kind}" for kind in ("gone", "old"))
    for name in (gone, old):
        core.create_namespace({"metadata": {"name": name}})
    names = [good, going, gone, old]
    module.run(proxy.kubeconfig, namespaces=[good, old], token=aws.issue(40000)).ok()

    def delete(name: str, wait: bool) -> None:
        core.delete_namespace(name)
        if wait:
            wait_for(lambda: name not in {item.metadata.name for item in core.list_namespace().items}, name)

    held = {"metadata": {"name": "held", "finalizers": ["freshpull.invalid/test"]}}
    core.create_namespaced_config_map(going, held)
    proxy.inject(Fault("POST", f"/{going}/", times=1, meanwhile=lambda: delete(going, wait=False)))
    proxy.inject(Fault("POST", f"/{gone}/", times=1, meanwhile=lambda: delete(gone, wait=True)))
    proxy.inject(Fault("PATCH", f"/{old}/", times=1, meanwhile=lambda: delete(old, wait=True)))
    result = module.run(proxy.kubeconfig, namespaces=names, token=aws.issue(), force_renew=True)
    core.patch_namespaced_config_map("held", going, {"metadata": {"finalizers": None}})
    assert result.actions == {
        good: ("renewed", "forced"),
        going: ("failed", "terminating"),
        gone: ("failed", "missing_namespace"),
        old: ("failed", "missing_namespace"),
    }
    assert passwords(core, [good]) == {aws.tokens[-1]}


def test_recreating_survives_lost_responses(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make
) -> None:
    """The one change with two writes: another registry's login is kept, whichever response is lost."""
    names = make_namespaces("delete", "create", "both")
    theirs = base64.b64encode(b'{"auths":{"other.example":{"auth":"dTpw"}}}').decode()
    for name in names:
        body = {"metadata": {"name": NAME}, "type": "Opaque", "data": {".dockerconfigjson": theirs}}
        core.create_namespaced_secret(name, body)
    real_create = r"secrets\?fieldManager=freshpull$"
    faults = [
        *(Fault("DELETE", f"/{name}/", times=1, strikes=AFTER) for name in (names[0], names[2])),
        *(Fault("POST", f"/{name}/{real_create}", times=1, strikes=AFTER) for name in names[1:]),
    ]
    for fault in faults:
        proxy.inject(fault)
    result = module.run(proxy.kubeconfig, namespaces=names, token=aws.issue(), adopt=True, recreate=True).ok()
    assert result.actions == dict.fromkeys(names, ("recreated", "wrong_type"))
    assert [fault.hits for fault in faults] == [1, 1, 1, 1]
    for name in names:
        secret = core.read_namespaced_secret(NAME, name)
        assert secret.type == "kubernetes.io/dockerconfigjson"
        auths = auths_of(secret.data)
        assert set(auths) == {"other.example", "public.ecr.aws"}


MINUTES = {"ahead of": 9, "behind": -9}
DUE = {"ahead of": {"over", "near"}, "behind": {"over"}}


@pytest.mark.parametrize("server", MINUTES)
def test_clocks_nine_minutes_apart(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make, server: str
) -> None:
    """The later of the two clocks counts, and a warning states the difference."""
    # The remaining lifetime by this host's clock, around the 8 hours of renew_before.
    remaining = {
        "over": timedelta(hours=7, minutes=55),
        "near": timedelta(hours=8, minutes=5),
        "far": timedelta(hours=8.25),
    }
    names = dict(zip(remaining, make_namespaces(*remaining), strict=True))
    module.run(proxy.kubeconfig, namespaces=list(names.values()), token=aws.issue()).ok()
    for kind, name in names.items():
        expiry = datetime.now(timezone.utc) + remaining[kind]
        times = {"expires-at": expiry, "renewed-at": expiry - timedelta(hours=12)}
        annotations = {f"ecr-public.freshpull/{key}": f"{when:%Y-%m-%dT%H:%M:%SZ}" for key, when in times.items()}
        core.patch_namespaced_secret(NAME, name, {"metadata": {"annotations": annotations}})
    date = datetime.now(timezone.utc) + timedelta(minutes=MINUTES[server])
    proxy.inject(Fault(headers={"Date": format_datetime(date, usegmt=True)}))
    result = module.run(proxy.kubeconfig, namespaces=list(names.values()), token=aws.issue()).ok()
    expected = {
        name: ("renewed", "due") if kind in DUE[server] else ("unchanged", "fresh") for kind, name in names.items()
    }
    assert result.actions == expected
    stated = re.search(rf"The API server's clock is (\d+) s {server} this host's", str(result.values["warnings"]))
    # The injected clock does not advance, so the difference changes while the module runs.
    assert stated
    assert 420 < int(stated[1]) < 600


@pytest.mark.parametrize("days", [2, -2])
def test_clocks_that_are_days_apart_remove_no_token(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make, days: int
) -> None:
    """Without a token nothing is written; with a token the secret is renewed. The task fails and states both times."""
    (name,) = make_namespaces("a")
    module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue()).ok()
    expiry = datetime.now(timezone.utc) + timedelta(minutes=5)
    times = {"expires-at": expiry, "renewed-at": expiry - timedelta(hours=12)}
    annotations = {f"ecr-public.freshpull/{key}": f"{when:%Y-%m-%dT%H:%M:%SZ}" for key, when in times.items()}
    core.patch_namespaced_secret(NAME, name, {"metadata": {"annotations": annotations}})
    date = datetime.now(timezone.utc) + timedelta(days=days)
    proxy.inject(Fault(headers={"Date": format_datetime(date, usegmt=True)}))
    before = core.read_namespaced_secret(NAME, name).to_dict()
    kept = module.run(proxy.kubeconfig, namespaces=[name], token_unavailable="AWS is down.")
    assert (kept.values["failed"], kept.actions) == (True, {name: ("failed", "clocks")})
    assert core.read_namespaced_secret(NAME, name).to_dict() == before
    renewed = module.run(proxy.kubeconfig, namespaces=[name], token=aws.issue())
    assert (renewed.values["failed"], renewed.actions[name][0]) == (True, "renewed")
    for result in (kept, renewed):
        assert f"By the API server's clock it is {date:%Y-%m-%d}" in result.msg
