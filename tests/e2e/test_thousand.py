# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand namespaces on a separate control plane: every kind of failure in one pass, an API server that is killed
during the writes, and a task that is stopped by a signal. The tests run in order on the same namespaces.
"""

from __future__ import annotations

import base64
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support import module
from support.aws import FakeAws
from support.bulk_client import RBAC, BulkClient
from support.cluster.second_cluster import SecondCluster, second_cluster
from support.dockerconfig import auths_of
from support.refresher import Refresher

NAME = "ecr-public-secret"
GOOD = [f"good-{number:03}" for number in range(1000)]
KINDS = ("unmanaged", "forbidden", "terminating", "wrong-type")
BAD = {kind: [f"{kind}-{number:02}" for number in range(50)] for kind in KINDS}
MIXED = GOOD[:800] + [name for names in BAD.values() for name in names]
WRITER = [
    {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [NAME], "verbs": ["get", "patch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
]
LISTER = [
    {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [NAME], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
]
EMPTY = {".dockerconfigjson": base64.b64encode(b'{"auths":{}}').decode()}


@dataclass(frozen=True)
class Thousand:
    """The namespaces, and the account that serves them, which has only the guide's permissions."""

    cluster: SecondCluster
    bulk: BulkClient
    kubeconfig: str

    def secrets(self, names: list[str]) -> list[dict[str, Any]]:
        found = self.bulk.secrets(NAME)
        return [found[name] for name in names]

    def uids(self, names: list[str]) -> list[str]:
        return [secret["metadata"]["uid"] for secret in self.secrets(names)]

    def passwords(self, names: list[str]) -> Counter[str]:
        found = (auths_of(secret["data"]) for secret in self.secrets(names))
        return Counter(auths["public.ecr.aws"]["password"] for auths in found)

    def done(self, mark: int) -> Counter[str]:
        """Count this account's writes that the API server carried out and responded to, by namespace."""
        writes = (write for write in self.cluster.audit.writes(since=mark, resource="secrets") if _by_account(write))
        return Counter(write["objectRef"]["namespace"] for write in writes if write["responseStatus"]["code"] < 300)


def _by_account(event: dict[str, Any]) -> bool:
    return str(event["user"]["username"]).startswith("system:serviceaccount:default:limited-")


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Thousand]:
    directory = tmp_path_factory.mktemp("thousand")
    with second_cluster(directory) as cluster:
        bulk = BulkClient(cluster.kubeconfig)
        bulk.make_namespaces([*GOOD, *(name for names in BAD.values() for name in names)])
        allowed = [*GOOD, *(name for kind in KINDS if kind != "forbidden" for name in BAD[kind])]
        kubeconfig = bulk.account(directory, "default", rules=WRITER, namespaces=allowed, everywhere=LISTER)
        yield Thousand(cluster, bulk, kubeconfig)


def spoil(bulk: BulkClient) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["freshpull.invalid/test"]}}
    unmanaged = {"metadata": {"name": NAME}, "type": "kubernetes.io/dockerconfigjson", "data": EMPTY}
    bulk.send_all(
        [
            *(("POST", f"/api/v1/namespaces/{name}/secrets", unmanaged) for name in BAD["unmanaged"]),
            *(
                ("POST", f"/api/v1/namespaces/{name}/secrets", {**unmanaged, "type": "Opaque"})
                for name in BAD["wrong-type"]
            ),
            *(("POST", f"/api/v1/namespaces/{name}/configmaps", held) for name in BAD["terminating"]),
        ]
    )
    bulk.send_all([("DELETE", f"/api/v1/namespaces/{name}", None) for name in BAD["terminating"]])


def test_every_kind_of_failure_in_one_pass(thousand: Thousand, aws: FakeAws) -> None:
    """Of 1,000 namespaces 50 each are unmanaged, forbidden, terminating or of a wrong type: 200 are named, 800 done."""
    spoil(thousand.bulk)
    others = thousand.bulk.secrets(NAME)
    assert set(others) == {*BAD["unmanaged"], *BAD["wrong-type"]}
    mark = thousand.cluster.audit.mark()
    result = module.run(thousand.kubeconfig, namespaces=MIXED, token=aws.issue(40000))
    assert result.values["failed"]
    assert result.summary == {"created": 800, "failed": 200}
    assert result.msg.startswith("200 of 1000 namespaces failed.")
    reasons = {kind: kind.replace("-", "_") for kind in KINDS}
    assert {name: result.actions[name] for kind in KINDS for name in BAD[kind]} == {
        name: ("failed", reasons[kind]) for kind in KINDS for name in BAD[kind]
    }
    assert f"Could not create secret forbidden-00/{NAME}" in json.dumps(result.values)
    assert thousand.passwords(GOOD[:800]) == {aws.tokens[-1]: 800}
    assert others.items() <= thousand.bulk.secrets(NAME).items()
    assert thousand.done(mark) == dict.fromkeys(GOOD[:800], 1)
    requests = [event["verb"] for event in thousand.cluster.audit.requests(since=mark) if _by_account(event)]
    # 1,200 namespaces on three pages, 100 secrets on one; a create for each without a secret that does not terminate.
    assert Counter(requests) == {"list": 4, "create": 850}


