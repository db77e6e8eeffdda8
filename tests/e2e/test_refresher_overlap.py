# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs of one refresher at the same time: a Job started by hand, or a run that the next has not yet replaced."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support.account import Account
from support.aws import FakeAws
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.cluster.second_cluster import second_cluster
from support.dockerconfig import auths_of
from support.refresher import NAME, PREFIX, Refresher, entry, life
from support.workloads import wait_for
from unit.cases import decide as cases

# For a longer run by hand: FRESHPULL_OVERLAP_NAMESPACES=500 FRESHPULL_OVERLAP_ROUNDS=10.
NAMESPACES = int(os.environ.get("FRESHPULL_OVERLAP_NAMESPACES", "100"))
ROUNDS = int(os.environ.get("FRESHPULL_OVERLAP_ROUNDS", "3"))
EXPIRED = {PREFIX + key.replace("_", "-"): value for key, value in life(-1).items()}
SELECTED = "overlap=true"
RUNS = (0, 1)
Outcome = tuple[str, str]


@dataclass(frozen=True)
class Round:
    """Results and writes of two runs, each by namespace. Only writes that changed a secret count."""

    results: list[dict[str, tuple[str, str]]]
    writes: list[Counter[str]]
    conflicts: int
    seconds: float

    def all_writes(self) -> Counter[str]:
        return self.writes[0] + self.writes[1]


@dataclass(frozen=True)
class Pair:
    """Two runs of one refresher in many namespaces. Each run has its own token, which the audit log names."""

    bulk: BulkClient
    audit: AuditLog
    runs: tuple[Refresher, Refresher]
    directory: Path

    @property
    def namespaces(self) -> list[str]:
        return self.runs[0].namespaces

    def secrets(self) -> dict[str, dict[str, Any]]:
        return self.bulk.secrets(NAME)

    def uids(self) -> dict[str, str]:
        return {namespace: secret["metadata"]["uid"] for namespace, secret in self.secrets().items()}

    def create(self) -> None:
        """Create the secrets with a token that has expired."""
        bodies = {name: cases.secret(namespace=name, **life(-1)) for name in self.namespaces}
        for body in bodies.values():
            for key in ("uid", "resourceVersion"):
                del body["metadata"][key]
        self.bulk.send_all(("POST", f"/api/v1/namespaces/{name}/secrets", body) for name, body in bodies.items())

    def delete(self) -> None:
        paths = (f"/api/v1/namespaces/{name}/secrets/{NAME}" for name in self.secrets())
        self.bulk.send_all(("DELETE", path, None) for path in paths)

    def expire(self) -> None:
        """Set the annotations of an expired token."""
        body = {"metadata": {"annotations": EXPIRED}}
        self.bulk.send_all(("PATCH", f"/api/v1/namespaces/{name}/secrets/{NAME}", body) for name in self.namespaces)

    def run_alone(self) -> dict[str, tuple[str, str]]:
        """Run the first refresher alone."""
        return _outcomes(self.runs[0].run())

    def run(self, **environment: str) -> Round:
        """Run both at the same time. Neither gets a token before both have read the secrets and requested one."""
        barrier = self.directory / f"barrier-{time.monotonic_ns()}"
        barrier.mkdir()
        wait = f'touch {barrier}/$$; until [ "$(ls {barrier} | wc -l)" -ge 2 ]; do sleep 0.02; done'
        mark, began = self.audit.mark(), time.monotonic()
        for run in self.runs:
            run.wrap("aws", f'{wait}\nexec "$REAL" "$@"')
        with ThreadPoolExecutor(len(RUNS)) as pool:
            found = list(pool.map(lambda run: run.run(**environment), self.runs))
        seconds = time.monotonic() - began
        writes = self.audit.writes(since=mark, resource="secrets")
        codes = Counter(write["responseStatus"]["code"] for write in writes)
        assert codes.keys() <= {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT}
        assert all(write["verb"] == "patch" for write in writes)
        return Round(
            [_outcomes(results) for results in found],
            [_changed(writes, run) for run in self.runs],
            codes[HTTPStatus.CONFLICT],
            seconds,
        )


