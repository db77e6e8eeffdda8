# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API server, as far as this collection needs it. Private to this collection.

This is the only file that touches kubernetes.core and the kubernetes client. kubernetes.core gives the connection
options and their meaning; its own client is not used, since it starts with discovery requests and a cache file that
everyone may read.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import itertools
import json
import os
import typing as t
import urllib.parse

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as _k8s
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _marks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import Patience
from ansible_collections.freshpull.ecr_public.plugins.module_utils._selection import Namespace

try:
    import kubernetes
    import urllib3
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.exceptions import DynamicApiError
except ImportError:
    # AnsibleK8SModule says what is missing.
    pass

MINIMUM_CLIENT = "26.1.0"
PAGE_SIZE = 500
READ_ONE_BY_ONE = 8
"""Up to so many namespaces, asking in each costs less than a list over all of them, and needs fewer rights."""
TIMEOUT_SECONDS = (10, 30)
"""To connect, and between two bytes of an answer."""
ATTEMPTS = 5
"""Of a request that is answered by 500: often a webhook's, and then it concerns one namespace and may last."""
_OVERLOADED = 429
_AWAY = (502, 503, 504)
"""What an API server answers that can serve nobody, or a load balancer in its place."""
_UNKNOWN = (401, 403)
"""What it answers whom it does not know, or not yet."""
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

# Under AWX these come from the credential and would redirect every host's own kubeconfig to that credential's cluster.
_OVERRIDING_ENVIRONMENT = tuple(
    "K8S_AUTH_" + name
    for name in (
        *("HOST", "API_KEY", "USERNAME", "PASSWORD", "CERT_FILE", "KEY_FILE"),
        # kubernetes.core reads these under its options' own names as well.
        *("CLIENT_CERT", "CLIENT_KEY"),
    )
)


class ClusterError(Exception):
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


class ForbiddenError(ClusterError):
    """RBAC or admission refused; the sentence says which verb on what."""


def make_module(argument_spec: dict[str, t.Any], **kwargs: t.Any) -> AnsibleK8SModule:
    """An AnsibleModule with kubernetes.core's connection options. Fails where the client library is missing or old."""
    module = AnsibleK8SModule(argument_spec={**AUTH_ARG_SPEC, **argument_spec}, check_pyyaml=False, **kwargs)
    if not module.has_at_least("kubernetes", MINIMUM_CLIENT):
        module.fail_json(
            msg=missing_required_lib(f"kubernetes>={MINIMUM_CLIENT}") + f" (found {kubernetes.__version__})"
        )
    return module


def connect(module: AnsibleK8SModule, connections: int) -> Cluster:
    """The cluster that the module's options name. Raises ClusterError where they name none."""
    if any(module.params.get(option) for option in ("kubeconfig", "context", "host")):
        for variable in _OVERRIDING_ENVIRONMENT:
            os.environ.pop(variable, None)
    try:
        configuration = _k8s._create_configuration(_k8s._create_auth_spec(module))
    except (kubernetes.config.ConfigException, OSError, ValueError, TypeError, KeyError) as exc:
        raise ClusterError(
            "no_cluster",
            f"No cluster to talk to: {exc}. Give kubeconfig (and context), or host and api_key, "
            "as options or as K8S_AUTH_* environment variables.",
        ) from exc
    if not configuration.verify_ssl:
        module.warn(
            f"The certificate of {configuration.host} is not verified (validate_certs is false, or K8S_AUTH_VERIFY_SSL "
            "is, as AWX sets it for a credential without a CA): whoever answers there would be given the token."
        )
    configuration.connection_pool_maxsize = connections
    # urllib3 would try some requests again by itself, and wait as long as the server says, be it an hour.
    configuration.retries = False
    client = kubernetes.client.ApiClient(configuration)
    for name, value in _k8s._create_headers(module).items():
        _k8s._set_header(client, name, value)
    patience = Patience()
    patience.listen()
    return Cluster(configuration.host, DynamicClient(client, discoverer=lambda _client, _cache_file: None), patience)


