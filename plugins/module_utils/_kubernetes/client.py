# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection by the options of kubernetes.core and the kubernetes client. Private to this collection.

This is the only file that touches them, but for the names of the options. The client of kubernetes.core is not used,
since it starts with discovery requests and a world-readable cache file.
"""

from __future__ import annotations

import itertools
import os
import ssl
import typing as t
import urllib.parse

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as _k8s
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import has_at_least

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import redaction, tls
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.connections import (
    CONNECT_SECONDS,
    READ_SECONDS,
    causes,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.http_transport import (
    NOT_SENDABLE,
    HttpTransport,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.kubeconfig import (
    DEFAULT,
    Kubeconfig,
    LoggedErrors,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    NoResponseError,
    Request,
    Response,
    Transport,
    encoded,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked

try:
    import kubernetes
    import urllib3
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic import DynamicClient
except ImportError:
    # transport() reports what is missing.
    pass

MINIMUM_CLIENT = "26.1.0"
_DEFAULT_HOST = "http://localhost"
"""Of the client, if a kubeconfig names no server. Newer versions have none."""
_READS_ALL = 37
"""The version of the client that reads all of a kubeconfig that this collection needs."""
TIMEOUT_SECONDS = (CONNECT_SECONDS, READ_SECONDS)
"""To connect, and between two bytes of a response."""

_CREDENTIALS = ("api_key", "password")
# In a pod the client library takes its account before it reads KUBECONFIG. kubectl does the opposite.
_POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105
_NEXT_STEP = "Set kubeconfig (and context), or host and api_key, as options or as K8S_AUTH_* environment variables."


def transport(module: Module, connections: int) -> Transport:
    """Return the connection that the module's options name. Raises ClusterError if they name none.

    connections: kept open at most.
    """
    if not has_at_least("kubernetes", MINIMUM_CLIENT):
        found = f" (found {kubernetes.__version__})" if has_at_least("kubernetes") else ""
        raise ClusterError("no_cluster", missing_required_lib(f"kubernetes>={MINIMUM_CLIENT}") + found)
    auth = _k8s._create_auth_spec(module)
    kubeconfig = Kubeconfig(auth.get("kubeconfig"), os.environ)

    def secrets() -> list[str]:
        addresses = [auth.get("host"), auth.get("proxy"), *_proxies.of_environment(os.environ)]
        # A library quotes a header that cannot be sent.
        given = [redaction.secrets_in({"token": auth.get(name)}) for name in _CREDENTIALS]
        return [*kubeconfig.secrets(), *itertools.chain(*given, *map(_proxies.secrets_in, addresses))]

    configuration = _configured(module, auth, kubeconfig, secrets)
    headers = _k8s._create_headers(module)
    if not headers and is_direct(configuration):
        return direct(configuration, secrets)
    try:
        return ClientTransport(configuration, connections=connections, headers=headers, secrets=secrets)
    except ImportError:
        raise ClusterError(
            "no_cluster",
            "The proxy for the cluster is a SOCKS proxy. Install the Python package PySocks on the target host.",
        ) from None
    except (ValueError, urllib3.exceptions.HTTPError):
        # The text quotes a part of the address, which can be a part of the password.
        raise ClusterError(
            "no_cluster",
            "The address of the proxy for the cluster cannot be used. It comes from the option proxy, K8S_AUTH_PROXY, "
            "HTTPS_PROXY or proxy-url of the kubeconfig. Use http:// or https://, and percent-encode special "
            "characters in its user name and password.",
        ) from None


def is_direct(configuration: kubernetes.client.Configuration) -> bool:
    """Whether the standard library is enough, which takes a third of the time for each request."""
    host = urllib.parse.urlsplit(configuration.host)
    others = configuration.proxy, getattr(configuration, "tls_server_name", None), host.username, host.query
    return host.scheme == "https" and not any(others)


def direct(configuration: kubernetes.client.Configuration, secrets: t.Callable[[], t.Sequence[str]]) -> HttpTransport:
    """Return a transport by the standard library. Raises ClusterError if the configuration names unusable files."""

    def authorization() -> str:
        # The library renews credentials here.
        return (configuration.auth_settings().get("BearerToken") or {}).get("value") or ""

    return HttpTransport(
        configuration.host,
        tls=tls.context_of(configuration),
        authorization=authorization,
        describe=tls.describer(secrets),
    )


def _configured(
    module: Module, auth: dict[str, t.Any], kubeconfig: Kubeconfig, secrets: t.Callable[[], list[str]]
) -> kubernetes.client.Configuration:
    """Return the library's configuration. Raises ClusterError."""

    def error(problem: str, next_step: str) -> ClusterError:
        return ClusterError("no_cluster", f"No cluster is configured: {masked(problem, secrets())}. {next_step}")

    if kubeconfig.is_content:
        # The library would quote it.
        raise ClusterError("no_cluster", f"No cluster is configured: {redaction.CONTENT}")
    if not _is_complete(auth):
        in_pod = _check_pod(auth, module)
        unreadable = "" if in_pod else kubeconfig.problem()
        if unreadable:
            raise error(unreadable, _NEXT_STEP)
    try:
        with LoggedErrors() as logged:
            configuration = _k8s._create_configuration(auth)
    except Exception as exc:  # noqa: BLE001
        # The library reads a file that may contain anything.
        known = isinstance(exc, (kubernetes.config.ConfigException, OSError, ValueError))
        problem, next_step = kubeconfig.explain(exc, auth.get("context"), quoted=known)
        raise error(problem, next_step or _NEXT_STEP) from None
    problem, next_step = logged.problem(kubeconfig.plugin())
    if problem:
        raise error(problem, next_step)
    host = _proxies.without_user_info(configuration.host or "")
    if not _is_complete(auth):
        _complete(configuration, auth, kubeconfig)
    has_none = not configuration.host or (
        configuration.host == _DEFAULT_HOST and not kubeconfig.has_server(_DEFAULT_HOST)
    )
    if has_none and not auth.get("host"):
        raise error("the cluster in the kubeconfig has no server", "Give its address, which begins with https://.")
    if not _is_address(configuration.host or ""):
        raise error(
            f"the address of the API server is {host!r}",
            "Give host, or server in the kubeconfig, as a URL such as https://cluster.example:6443.",
        )
    if not configuration.verify_ssl:
        module.warn(
            f"The certificate of {host} is not verified: validate_certs or K8S_AUTH_VERIFY_SSL is false (AWX sets the "
            "latter for a credential without a CA), or insecure-skip-tls-verify of the kubeconfig is true. Any server "
            "at this address receives the token."
        )
    expiry = tls.expiry_warning(host, _text_of(configuration.cert_file))
    if expiry:
        module.warn(expiry)
    return configuration


