# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit log of the API server: a complete record of requests and writes, independent of the clients."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})

# Their objects are created to get a response. Nothing is stored.
_REVIEW_GROUPS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
_NAMESPACE_CONTROLLER = "system:serviceaccount:kube-system:namespace-controller"
_QUIET_SECONDS = 0.1
_SETTLE_SECONDS = 2

Event = dict[str, Any]


class AuditLog:
    """The API server's audit log (JSON lines, level Metadata).

    Each request is logged once, after its response is sent. Therefore every method first waits until the log does not
    grow for a moment.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def mark(self) -> int:
        """Return the current position in the log, for the parameter `since` of the other methods."""
        self._settle()
        data = self.path.read_bytes()
        return data.rfind(b"\n") + 1

    def writes(self, since: int = 0, user: str | None = None, resource: str | None = None) -> list[Event]:
        """Return the requests that store or remove something, including rejected ones (see responseStatus.code).

        Left out are dry runs, reviews such as SelfSubjectAccessReview, which store nothing, and the deletions of the
        namespace controller in deleted namespaces, which are mostly those of earlier tests.

        :param since: a position that `mark` returned.
        :param user: the user name, such as "freshpull-admin" or "system:serviceaccount:NAMESPACE:NAME".
        :param resource: the plural name, such as "secrets", or with its subresource "serviceaccounts/token".
        :returns: audit.k8s.io/v1 events.
        """
        return [event for event in self.requests(since, user, resource) if _is_write(event)]

    def requests(
        self, since: int = 0, user: str | None = None, resource: str | None = None, verb: str | None = None
    ) -> list[Event]:
        """Return all requests, with the same parameters. verb: of Kubernetes, such as "list" or "watch"."""
        self._settle()
        return [
            event
            for event in self._events(since)
            if event["stage"] == "ResponseComplete"
            and user in (None, event["user"].get("username"))
            and resource in (None, resource_of(event))
            and verb in (None, event["verb"])
        ]

    def _events(self, since: int) -> Iterator[Event]:
        with self.path.open("rb") as log:
            log.seek(since)
            for line in log:
                if line.endswith(b"\n"):  # else it is not complete yet
                    yield json.loads(line)

    def _settle(self) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        size = -1
        while size != (size := self.path.stat().st_size) and time.monotonic() < deadline:
            time.sleep(_QUIET_SECONDS)


def resource_of(event: Event) -> str:
    """Return the resource of a request with its subresource, such as "secrets" or "pods/log"; "" for other paths."""
    reference = event.get("objectRef", {})
    return "/".join(part for part in (reference.get("resource", ""), reference.get("subresource", "")) if part)


def _is_write(event: Event) -> bool:
    return (
        event["verb"] in WRITES
        and event["user"].get("username") != _NAMESPACE_CONTROLLER
        and event.get("objectRef", {}).get("apiGroup") not in _REVIEW_GROUPS
        and "dryRun" not in parse_qs(urlsplit(event["requestURI"]).query)
    )