class Cluster:
    """The few requests that are needed. Safe to use from many threads."""

    def __init__(self, host: str, client: DynamicClient, patience: Patience | None = None) -> None:
        self.host = host
        self._client = client
        self._patience = patience or Patience()
        self.clock_offset = dt.timedelta()
        """How far the API server's clock is ahead of ours, by its first answer."""
        self._clock_read = False

    @property
    def stopped_by(self) -> str:
        """The signal that asked this task to stop, or nothing: whoever is about to begin something new looks first."""
        return self._patience.stopped_by

    def namespaces(self, selector: str) -> dict[str, Namespace]:
        """All namespaces that match the label selector ("" for all), by name."""
        query = [("labelSelector", selector)] if selector else []
        found = self._list("/api/v1/namespaces", query, what="list namespaces", accept=_METADATA_LIST)
        return {item["metadata"]["name"]: _namespace(item) for item in found}

    def namespace(self, name: str) -> Namespace:
        """One namespace. Raises NotFoundError."""
        path = f"/api/v1/namespaces/{name}"
        return _namespace(self._request("GET", path, what=f"get namespace {name}", accept=_METADATA_ONLY))

    def secrets(self, name: str) -> t.Iterator[dict[str, t.Any]]:
        """The secrets of this name in all namespaces; the field selector lets RBAC allow it by resourceNames."""
        query = [("fieldSelector", f"metadata.name={name}")]
        return self._list("/api/v1/secrets", query, what=f"list secrets named {name} in all namespaces")

    def secret(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """One secret, or None."""
        try:
            return self._request("GET", _secret_path(namespace, name), what=f"get secret {namespace}/{name}")
        except NotFoundError:
            return None

    def create_secret(self, namespace: str, body: dict[str, t.Any], dry_run: bool = False) -> str:
        """Make the secret; its UID. Raises ConflictError where it exists, NotFoundError without the namespace."""
        what = f"create secret {namespace}/{body['metadata']['name']}"
        query = [("fieldManager", _marks.FIELD_MANAGER), *([("dryRun", "All")] if dry_run else [])]
        made = self._request("POST", _secret_path(namespace), body, query, what=what, accept=_METADATA_ONLY)
        return made["metadata"]["uid"]

    def patch_secret(self, namespace: str, name: str, body: dict[str, t.Any]) -> str:
        """Apply a JSON merge patch; the UID. Raises ConflictError where the secret is not the one that was read."""
        what = f"patch secret {namespace}/{name}"
        query = [("fieldManager", _marks.FIELD_MANAGER)]
        done = self._request("PATCH", _secret_path(namespace, name), body, query, what=what, accept=_METADATA_ONLY)
        return done["metadata"]["uid"]

    def delete_secret(self, secret: dict[str, t.Any]) -> None:
        """Delete just the secret that was read. Raises ConflictError where it has changed since."""
        metadata = secret["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: metadata[key] for key in ("uid", "resourceVersion")},
        }
        path = _secret_path(metadata["namespace"], metadata["name"])
        self._request("DELETE", path, body, what=f"delete secret {metadata['namespace']}/{metadata['name']}")

    def service_accounts(self, namespace: str = "", name: str = "") -> t.Iterator[dict[str, t.Any]]:
        """The service accounts of one namespace, or of all; of one name, which RBAC can allow by resourceNames."""
        query = [("fieldSelector", f"metadata.name={name}")] if name else []
        named = f" named {name}" if name else ""
        what = f"list serviceaccounts{named} in {namespace or 'all namespaces'}"
        return self._list(_account_path(namespace), query, what=what)

    def service_account(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """One service account, or None."""
        what = f"get serviceaccount {namespace}/{name}"
        try:
            return self._request("GET", _account_path(namespace, name), what=what)
        except NotFoundError:
            return None

    def patch_service_account(self, namespace: str, name: str, body: dict[str, t.Any]) -> None:
        """Apply a JSON merge patch. Raises ConflictError where the account is not the one that was read."""
        what = f"patch serviceaccount {namespace}/{name}"
        query = [("fieldManager", _marks.FIELD_MANAGER)]
        self._request("PATCH", _account_path(namespace, name), body, query, what=what, accept=_METADATA_ONLY)

    def _list(
        self, path: str, query: list[tuple[str, t.Any]], what: str, accept: str | None = None
    ) -> t.Iterator[dict[str, t.Any]]:
        page: list[tuple[str, t.Any]] = []
        while True:
            answer = self._request("GET", path, None, [*query, ("limit", PAGE_SIZE), *page], what=what, accept=accept)
            yield from answer.get("items") or []
            token = answer["metadata"].get("continue")
            if not token:
                return
            page = [("continue", token)]

    def _request(
        self,
        method: str,
        path: str,
        body: dict[str, t.Any] | None = None,
        query: list[tuple[str, t.Any]] | None = None,
        *,
        what: str,
        accept: str | None = None,
    ) -> dict[str, t.Any]:
        """One request, tried again as long as patience lasts where that can help. Raises ClusterError."""
        self._check(method, what)
        began = self._patience.now()
        in_doubt = False
        for attempt in itertools.count(1):
            try:
                response = self._client.request(
                    method,
                    path,
                    body=body,
                    query_params=list(query or []),
                    header_params={"Accept": accept or "application/json"},
                    content_type="application/merge-patch+json" if method == "PATCH" else "application/json",
                    serialize=False,
                    _request_timeout=TIMEOUT_SECONDS,
                )
                # Unread answers keep their connection from being used again.
                data = response.data
                self._read_clock(getattr(response, "headers", None) or {})
                answer = json.loads(data)
            except DynamicApiError as exc:
                error = _api_error(exc, what, self.host)
                error.in_doubt = in_doubt
                cause: Exception = exc
                final = not self._may_pass(exc.status, attempt)
                wish = (exc.headers or {}).get("Retry-After")
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
                error = ClusterError(
                    "unreachable", f"Could not {what} at {self.host}: {_innermost(exc)}{_doubt(method)}"
                )
                cause = exc
                final = _is_certificate_error(exc)
                wish = None
                self._patience.unserved(lost=True)
            else:
                self._patience.served()
                return answer
            if final or not self._patience.bear(began, attempt, wish):
                raise error from cause
            in_doubt = in_doubt or method != "GET"
        raise AssertionError("unreachable code")

    def _may_pass(self, status: int, attempt: int) -> bool:
        """Whether a refusal may be another answer at the next try."""
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

    def _read_clock(self, headers: t.Mapping[str, str]) -> None:
        if self._clock_read or not headers.get("Date"):
            return
        self._clock_read = True
        self.clock_offset = email.utils.parsedate_to_datetime(headers["Date"]) - dt.datetime.now(dt.timezone.utc)


def _secret_path(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    return f"{path}/{urllib.parse.quote(name, safe='')}" if name else path


def _account_path(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts" if namespace else "/api/v1/serviceaccounts"
    return f"{path}/{urllib.parse.quote(name, safe='')}" if name else path


def _namespace(item: t.Mapping[str, t.Any]) -> Namespace:
    metadata = item["metadata"]
    return Namespace(metadata["name"], terminating=bool(metadata.get("deletionTimestamp")))


def _is_certificate_error(exc: BaseException) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(exc)


def _innermost(exc: BaseException) -> str:
    reason = getattr(exc, "reason", None)
    return str(reason if reason else exc)


def _doubt(method: str) -> str:
    return "" if method == "GET" else ". It may have been carried out all the same: running the task again settles it."


def _api_error(exc: DynamicApiError, what: str, host: str) -> ClusterError:
    """The API server's Status as one of our errors."""
    try:
        status = json.loads(exc.body)
    except (TypeError, ValueError):
        status = {}
    message = status.get("message") or exc.reason
    causes = [cause.get("reason") for cause in (status.get("details") or {}).get("causes") or []]
    text = f"Could not {what} at {host}: {message} (HTTP {exc.status})"
    if "NamespaceTerminating" in causes:
        return ClusterError("terminating", text)
    if exc.status == 404:
        return NotFoundError("not_found", text)
    if exc.status == 409:
        return ConflictError("conflict", text)
    if exc.status == 403:
        return ForbiddenError("forbidden", text)
    if exc.status == 401:
        return ClusterError("unauthorized", f"{text}. The credentials for this cluster are wrong or have expired.")
    return ClusterError("api_error", text)
