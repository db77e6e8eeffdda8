# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests to an API server that this collection needs, and their errors. Private to this collection.

A transport sends a request once. This file retries it if that can help, and turns a rejection into an error with a
reason for results and a message for users.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import itertools
import secrets
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds, responses
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    JSON,
    MERGE_PATCH,
    NoResponseError,
    Request,
    Response,
    TooLargeError,
    Transport,
)

FIELD_MANAGER = "freshpull"
PAGE_SIZE = 500
READ_ONE_BY_ONE = 8
"""Up to this many namespaces are read one by one: that costs less than a list, and needs fewer permissions."""
LIST_RESTARTS = 3
"""How often a list starts again if it takes longer than the API server keeps its pages (410)."""
ATTEMPTS = 5
"""For a request with status 500: often a webhook fails, which concerns one namespace and may last."""
_OVERLOADED = 429
_AWAY = (502, 503, 504)
"""From an API server that is not ready, or from a load balancer in front of it."""
_UNKNOWN = (401, 403)
"""For an account without permission, or one that a restarted API server does not know yet."""
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_WRITE = (("fieldManager", FIELD_MANAGER),)
_Parsed = t.TypeVar("_Parsed")


ErrorReason = t.Literal[
    "api_error",
    "conflict",
    "forbidden",
    "missing_namespace",
    "no_cluster",
    "not_found",
    "recreate_refused",
    "secret_lost",
    "stopped",
    "terminating",
    "unauthorized",
    "unreachable",
]


class ClusterError(CollectionError):
    """The API server rejected a request or did not respond. reason: for results. str(): the message for users."""

    def __init__(self, reason: ErrorReason, msg: str) -> None:
        super().__init__(msg)
        self.reason = reason
        self.unconfirmed = False
        """Whether an earlier try of the same write may have succeeded: its response was lost."""


class NotFoundError(ClusterError):
    """The object, or the namespace it should be in, does not exist."""


class UnsupportedError(ClusterError):
    """The resource does not support the method, although the API may list it."""


class ConflictError(ClusterError):
    """Another client changed or created the object in the meantime: read and decide again."""


class ExpiredError(ClusterError):
    """The API server no longer keeps the pages of a list."""


class LargeResponseError(ClusterError):
    """The response is larger than the transport accepts."""


class InvalidError(ClusterError):
    """The API server cannot parse the request, such as its label selector."""


class ForbiddenError(ClusterError):
    """RBAC or admission denied the request. The message names verb and resource."""


_REJECTIONS: dict[int, tuple[type[ClusterError], ErrorReason]] = {
    400: (InvalidError, "api_error"),
    404: (NotFoundError, "not_found"),
    405: (UnsupportedError, "api_error"),
    409: (ConflictError, "conflict"),
    410: (ExpiredError, "api_error"),
}


@dataclasses.dataclass(frozen=True)
class Namespace:
    """A namespace, and whether it is being deleted."""

    name: str
    terminating: bool = False


