# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' transport. Private to this collection.

This is the only file that touches kubernetes.core and the kubernetes client. kubernetes.core defines the connection
options. Its own client is not used, since it starts with discovery requests and a world-readable cache file.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as _k8s
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import redaction
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    NoResponseError,
    Request,
    Response,
    encoded,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked

try:
    import kubernetes
    import urllib3
    import yaml
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic import DynamicClient
except ImportError:
    # AnsibleK8SModule reports what is missing.
    pass

MINIMUM_CLIENT = "26.1.0"
TIMEOUT_SECONDS = (10, 30)
"""To connect, and between two bytes of a response."""

_PREFIX = "K8S_AUTH_"
_NAMING = ("kubeconfig", "context", "host")
"""The options that name a cluster."""
_CREDENTIALS = ("api_key", "password")
# Read in any case: the way to a cluster, not the cluster. The first also begins the names for headers of the proxy.
_OF_PROXIES = ("K8S_AUTH_PROXY", "K8S_AUTH_NO_PROXY")
# In a pod the client library takes its account before it reads KUBECONFIG. kubectl does the opposite.
_POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105
# The client logs what a command of the kubeconfig printed. Without a handler that goes to standard error, which Ansible
# shows at -vvv for some connections.
_SILENT = logging.NullHandler()
# In what ssl says of a certificate or its host name, and urllib3 of the latter.
_CERTIFICATE_ERRORS = ("CERTIFICATE_VERIFY_FAILED", "doesn't match")


class _Module(Module):
    """Shows the secrets of a kubeconfig neither in the system log nor in the result."""

    hidden: frozenset[str] = frozenset()
    """The values that no_log hides, before kubernetes.core adds parts of the kubeconfig."""

    def _log_invocation(self) -> None:
        self.hidden = frozenset(self.no_log_values)
        params, self.params = self.params, redaction.redacted_params(self.params)
        try:
            super()._log_invocation()
        finally:
            self.params = params

    def shown_params(self) -> dict[str, t.Any]:
        return redaction.redacted_params(super().shown_params())


# Versions of kubernetes.core differ in what no_log hides of it.
_KUBECONFIG = {"type": "raw", "no_log": False}


def make_module(argument_spec: dict[str, t.Any], **kwargs: t.Any) -> AnsibleK8SModule:
    """Return an AnsibleModule with kubernetes.core's connection options. Fails if the client library is missing."""
    spec = {**AUTH_ARG_SPEC, "kubeconfig": _KUBECONFIG, **argument_spec}
    module = AnsibleK8SModule(argument_spec=spec, check_pyyaml=False, module_class=_Module, **kwargs)
    module._module.no_log_values = set(module._module.hidden)
    if not module.has_at_least("kubernetes", MINIMUM_CLIENT):
        module.fail_json(
            msg=missing_required_lib(f"kubernetes>={MINIMUM_CLIENT}") + f" (found {kubernetes.__version__})"
        )
    return module


def connect(module: AnsibleK8SModule, connections: int) -> Cluster:
    """Return the cluster that the module's options name. Raises ClusterError if they name none."""
    _check_pod(module.params)
    _check_kubeconfig(module.params)
    for variable in unread(module.params, os.environ):
        del os.environ[variable]
    secrets = functools.partial(_secrets, module.params)
    try:
        with _quiet_client(module, secrets):
            configuration = _k8s._create_configuration(_k8s._create_auth_spec(module))
    except Exception as exc:  # noqa: BLE001
        # The library reads a file that may contain anything.
        raise ClusterError(
            "no_cluster",
            f"No cluster is configured: {masked(_problem(exc), secrets())}. Set kubeconfig (and context), or "
            "host and api_key, as options or as K8S_AUTH_* environment variables.",
        ) from None
    if not configuration.verify_ssl:
        module.warn(
            f"The certificate of {_proxies.without_user_info(configuration.host)} is not verified: validate_certs or "
            "K8S_AUTH_VERIFY_SSL is false (AWX sets the latter for a credential without a CA). Any server at this "
            "address receives the token."
        )
    headers = _k8s._create_headers(module)
    try:
        transport = ClientTransport(configuration, connections=connections, headers=headers, secrets=secrets)
    except (ImportError, ValueError, urllib3.exceptions.HTTPError):
        # A SOCKS proxy needs another library. The text of the other errors quotes the address, and so perhaps the
        # password.
        raise ClusterError(
            "no_cluster",
            "The address of the proxy for the cluster cannot be used. It comes from the option proxy, K8S_AUTH_PROXY, "
            "HTTPS_PROXY or proxy-url of the kubeconfig. Use http:// or https://, and percent-encode special "
            "characters in its user name and password.",
        ) from None
    retries = RetryBudget()
    retries.listen()
    return Cluster(transport, retries=retries)


