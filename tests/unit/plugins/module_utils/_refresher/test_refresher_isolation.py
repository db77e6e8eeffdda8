# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the objects of one namespace hold, a run of the refresher renews the secrets of all others."""

from __future__ import annotations

import datetime as dt
import io
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import decision
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import Tokens
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import refresher, settings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.results import Results
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import any_secret
from unit.cases import decide as cases
from unit.linear_time import assert_linear_time
from unit.plugins.module_utils._refresher.test_settings import mounted

OWNER = "ecr-public-refresher"
NAME = "ecr-public-secret"
LONGEST = 5
"""Seconds of the processor for three namespaces, whatever one of them holds."""
ACCOUNT = {"metadata": {"name": "default", "uid": "u", "resourceVersion": "1"}}
TOKEN = Token(dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=12), "AWS", cases.NEW)


class Server:
    """An API server in memory. secrets and accounts: namespace -> object. odd: the namespace that may be odd."""

    host = "https://cluster.example"

    def __init__(
        self,
        odd: dict[str, Any] | None,
        account: dict[str, Any] | None = None,
        selected: str = "a",
        status: int = 200,
    ) -> None:
        """odd: the secret in the namespace of that name. account: its service account `default`.

        status: of the response to a write in that namespace.
        """
        self.secrets = {name: cases.secret(namespace=name, owner=OWNER) for name in ("a", "z")}
        if odd:
            self.secrets["odd"] = odd
        self.accounts = {"odd": account} if account else {}
        self.selected = selected
        self.status = status
        self.written: list[str] = []

    def send(self, request: Request) -> Response:
        status, body = self._respond(request)
        return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())

    def _respond(self, request: Request) -> tuple[int, Any]:
        parts = request.path.split("/")[3:]
        if parts == ["namespaces"]:
            return 200, {"metadata": {}, "items": [{"metadata": {"name": name}} for name in self.selected.split(",")]}
        if parts == ["secrets"]:
            return 200, {"metadata": {}, "items": list(self.secrets.values())}
        if len(parts) == len(["namespaces", "odd"]):
            return 200, {"metadata": {"name": parts[1]}}
        _namespaces, namespace, kind, *_name = parts
        found = self.accounts.get(namespace, ACCOUNT) if kind == "serviceaccounts" else self.secrets.get(namespace)
        if request.method == "PATCH":
            self.written.append(f"{kind}/{namespace}")
            return self.status if namespace == "odd" else 200, {"metadata": {"uid": "u"}}
        return (200, found) if found else (404, {})


def run(server: Server, case: str, directory: Path) -> dict[str, tuple[str, str]]:
    """Run with the settings in the directory. Return action and reason by namespace."""
    given_settings = settings.read(str(directory / case))
    tokens, out = Tokens(token=TOKEN), io.StringIO()
    refresher.Refresher(given_settings, Cluster(server), tokens, Results(tokens, out, "ecr-public-secret")).run()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return {line["namespace"]: (line["action"], line["reason"]) for line in lines}


def selected_in(case: str) -> str:
    return "a,z" if case.endswith("not selected") else "a,odd,z"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of each case, as they are mounted."""
    found = tmp_path_factory.mktemp("settings")
    for case in ("listed", "selector", "service-accounts"):
        (found / case).mkdir()
        mounted(found / case, case, workers=2)
        if case != "selector":
            (found / case / "namespaces").write_text("a\nodd\nz\n")
    return found


@given(
    any_secret.stored_objects("odd", OWNER),
    any_secret.service_accounts("odd"),
    st.sampled_from(["listed", "service-accounts", "selector, selected", "selector, not selected"]),
    st.sampled_from([200, 200, 403, 422]),
)
def test_others_are_renewed_whatever_a_namespace_holds(
    directory: Path, secret: dict[str, Any], account: dict[str, Any], case: str, status: int
) -> None:
    """status: of the response to a write of the odd secret or account."""
    server = Server(secret, account, selected=selected_in(case), status=status)
    start = time.process_time()
    found = run(server, case.partition(",")[0], directory)
    assert time.process_time() - start < LONGEST
    assert {name: found[name] for name in ("a", "z")} == dict.fromkeys(("a", "z"), ("renewed", "expired"))
    assert set(found) <= {"a", "odd", "z"}
    # What raises an exception is reported as this.
    assert "internal_error" not in {reason for _action, reason in found.values()}
    assert {"secrets/a", "secrets/z"} <= set(server.written)
    assert len(server.written) <= 6


@pytest.mark.parametrize("kind", any_secret.LARGEST)
@pytest.mark.parametrize("case", ["listed", "selector"])
def test_the_largest_secret_of_a_namespace_takes_linear_time(directory: Path, kind: str, case: str) -> None:
    def renew(secret: dict[str, Any]) -> None:
        found = run(Server(any_secret.in_namespace(secret, "odd", OWNER), selected="a,odd,z"), case, directory)
        assert found["a"] == found["z"] == ("renewed", "expired")

    assert_linear_time(renew, any_secret.LARGEST[kind], any_secret.MAX_DATA)


def test_deep_metadata_of_an_object_stops_no_run(directory: Path) -> None:
    class Deep(Server):
        def _respond(self, request: Request) -> tuple[int, Any]:
            status, body = super()._respond(request)
            fields = '{"f:a":' * 100_000 + "{}" + "}" * 100_000
            return status, json.dumps(body).replace('"deep"', fields).encode()

    odd = cases.secret(namespace="odd", owner=OWNER)
    odd["metadata"]["managedFields"] = [{"fieldsV1": "deep"}]
    for case in ("listed", "selector"):
        found = run(Deep(odd, selected="a,odd,z"), case, directory)
        assert found == dict.fromkeys(("a", "odd", "z"), ("renewed", "expired"))


BUGS = [
    *(("not_managed", case) for case in ("listed", "selector, selected")),
    *(("wanted", case) for case in ("listed", "service-accounts", "selector, selected")),
    *(("decide", case) for case in ("listed", "selector, selected", "selector, not selected")),
]


@pytest.mark.parametrize(("place", "case"), BUGS)
def test_a_bug_costs_only_the_namespace_that_meets_it(
    directory: Path, case: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = {"not_managed": refresher, "wanted": refresher.service_accounts, "decide": decision}[place]
    genuine = getattr(module, place)
    odd = cases.secret(namespace="odd", owner=OWNER)
    met: list[str] = []

    def fail_once(subject: Any, *arguments: Any, **options: Any) -> Any:
        namespace = subject["metadata"]["namespace"] if isinstance(subject, dict) else getattr(subject, "namespace", "")
        # A plan has no namespace: the first one that gets there fails.
        if namespace == "odd" or (place == "wanted" and not met):
            met.append(namespace)
            raise RecursionError("new-never-shown")
        return genuine(subject, *arguments, **options)

    monkeypatch.setattr(module, place, fail_once)
    found = run(Server(odd, selected=selected_in(case)), case.partition(",")[0], directory)
    assert Counter(found.values()) == {("failed", "internal_error"): 1, ("renewed", "expired"): 2}
    assert found.keys() == {"a", "odd", "z"}


def test_a_bug_while_orphans_are_found_costs_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> bool:
        raise RecursionError("new-never-shown")

    monkeypatch.setattr(refresher, "not_managed", lambda stored, _policy: stored.namespace == "odd" and fail())
    found = run(Server(cases.secret(namespace="odd", owner=OWNER), selected="a,z"), "selector", directory)
    assert found == {"a": ("renewed", "expired"), "odd": ("removed", "orphaned"), "z": ("renewed", "expired")}