def _text_of(file: str | None) -> str:
    """Return the content of a file, "" if it cannot be read."""
    try:
        with open(file or os.devnull, encoding="ascii") as opened:
            return opened.read()
    except (OSError, ValueError):
        return ""


def _is_address(host: str) -> bool:
    """Whether the library can use an address. Its own errors quote a part of it, which may be a password."""
    try:
        address = urllib.parse.urlsplit(host)
        _port = address.port
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.hostname)


def _is_complete(auth: t.Mapping[str, t.Any]) -> bool:
    """Whether the library needs neither a kubeconfig nor the service account of a pod."""
    ways = (("api_key",), ("username", "password"), ("cert_file", "key_file"))
    return bool(auth.get("host")) and any(all(auth.get(name) for name in way) for way in ways)


def _complete(
    configuration: kubernetes.client.Configuration, auth: t.Mapping[str, t.Any], kubeconfig: Kubeconfig
) -> None:
    """Apply what older versions of the library do not read from a kubeconfig."""
    if int(kubernetes.__version__.partition(".")[0]) >= _READS_ALL:
        return
    fields = kubeconfig.unread_fields(configuration.host or "")
    if "proxy-url" in fields and not auth.get("proxy"):
        configuration.proxy = fields["proxy-url"]
    if "tls-server-name" in fields:
        configuration.tls_server_name = fields["tls-server-name"]


