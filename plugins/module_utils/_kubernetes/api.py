# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests to an API server that this collection needs, and their errors. Private to this collection.

The transport below sends a request once. Here it is tried again where that can help, and a refusal becomes an error
with a word for results and a sentence for people.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import http.client
import itertools
import json
import secrets
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import Patience
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
"""Up to so many namespaces, asking in each costs less than a list over all of them, and needs fewer rights."""
LIST_RESTARTS = 3
"""A list that takes longer than the API server keeps its pages (410) is begun anew so many times."""
ATTEMPTS = 5
"""Of a request that is answered by 500: often a webhook's, and then it concerns one namespace and may last."""
_OVERLOADED = 429
_AWAY = (502, 503, 504)
"""What an API server answers that can serve nobody, or a load balancer in its place."""
_UNKNOWN = (401, 403)
"""What it answers whom it does not know, or not yet."""
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_WRITE = (("fieldManager", FIELD_MANAGER),)
_Parsed = t.TypeVar("_Parsed")


class ClusterError(CollectionError):
    """The API server refused or did not answer. `reason` is a word for results, str() a sentence for people."""

    def __init__(self, reason: str, msg: str) -> None:
        super().__init__(msg)
        self.reason = reason
        self.in_doubt = False
        """Whether an earlier try of the same write may have been carried out, its answer lost."""


class NotFoundError(ClusterError):
    """The object, or the namespace it should be in, does not exist."""


class ConflictError(ClusterError):
    """Somebody else wrote in between, or made what we wanted to make: read again and decide again."""


class ExpiredError(ClusterError):
    """The API server no longer has what the rest of a list would be read from."""


class LargeResponseError(ClusterError):
    """The response is larger than the transport takes."""


class ForbiddenError(ClusterError):
    """RBAC or admission refused; the sentence says which verb on what."""


@dataclasses.dataclass(frozen=True)
class Namespace:
    """What the API server says of a namespace."""

    name: str
    terminating: bool = False