def test_an_api_server_that_is_killed_during_the_writes(thousand: Thousand, aws: FakeAws) -> None:
    """Kill it after about 300 of 1,000 writes and start it again: all are renewed, none is written twice.

    The account has its permissions by bindings, which the new server does not know at first: it returns 403.
    """
    module.run(thousand.kubeconfig, namespaces=GOOD, token=aws.issue(40000)).ok()
    before = thousand.uids(GOOD)
    mark = thousand.cluster.audit.mark()
    running = module.start(thousand.kubeconfig, namespaces=GOOD, token=aws.issue(41000), force_renew=True)
    wait_for_writes(thousand, mark, 300)
    thousand.cluster.kill_api_server()
    written = sum(thousand.done(mark).values())
    assert 300 <= written < 900
    thousand.cluster.start_api_server()
    result = running.wait().ok()
    assert result.errors == ""
    assert result.summary == {"renewed": 1000}
    assert thousand.uids(GOOD) == before
    assert thousand.passwords(GOOD) == {aws.tokens[-1]: 1000}
    done = thousand.done(mark)
    # A request in progress when the server was killed is in its log at most once.
    assert set(done.values()) == {1}
    assert 1000 - 32 <= len(done) <= 1000


def test_the_refresher_with_an_api_server_that_is_killed(thousand: Thousand, aws: FakeAws, tmp_path: Path) -> None:
    """Run it once, with only the permissions that the role gives it."""
    refresher = Refresher(client.CoreV1Api(thousand.bulk.api), aws, tmp_path)
    refresher.namespaces = list(GOOD)
    bindings = [("POST", f"{RBAC}/namespaces/{name}/rolebindings", refresher.binding) for name in GOOD]
    thousand.bulk.send_all(bindings)
    before = thousand.uids(GOOD)
    mark = thousand.cluster.audit.mark()
    aws.behave(life=42000)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(refresher.run, FORCE_RENEW="1")
        wait_for_writes(thousand, mark, 300)
        thousand.cluster.kill_api_server()
        thousand.cluster.start_api_server()
        results = running.result()
    # A lost response is no failure: the next read shows the result of the write.
    assert Counter(result["reason"] for result in results.values()).keys() <= {"forced", "not_later"}
    assert len(results) == 1000
    assert thousand.uids(GOOD) == before
    assert thousand.passwords(GOOD) == {aws.tokens[-1]: 1000}
    writes = thousand.cluster.audit.writes(since=mark, resource="secrets")
    done = Counter(write["objectRef"]["namespace"] for write in writes if write["responseStatus"]["code"] == 200)
    assert set(done.values()) == {1}
    assert aws.calls == {"GetAuthorizationToken": 1}


def wait_for_writes(thousand: Thousand, mark: int, count: int) -> None:
    """Wait until the log has this many patches. It takes about a second, so read the log as often as possible."""
    deadline = time.monotonic() + 60
    with thousand.cluster.audit.path.open("rb") as log:
        log.seek(mark)
        seen = 0
        while seen < count:
            assert time.monotonic() < deadline
            seen += log.read().count(b'"verb":"patch"')
            time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_task_that_is_stopped_by_a_signal(thousand: Thousand, aws: FakeAws, number: signal.Signals) -> None:
    """Stop during 1,000 writes: writes in progress are finished, all is reported, and the next run does the rest."""
    before = thousand.uids(GOOD)
    # Each token expires later than the one before: only a token that expires later replaces one.
    token = aws.issue({signal.SIGTERM: 42300, signal.SIGINT: 42900}[number])
    mark = thousand.cluster.audit.mark()
    running = module.start(thousand.kubeconfig, namespaces=GOOD, token=token, force_renew=True)
    wait_for_writes(thousand, mark, 300)
    running.send(number)
    result = running.wait()
    assert result.errors == ""
    assert result.values["failed"]
    assert result.values["changed"]
    summary = result.summary
    assert set(summary) == {"renewed", "failed"}
    assert sum(summary.values()) == 1000
    assert 300 <= summary["renewed"] < 1000
    renewed = [name for name in GOOD if result.actions[name][0] == "renewed"]
    assert {result.actions[name] for name in GOOD if name not in renewed} == {("failed", "stopped")}
    assert f"{number.name} was received" in result.msg
    assert thousand.done(mark) == dict.fromkeys(renewed, 1)
    assert thousand.passwords(GOOD)[token["password"]] == len(renewed)

    again = module.run(thousand.kubeconfig, namespaces=GOOD, token=token, force_renew=True).ok()
    assert again.summary == {"renewed": 1000 - len(renewed), "unchanged": len(renewed)}
    assert thousand.done(mark) == dict.fromkeys(GOOD, 1)
    assert thousand.uids(GOOD) == before
    assert thousand.passwords(GOOD) == {token["password"]: 1000}