def _outcomes(results: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {name: (each["action"], each["reason"]) for name, each in results.items()}


def _changed(writes: list[dict[str, Any]], run: Refresher) -> Counter[str]:
    """Count this run's writes that the API server carried out, by namespace."""
    payload = run.token.split(".")[1]
    identity = "JTI=" + json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
    return Counter(
        write["objectRef"]["namespace"]
        for write in writes
        if write["user"]["extra"]["authentication.kubernetes.io/credential-id"] == [identity]
        and write["responseStatus"]["code"] < HTTPStatus.BAD_REQUEST
    )


@pytest.fixture(scope="module")
def pair(running_aws: FakeAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("overlap")
    for name in ("cluster", "first", "second"):
        (directory / name).mkdir()
    with second_cluster(directory / "cluster") as cluster:
        bulk = BulkClient(cluster.kubeconfig)
        first = Refresher(client.CoreV1Api(bulk.api), running_aws, directory / "first")
        first.namespaces = [f"overlap-{number:03}" for number in range(NAMESPACES)]
        label, _equals, value = SELECTED.partition("=")
        metadata = [{"name": name, "labels": {label: value}} for name in first.namespaces]
        bulk.send_all(("POST", "/api/v1/namespaces", {"metadata": each}) for each in metadata)
        _allow(first)
        yield Pair(bulk, cluster.audit, (first, first.twin(directory / "second")), directory)


def _allow(refresher: Refresher) -> None:
    """Grant the permissions of a selector, which include those for listed namespaces."""
    refresher.allow_everywhere()
    account = Account(refresher.core, refresher.home, "refresher")
    path = f"/api/v1/namespaces/{refresher.namespaces[-1]}/secrets/{NAME}"
    wait_for(lambda: account.send("GET", path)[0] == HTTPStatus.NOT_FOUND, "the permissions")


@pytest.fixture
def tokens(pair: Pair, aws: FakeAws) -> Iterator[FakeAws]:
    """A healthy AWS, without secrets in the cluster before or after the test."""
    yield aws
    pair.delete()


def select(pair: Pair, by: str) -> None:
    pair.runs[0].policy |= {"selector": SELECTED if by == "selector" else "", "labels": {PREFIX + "managed": "true"}}


def expiry(token: str) -> str:
    """Return the expiry that the token itself contains."""
    ends = dt.datetime.fromtimestamp(json.loads(base64.b64decode(token))["expiration"], tz=dt.timezone.utc)
    return ends.strftime("%Y-%m-%dT%H:%M:%SZ")


def check_content(pair: Pair, done: Round, issued: list[str]) -> list[set[str]]:
    """Check that each secret is complete, with a token of this round. Return the tokens that each run alone wrote."""
    passwords = {}
    for namespace, secret in pair.secrets().items():
        auths = auths_of(secret["data"])
        passwords[namespace] = auths["public.ecr.aws"]["password"]
        assert auths == {"public.ecr.aws": entry(passwords[namespace])}
        assert secret["metadata"]["annotations"][PREFIX + "expires-at"] == expiry(passwords[namespace])
    assert sorted(passwords) == pair.namespaces
    assert set(passwords.values()) <= set(issued)
    assert len(issued) == len(RUNS)
    alone = [done.writes[run].keys() - done.writes[1 - run].keys() for run in RUNS]
    return [{passwords[namespace] for namespace in names} for names in alone]


def report(what: str, rounds: list[Round]) -> None:
    writes = sum(sum(done.all_writes().values()) for done in rounds)
    conflicts, seconds = sum(done.conflicts for done in rounds), sum(done.seconds for done in rounds)
    print(f"{what}: {len(rounds)} rounds over {NAMESPACES} namespaces, {writes} writes, "
          f"{conflicts} conflicts, {seconds:.1f} s")  # fmt: skip


def rounds_of(
    pair: Pair, aws: FakeAws, prepare: Callable[[], None], written: Outcome, left: Outcome, **environment: str
) -> Iterator[tuple[Round, list[str]]]:
    """Yield each round and the tokens that AWS issued in it.

    written: a run's outcome for a secret that it wrote. left: its outcome for a secret that the other run wrote.
    """
    for _number in range(ROUNDS):
        prepare()
        before = len(aws.tokens)
        done = pair.run(**environment)
        for run in RUNS:
            assert done.results[run] == {name: written if done.writes[run][name] else left for name in pair.namespaces}
        yield done, aws.tokens[before:]


@pytest.mark.parametrize("by", ["listed", "selector"])
def test_each_secret_is_written_once(pair: Pair, tokens: FakeAws, by: str) -> None:
    """One run writes the secret, and the other then finds it fresh."""
    select(pair, by)
    pair.create()
    uids, rounds = pair.uids(), []
    for done, issued in rounds_of(pair, tokens, pair.expire, ("renewed", "expired"), ("unchanged", "fresh")):
        rounds.append(done)
        assert done.all_writes() == dict.fromkeys(pair.namespaces, 1)
        mine, other = check_content(pair, done, issued)
        assert (len(mine) <= 1, len(other) <= 1, mine & other) == (True, True, set())
        assert pair.uids() == uids
    report(by, rounds)
    # Each run had read all secrets before the other wrote any.
    assert by == "listed" or sum(done.conflicts for done in rounds) > 0


@pytest.mark.parametrize("by", ["listed", "selector"])
def test_the_later_token_wins_if_both_are_forced(pair: Pair, tokens: FakeAws, by: str) -> None:
    """FORCE_RENEW replaces what the other run has written only by a token that expires later."""
    select(pair, by)
    pair.create()
    uids, rounds = pair.uids(), []
    forced, not_later = ("renewed", "forced"), ("unchanged", "not_later")
    for done, issued in rounds_of(pair, tokens, pair.expire, forced, not_later, FORCE_RENEW="1"):
        rounds.append(done)
        assert done.all_writes().keys() == set(pair.namespaces)
        for run in RUNS:
            assert set(done.writes[run].values()) <= {1}
        check_content(pair, done, issued)
        found = {secret["metadata"]["annotations"][PREFIX + "expires-at"] for secret in pair.secrets().values()}
        assert found == {max(map(expiry, issued))}
        assert pair.uids() == uids
    report(f"{by}, forced", rounds)


def test_secrets_that_both_create(pair: Pair, tokens: FakeAws) -> None:
    """Each run creates with its own field manager, so the second one meets a conflict."""
    select(pair, "selector")
    rounds = []
    for done, issued in rounds_of(pair, tokens, pair.delete, ("created", "missing"), ("unchanged", "fresh")):
        rounds.append(done)
        assert done.all_writes() == dict.fromkeys(pair.namespaces, 1)
        check_content(pair, done, issued)
        uids = pair.uids()
        assert set(pair.run_alone().values()) == {("unchanged", "fresh")}
        assert pair.uids() == uids
    report("created", rounds)