@contextlib.contextmanager
def _quiet_client(module: AnsibleK8SModule, secrets: t.Callable[[], t.Sequence[str]]) -> t.Iterator[None]:
    """Turn the log of the client inside the block into warnings, without what a command of the kubeconfig printed."""
    root, records = logging.getLogger(), _Records(logging.ERROR)
    root.addHandler(_SILENT)
    root.addHandler(records)
    try:
        yield
    finally:
        root.removeHandler(records)
        for text in records.texts:
            what = masked(text.splitlines()[0].partition(". ")[0], secrets())
            module.warn(
                f"The kubeconfig's command for credentials failed: {what}. Its output is not shown, since it may "
                "contain secrets. Run the command on the target host."
            )


class _Records(logging.Handler):
    """Collects the texts of a log."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage() or record.levelname)


def _problem(exc: Exception) -> str:
    if isinstance(exc, yaml.YAMLError):
        # Its text quotes the file.
        place = getattr(exc, "problem_mark", None)
        return f"the kubeconfig is not YAML{f', in line {place.line + 1}' if place else ''}"
    if isinstance(exc, (kubernetes.config.ConfigException, OSError, ValueError)):
        return str(exc).rstrip(".")
    return f"the kubeconfig is not valid ({type(exc).__name__})"


def _secrets(params: t.Mapping[str, t.Any]) -> list[str]:
    """Return what no message may show: secrets of the kubeconfig and of proxies."""
    given = _given_kubeconfig(params)
    configs = [given]
    if isinstance(given, str):
        configs = [_parsed(path) for path in given.split(os.pathsep) if path]
    # A library quotes a header that cannot be sent.
    configs += [{"token": params.get(name) or os.environ.get(f"{_PREFIX}{name.upper()}")} for name in _CREDENTIALS]
    secrets = [secret for config in configs for secret in redaction.secrets_in(config)]
    for address in (params.get("host"), params.get("proxy"), *_proxies.of_environment(os.environ)):
        secrets += _proxies.secrets_in(address)
    return secrets


def _given_kubeconfig(params: t.Mapping[str, t.Any]) -> t.Any:
    return params.get("kubeconfig") or os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG") or ""


def _check_kubeconfig(params: t.Mapping[str, t.Any]) -> None:
    """Reject the content of a kubeconfig as a text. Raises ClusterError. The library's error would show it."""
    if redaction.is_content(_given_kubeconfig(params)):
        raise ClusterError("no_cluster", f"No cluster is configured: {redaction.CONTENT}")


def _parsed(path: str) -> t.Any:
    """Return the content of a kubeconfig, or None if it cannot be parsed."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None


def unread(params: t.Mapping[str, t.Any], environment: t.Iterable[str]) -> list[str]:
    """Return the connection variables that are not read, because an option names the cluster.

    Under AWX they come from the job's credential, and would send every host with its own kubeconfig to the credential's
    cluster, or trust its CA. A context alone is one of the kubeconfig that a variable names.
    """
    named = [option for option in _NAMING if params.get(option)]
    kept = (*_OF_PROXIES, "K8S_AUTH_KUBECONFIG") if named == ["context"] else _OF_PROXIES
    return [name for name in environment if named and name.startswith(_PREFIX) and not name.startswith(kept)]


def _check_pod(params: t.Mapping[str, t.Any]) -> None:
    """Reject KUBECONFIG in a pod. Raises ClusterError."""
    named = any(params.get(option) or os.environ.get(_PREFIX + option.upper()) for option in _NAMING)
    in_pod = os.environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(_POD_TOKEN)
    if in_pod and os.environ.get("KUBECONFIG") and not named:
        raise ClusterError(
            "no_cluster",
            "KUBECONFIG is set in a pod, where the client library would use the pod's own service account instead. Set "
            "the option kubeconfig or K8S_AUTH_KUBECONFIG, or unset KUBECONFIG to use the service account.",
        )


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
        configuration.connection_pool_maxsize = connections
        # urllib3 would retry some requests by itself, and wait as long as the server says, even an hour.
        configuration.retries = False
        client = kubernetes.client.ApiClient(configuration)
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
                raise self._no_response(exc, str(exc.reason)) from None
            body = exc.body or b""
            return Response(exc.status, exc.headers or {}, body.encode() if isinstance(body, str) else body)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            raise self._no_response(exc, str(getattr(exc, "reason", None) or exc)) from None

    def _no_response(self, exc: Exception, why: str) -> NoResponseError:
        # A ValueError is one of the request, such as a header that cannot be sent.
        final = isinstance(exc, ValueError) or any(words in f"{exc} {why}" for words in _CERTIFICATE_ERRORS)
        return NoResponseError(masked(why, self._secrets()), final=final)