class Cluster:
    """The few requests that are needed. Safe to use from many threads."""

    def __init__(self, transport: Transport, patience: Patience | None = None) -> None:
        self._transport = transport
        self._patience = patience or Patience()
        self.clocks = Clocks()
        """By the first response of the API server."""
        self._clock_read = False
        # Server-side apply is in conflict with other field managers only.
        self._creator = f"{FIELD_MANAGER}-{secrets.token_hex(4)}"

    @property
    def host(self) -> str:
        """The API server's address."""
        return self._transport.host

    @property
    def stopped_by(self) -> str:
        """The signal that asked this task to stop, or nothing: whoever is about to begin something new looks first."""
        return self._patience.stopped_by

    def namespaces(self, selector: str, name: str = "") -> dict[str, Namespace]:
        """All namespaces that match the label selector ("" for all), by name; only that of a name, if it is given."""
        query = [("labelSelector", selector)] if selector else []
        query += [("fieldSelector", f"metadata.name={name}")] if name else []
        found = self.list_objects(kinds.path("Namespace"), query, what="list namespaces", accept=METADATA_LIST)
        return {item["metadata"]["name"]: _namespace(item) for item in found}

    def namespace(self, name: str) -> Namespace:
        """One namespace. Raises NotFoundError."""
        request = Request("GET", kinds.path("Namespace", name=name), accept=_METADATA_ONLY)
        return _namespace(self.request(request, f"get namespace {name}"))

    def secrets(self, name: str) -> t.Iterator[dict[str, t.Any]]:
        """The secrets of this name in all namespaces; the field selector lets RBAC allow it by resourceNames."""
        query = [("fieldSelector", f"metadata.name={name}")]
        return self.list_objects(kinds.path("Secret"), query, what=f"list secrets named {name} in all namespaces")

    def secret(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """One secret, or None."""
        try:
            return self.request(Request("GET", kinds.path("Secret", namespace, name)), f"get secret {namespace}/{name}")
        except NotFoundError:
            return None

    def create_secret(self, namespace: str, body: dict[str, t.Any], dry_run: bool = False) -> str:
        """Make the secret; its UID. Raises ConflictError where it exists, NotFoundError without the namespace."""
        what = f"create secret {namespace}/{body['metadata']['name']}"
        query = (*_WRITE, ("dryRun", "All")) if dry_run else _WRITE
        request = Request("POST", kinds.path("Secret", namespace), query, body, accept=_METADATA_ONLY)
        return self.request(request, what)["metadata"]["uid"]

    def apply_secret(self, namespace: str, body: dict[str, t.Any]) -> str:
        """Make the secret by server-side apply; its UID. RBAC cannot restrict a create to one name, but this.

        Raises ConflictError if somebody else has made it, another run of the refresher included.
        """
        name = body["metadata"]["name"]
        query = (("fieldManager", self._creator),)
        request = Request("PATCH", kinds.path("Secret", namespace, name), query, body, APPLY_PATCH, _METADATA_ONLY)
        return self.request(request, f"create secret {namespace}/{name}")["metadata"]["uid"]

    def patch_secret(self, namespace: str, name: str, body: dict[str, t.Any]) -> str:
        """Apply a JSON merge patch; the UID. Raises ConflictError where the secret is not the one that was read."""
        request = Request("PATCH", kinds.path("Secret", namespace, name), _WRITE, body, MERGE_PATCH, _METADATA_ONLY)
        return self.request(request, f"patch secret {namespace}/{name}")["metadata"]["uid"]

    def delete_secret(self, secret: dict[str, t.Any]) -> None:
        """Delete just the secret that was read. Raises ConflictError where it has changed since."""
        metadata = secret["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: metadata[key] for key in ("uid", "resourceVersion")},
        }
        what = f"delete secret {metadata['namespace']}/{metadata['name']}"
        self.request(Request("DELETE", kinds.path("Secret", metadata["namespace"], metadata["name"]), body=body), what)

    def service_accounts(self, namespace: str = "", name: str = "") -> t.Iterator[dict[str, t.Any]]:
        """The service accounts of one namespace, or of all; of one name, which RBAC can allow by resourceNames."""
        query = [("fieldSelector", f"metadata.name={name}")] if name else []
        named = f" named {name}" if name else ""
        what = f"list serviceaccounts{named} in {namespace or 'all namespaces'}"
        return self.list_objects(kinds.path("ServiceAccount", namespace), query, what=what)

    def service_account(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """One service account, or None."""
        what = f"get serviceaccount {namespace}/{name}"
        try:
            return self.request(Request("GET", kinds.path("ServiceAccount", namespace, name)), what)
        except NotFoundError:
            return None

    def patch_service_account(self, namespace: str, name: str, body: dict[str, t.Any]) -> None:
        """Apply a JSON merge patch. Raises ConflictError where the account is not the one that was read."""
        request = Request(
            "PATCH", kinds.path("ServiceAccount", namespace, name), _WRITE, body, MERGE_PATCH, _METADATA_ONLY
        )
        self.request(request, f"patch serviceaccount {namespace}/{name}")

    def list_objects(
        self, path: str, query: t.Sequence[tuple[str, str]], what: str, accept: str = JSON
    ) -> t.Iterator[dict[str, t.Any]]:
        """The objects of a list, page by page, each once. Raises ClusterError, also between two objects."""
        seen: set[tuple[str, str]] = set()
        token, limit, restarts = "", PAGE_SIZE, 0
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
                limit = max(1, limit // 4)
                continue
            for item in page.get("items") or []:
                key = (item["metadata"].get("namespace", ""), item["metadata"]["name"])
                if key not in seen:
                    seen.add(key)
                    yield item
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    def request(self, request: Request, what: str) -> dict[str, t.Any]:
        """Send a request, and again as long as patience lasts where that can help; the response's JSON.

        what: the request in words, for errors, such as "get secret default/a". Raises ClusterError.
        """
        return self._request(request, what, json.loads)

    def text(self, request: Request, what: str) -> str:
        """The same for a response that is text, such as a pod's log. Raises ClusterError."""
        return self._request(request, what, lambda body: body.decode(errors="replace"))

    def _request(self, request: Request, what: str, parse: t.Callable[[bytes], _Parsed]) -> _Parsed:
        """parse: raises ValueError for a body that no API server sends."""
        self._check(request.method, what)
        began = self._patience.now()
        in_doubt = False
        for attempt in itertools.count(1):
            try:
                response = self._transport.send(request)
                self._read_clock(response)
                if 200 <= response.status < 300:
                    answer = parse(response.body)
                    self._patience.served()
                    return answer
                error = _api_error(response, what, self.host)
                error.in_doubt = in_doubt
                final = not self._may_pass(response.status, attempt)
                wish = response.headers.get("Retry-After")
            except TooLargeError as exc:
                self._patience.served()
                raise LargeResponseError("api_error", f"Could not {what} at {self.host}: {exc}.") from exc
            except (NoResponseError, ValueError) as exc:
                # What answers with something else than JSON is no API server.
                why = exc if isinstance(exc, NoResponseError) else "the response is not JSON"
                error = ClusterError("unreachable", f"Could not {what} at {self.host}: {why}{_doubt(request.method)}")
                error.__cause__ = exc
                final = isinstance(exc, NoResponseError) and exc.final
                wish = None
                self._patience.unserved(lost=True)
            if final or not self._patience.bear(began, attempt, wish):
                raise error
            in_doubt = in_doubt or request.method != "GET"
        raise AssertionError("unreachable code")

    def _may_pass(self, status: int, attempt: int) -> bool:
        """Whether a refusal may be another response at the next try."""
        if status == _OVERLOADED or status in _AWAY:
            self._patience.unserved(lost=status in _AWAY)
            return True
        if status in _UNKNOWN and self._patience.settling:
            return True
        self._patience.served()
        return status == 500 and attempt < ATTEMPTS

    def _check(self, method: str, what: str) -> None:
        """Raises ClusterError where a request is not to be begun. A write may be the second half of another."""
        if self.stopped_by and method == "GET":
            raise ClusterError("stopped", f"Stopped by {self.stopped_by} before it could {what}.")
        if self._patience.exhausted:
            msg = f"Did not {what}: {self.host} serves no requests and was given up. Run the task again once it does."
            raise ClusterError("unreachable", msg)

    def _read_clock(self, response: Response) -> None:
        """Of the first response that the API server itself has sent, be it a refusal."""
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


def _doubt(method: str) -> str:
    return "" if method == "GET" else ". It may have been carried out all the same: running the task again settles it."


def _api_error(response: Response, what: str, host: str) -> ClusterError:
    """The API server's Status as one of our errors."""
    try:
        status = json.loads(response.body)
    except ValueError:
        status = {}
    if not isinstance(status, dict):
        status = {}
    message = status.get("message") or http.client.responses.get(response.status, "no reason given")
    causes = [cause.get("reason") for cause in (status.get("details") or {}).get("causes") or []]
    text = f"Could not {what} at {host}: {message} (HTTP {response.status})"
    if "NamespaceTerminating" in causes:
        return ClusterError("terminating", text)
    if response.status == 401:
        return ClusterError("unauthorized", f"{text}. The credentials for this cluster are wrong or have expired.")
    if response.status == 403:
        return ForbiddenError("forbidden", text)
    if response.status == 404:
        return NotFoundError("not_found", text)
    if response.status == 409:
        return ConflictError("conflict", text)
    if response.status == 410:
        return ExpiredError("api_error", text)
    return ClusterError("api_error", text)