def _check_pod(auth: t.Mapping[str, t.Any], module: Module) -> bool:
    """Return whether the library uses the service account of the pod. Raises ClusterError if KUBECONFIG is set, too."""
    in_pod = bool(os.environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(_POD_TOKEN))
    if not in_pod or auth.get("kubeconfig") or auth.get("context"):
        return False
    if os.environ.get("KUBECONFIG"):
        raise ClusterError(
            "no_cluster",
            "KUBECONFIG is set in a pod, where the client library would use the pod's own service account instead. Set "
            "the option kubeconfig or K8S_AUTH_KUBECONFIG, or unset KUBECONFIG to use the service account.",
        )
    if os.path.exists(os.path.expanduser(DEFAULT)):
        module.warn(
            f"{DEFAULT} is not read in a pod: the client library uses the pod's own service account. Set the option "
            f"kubeconfig or K8S_AUTH_KUBECONFIG to {DEFAULT} to use the file."
        )
    return True


class ClientTransport:
    """Sends requests with the kubernetes client, by its configuration."""

    def __init__(
        self,
        configuration: kubernetes.client.Configuration,
        *,
        connections: int,
        headers: t.Mapping[str, str] | None = None,
        secrets: t.Callable[[], t.Sequence[str]] = tuple,
    ) -> None:
        """connections: kept open at most. headers: sent with every request.

        secrets: returns the values that errors must not show. It is called for errors only, since it reads the
        kubeconfig again.
        """
        self._secrets = secrets
        self.host: str = _proxies.without_user_info(configuration.host)
        self._where = urllib.parse.urlsplit(self.host).netloc.rpartition("@")[2]
        proxy = _proxies.without_user_info(configuration.proxy or "")
        self._proxy = urllib.parse.urlsplit(proxy).netloc.rpartition("@")[2]
        configuration.connection_pool_maxsize = connections
        # urllib3 would retry some requests by itself, and wait as long as the server says, even an hour.
        configuration.retries = False
        client = kubernetes.client.ApiClient(configuration)
        if self.host.startswith("https:"):
            _set_tls(client.rest_client.pool_manager.connection_pool_kw, configuration)
        for name, value in (headers or {}).items():
            _k8s._set_header(client, name, value)
        self._client = DynamicClient(client, discoverer=lambda _client, _cache_file: None)

    def send(self, request: Request) -> Response:
        """Send it once. Raises NoResponseError."""
        body: t.Any = request.body
        content_type = request.content_type
        if content_type == APPLY_PATCH:
            # The client would write JSON that is no YAML. It sends bytes unchanged, but versions before 37 only with
            # a content type that they do not know.
            body, content_type = encoded(body), f"{APPLY_PATCH}; charset=utf-8"
        try:
            response = self._client.request(
                request.method,
                request.path,
                body=body,
                query_params=list(request.query),
                header_params={"Accept": request.accept},
                content_type=content_type,
                serialize=False,
                _request_timeout=TIMEOUT_SECONDS,
            )
            # A connection is used again only if its response was read.
            return Response(response.status, response.headers, response.data)
        except ApiException as exc:
            if not exc.status:
                # The client raises this for every SSLError: a bad certificate, or a connection that was cut.
                raise self._no_response(exc) from None
            body = exc.body or b""
            return Response(exc.status, exc.headers or {}, body.encode() if isinstance(body, str) else body)
        except (urllib3.exceptions.HTTPError, OSError, ssl.SSLError) as exc:
            raise self._no_response(exc) from None
        except ValueError:
            # http.client quotes a header with a line break, such as the token.
            raise NoResponseError(NOT_SENDABLE, final=True) from None

    def _no_response(self, exc: Exception) -> NoResponseError:
        found = causes(exc)
        connecting = any(isinstance(each, urllib3.exceptions.ConnectTimeoutError) for each in found)
        by_proxy = any(isinstance(each, urllib3.exceptions.ProxyError) for each in found)
        where = f"the proxy {self._proxy}" if by_proxy else self._where
        return tls.describer(self._secrets)(exc, where, connecting=connecting)


def _set_tls(options: dict[str, t.Any], configuration: kubernetes.client.Configuration) -> None:
    """Let urllib3 use one context for all connections. options: of its pool of connections. Raises ClusterError."""
    context = options["ssl_context"] = tls.context_of(configuration)
    if urllib3.__version__.startswith("1."):
        # It compares names by itself: it does not give OpenSSL the name if that is an IP address.
        context.check_hostname = False
    # The context has the client certificate. The authority stays: it is that of a proxy with https, too.
    options["cert_file"] = options["key_file"] = None
    server_name = getattr(configuration, "tls_server_name", None)
    if server_name:
        options["server_hostname"] = server_name