class Cluster:
    """One API server. Safe to use from many threads."""

    def __init__(self, transport: Transport, *, retries: RetryBudget | None = None) -> None:
        self._transport = transport
        self._retries = retries or RetryBudget()
        self.clocks = Clocks()
        """By the first response of the API server; equal until then."""
        self._clock_read = False
        # Server-side apply conflicts with other field managers only, so each run has a manager of its own for creates.
        self._creator = f"{FIELD_MANAGER}-{secrets.token_hex(4)}"

    @property
    def host(self) -> str:
        """The API server's address."""
        return self._transport.host

    @property
    def stopped_by(self) -> str:
        """The signal that stops this task, or "". Callers check it before they start something new."""
        return self._retries.stopped_by

    def namespaces(self, selector: str, name: str = "") -> dict[str, Namespace]:
        """Return the namespaces that match the label selector ("" for all), by name. name: only this one."""
        query = [("labelSelector", selector)] if selector else []
        query += [("fieldSelector", f"metadata.name={name}")] if name else []
        found = self.list_objects(kinds.path("Namespace"), query, what="list namespaces", accept=METADATA_LIST)
        return {item["metadata"]["name"]: _namespace(item) for item in found}

    def namespace(self, name: str) -> Namespace:
        """Return one namespace. Raises NotFoundError."""
        request = Request("GET", kinds.path("Namespace", name=name), accept=_METADATA_ONLY)
        return _namespace(self.request(request, f"get namespace {name}"))

    def secrets(self, name: str) -> t.Iterator[dict[str, t.Any]]:
        """Return the secrets of this name in all namespaces. RBAC can allow such a list by resourceNames."""
        query = [("fieldSelector", f"metadata.name={name}")]
        return self.list_objects(kinds.path("Secret"), query, what=f"list secrets named {name} in all namespaces")

    def secret(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """Return one secret, or None."""
        try:
            return self.request(Request("GET", kinds.path("Secret", namespace, name)), f"get secret {namespace}/{name}")
        except NotFoundError:
            return None

    def create_secret(self, namespace: str, body: dict[str, t.Any], dry_run: bool = False) -> str:
        """Create the secret and return its UID. Raises ConflictError if it exists, NotFoundError if the
        namespace does not.
        """
        what = f"create secret {namespace}/{body['metadata']['name']}"
        query = (*_WRITE, ("dryRun", "All")) if dry_run else _WRITE
        request = Request("POST", kinds.path("Secret", namespace), query, body, accept=_METADATA_ONLY)
        return self.request(request, what)["metadata"]["uid"]

    def apply_secret(self, namespace: str, body: dict[str, t.Any]) -> str:
        """Create the secret by server-side apply and return its UID. RBAC can restrict an apply to one name.

        Raises ConflictError if it exists, also if another run of the refresher created it.
        """
        name = body["metadata"]["name"]
        query = (("fieldManager", self._creator),)
        request = Request("PATCH", kinds.path("Secret", namespace, name), query, body, APPLY_PATCH, _METADATA_ONLY)
        return self.request(request, f"create secret {namespace}/{name}")["metadata"]["uid"]

    def patch_secret(self, namespace: str, name: str, body: dict[str, t.Any]) -> str:
        """Send a JSON merge patch and return the UID. Raises ConflictError if the secret changed since it was read."""
        request = Request("PATCH", kinds.path("Secret", namespace, name), _WRITE, body, MERGE_PATCH, _METADATA_ONLY)
        return self.request(request, f"patch secret {namespace}/{name}")["metadata"]["uid"]

    def delete_secret(self, secret: dict[str, t.Any]) -> None:
        """Delete the secret that was read. Raises ConflictError if it changed since."""
        metadata = secret["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: metadata[key] for key in ("uid", "resourceVersion")},
        }
        what = f"delete secret {metadata['namespace']}/{metadata['name']}"
        self.request(Request("DELETE", kinds.path("Secret", metadata["namespace"], metadata["name"]), body=body), what)

    def service_accounts(self, namespace: str = "", name: str = "") -> t.Iterator[dict[str, t.Any]]:
        """Return the service accounts of one namespace, or of all. name: only those; RBAC can allow that."""
        query = [("fieldSelector", f"metadata.name={name}")] if name else []
        named = f" named {name}" if name else ""
        what = f"list serviceaccounts{named} in {namespace or 'all namespaces'}"
        return self.list_objects(kinds.path("ServiceAccount", namespace), query, what=what)

    def service_account(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """Return one service account, or None."""
        what = f"get serviceaccount {namespace}/{name}"
        try:
            return self.request(Request("GET", kinds.path("ServiceAccount", namespace, name)), what)
        except NotFoundError:
            return None

    def patch_service_account(self, namespace: str, name: str, body: dict[str, t.Any]) -> None:
        """Send a JSON merge patch. Raises ConflictError if the account changed since it was read."""
        request = Request(
            "PATCH", kinds.path("ServiceAccount", namespace, name), _WRITE, body, MERGE_PATCH, _METADATA_ONLY
        )
        self.request(request, f"patch serviceaccount {namespace}/{name}")

    def list_objects(
        self, path: str, query: t.Sequence[tuple[str, str]], what: str, accept: str = JSON
    ) -> t.Iterator[dict[str, t.Any]]:
        """Return the objects of a list, page by page, each once. Raises ClusterError, also between two objects."""
        seen: set[tuple[str, str]] = set()
        token, limit, restarts = "", PAGE_SIZE, 0
        in_small_pages = 0  # objects to read before pages have their full size again
        while True:
            rest = [("continue", token)] if token else []
            request = Request("GET", path, (*query, ("limit", str(limit)), *rest), accept=accept)
            try:
                page = self.request(request, what)
            except ExpiredError:
                if not token or restarts == LIST_RESTARTS:
                    raise
                token, restarts = "", restarts + 1
                continue
            except LargeResponseError:
                if limit == 1:
                    raise
                limit, in_small_pages = max(1, limit // 4), PAGE_SIZE
                continue
            items = page.get("items") or []
            in_small_pages -= len(items)
            if in_small_pages <= 0:
                # The large objects may be a few: small pages for all others would take too many requests.
                limit = PAGE_SIZE
            for item in items:
                key = (item["metadata"].get("namespace", ""), item["metadata"]["name"])
                if key not in seen:
                    seen.add(key)
                    yield item
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    def request(self, request: Request, what: str) -> dict[str, t.Any]:
        """Send a request, retry it if that can help, and return the JSON of the response.

        what: the request in words, for errors, such as "get secret default/a". Raises ClusterError.
        """
        return self._request(request, what, responses.json_of)

    def text(self, request: Request, what: str) -> str:
        """Do the same for a response that is text, such as a pod's log. Raises ClusterError."""
        return self._request(request, what, responses.text_of)

    def _request(self, request: Request, what: str, parse: t.Callable[[Response], _Parsed]) -> _Parsed:
        """parse: raises ValueError for a response that no API server returns."""
        self._check(request.method, what)
        began = self._retries.now()
        unconfirmed = False
        for attempt in itertools.count(1):
            retry_after = None
            try:
                response = self._transport.send(request)
                if 200 <= response.status < 300:
                    parsed = parse(response)
                    self._read_clock(response)
                    self._retries.served()
                    return parsed
                another = responses.is_of_another_server(request, response)
                if not another:
                    self._read_clock(response)
                error = _rejected(request, response, what, self.host)
                error.unconfirmed = unconfirmed
                final = not self._may_pass(response.status, attempt, another)
                retry_after = response.headers.get("Retry-After")
            except TooLargeError as exc:
                self._retries.served()
                raise LargeResponseError("api_error", f"Could not {what} at {self.host}: {exc}.") from exc
            except NoResponseError as exc:
                error = ClusterError(
                    "unreachable", f"Could not {what} at {self.host}: {exc}{_unconfirmed(request.method)}"
                )
                error.__cause__ = exc
                final = exc.final
                self._retries.unserved(lost=True)
            except ValueError as exc:
                error = _rejected(request, response, what, self.host)
                error.args = (f"{error}{_unconfirmed(request.method).lstrip('.')}",)
                error.__cause__ = exc
                # A retry helps only if something responds in the place of a server that was there before.
                final = not self._retries.reached
                self._retries.unserved(lost=True)
            if final or not self._retries.wait(began, attempt, retry_after):
                raise error
            unconfirmed = unconfirmed or request.method != "GET"
        raise AssertionError("unreachable code")

    def _may_pass(self, status: int, attempt: int, another: bool) -> bool:
        """Return whether the next try may have another status. another: whether this one is of another server."""
        if status == _OVERLOADED or status in _AWAY:
            self._retries.unserved(lost=status in _AWAY)
            return True
        if status in _UNKNOWN and self._retries.settling:
            return True
        if not another:
            self._retries.served()
        return status == 500 and attempt < ATTEMPTS

    def _check(self, method: str, what: str) -> None:
        """Raise ClusterError if the request must not be sent. A stop holds no write back: it may complete another."""
        if self.stopped_by and method == "GET":
            raise ClusterError("stopped", f"Stopped by {self.stopped_by} before it could {what}.")
        if self._retries.used_up:
            msg = f"Did not {what}: {self.host} serves no requests. Run the task again when it does."
            raise ClusterError("unreachable", msg)

    def _read_clock(self, response: Response) -> None:
        """Read the clock from the first response of the API server itself, also from a rejection."""
        if self._clock_read or response.status in _AWAY:
            return
        try:
            theirs = email.utils.parsedate_to_datetime(response.headers.get("Date", ""))
            offset = theirs - dt.datetime.now(dt.timezone.utc)
        except (TypeError, ValueError):
            # It is missing, unreadable or without a time zone. Python before 3.10 raises TypeError for the former, too.
            return
        self._clock_read = True
        self.clocks = Clocks(offset)


def _namespace(item: t.Mapping[str, t.Any]) -> Namespace:
    metadata = item["metadata"]
    return Namespace(metadata["name"], terminating=bool(metadata.get("deletionTimestamp")))


def _unconfirmed(method: str) -> str:
    return "" if method == "GET" else ". The write may have succeeded nevertheless: run the task again to find out."


def _rejected(request: Request, response: Response, what: str, host: str) -> ClusterError:
    """Return the error for the Status that the API server returned, or for the response of another server."""
    status = responses.status_of(response) or {}
    causes = [cause.get("reason") for cause in (status.get("details") or {}).get("causes") or []]
    text = f"Could not {what} at {host}: {responses.message_of(response)} (HTTP {response.status})"
    if "NamespaceTerminating" in causes:
        return ClusterError("terminating", text)
    if response.status == 401:
        text += ". The credentials for this cluster are wrong or have expired: log in again, or use other credentials"
    another = responses.is_of_another_server(request, response)
    if another:
        text += f". {responses.described(request, response, host)}"
    if response.status == 401:
        return ClusterError("unauthorized", text if another else f"{text}.")
    if "system:anonymous" in text:
        text += ". The request had no credentials, or none that the API server knows"
    if response.status == 403:
        return ForbiddenError("forbidden", text)
    if another:
        return ClusterError("unreachable", text)
    if response.status == 400 and not status:
        # A server that expects TLS returns a text to a request without TLS.
        return ClusterError("api_error", text)
    kind, reason = _REJECTIONS.get(response.status, (ClusterError, "api_error"))
    return kind(reason, text)
