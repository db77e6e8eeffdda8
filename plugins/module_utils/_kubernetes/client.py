# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' transport. Private to this collection.

This is the only file that touches kubernetes.core and the kubernetes client. kubernetes.core gives the connection
options and their meaning; its own client is not used, since it starts with discovery requests and a cache file that
everyone may read.
"""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as _k8s
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import Patience
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
    Response,
)

try:
    import kubernetes
    import urllib3
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic import DynamicClient
except ImportError:
    # AnsibleK8SModule says what is missing.
    pass

MINIMUM_CLIENT = "26.1.0"
TIMEOUT_SECONDS = (10, 30)
"""To connect, and between two bytes of a response."""

# Under AWX these come from the credential and would redirect every host's own kubeconfig to that credential's cluster.
_OVERRIDING_ENVIRONMENT = tuple(
    "K8S_AUTH_" + name
    for name in (
        *("HOST", "API_KEY", "USERNAME", "PASSWORD", "CERT_FILE", "KEY_FILE"),
        # kubernetes.core reads these under its options' own names as well.
        *("CLIENT_CERT", "CLIENT_KEY"),
    )
)
# In what ssl says of a certificate or its host name, and urllib3 of the latter.
_CERTIFICATE_ERRORS = ("CERTIFICATE_VERIFY_FAILED", "doesn't match")


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
    patience = Patience()
    patience.listen()
    return Cluster(ClientTransport(configuration, connections, _k8s._create_headers(module)), patience)


class ClientTransport:
    """Sends requests with the kubernetes client, by its configuration."""

    def __init__(
        self,
        configuration: kubernetes.client.Configuration,
        connections: int,
        headers: t.Mapping[str, str] | None = None,
    ) -> None:
        """connections: so many are kept open. headers: of every request."""
        self.host: str = configuration.host
        configuration.connection_pool_maxsize = connections
        # urllib3 would try some requests again by itself, and wait as long as the server says, be it an hour.
        configuration.retries = False
        client = kubernetes.client.ApiClient(configuration)
        for name, value in (headers or {}).items():
            _k8s._set_header(client, name, value)
        self._client = DynamicClient(client, discoverer=lambda _client, _cache_file: None)

    def send(self, request: Request) -> Response:
        """Send it once. Raises NoResponseError."""
        try:
            response = self._client.request(
                request.method,
                request.path,
                body=request.body,
                query_params=list(request.query),
                header_params={"Accept": request.accept},
                content_type=request.content_type,
                serialize=False,
                _request_timeout=TIMEOUT_SECONDS,
            )
            # Responses that are not read keep their connection from being used again.
            return Response(response.status, response.headers, response.data)
        except ApiException as exc:
            if not exc.status:
                # What the client makes of every SSLError, be it of a certificate or of a connection that was cut.
                raise _no_response(exc, str(exc.reason)) from exc
            body = exc.body or b""
            return Response(exc.status, exc.headers or {}, body.encode() if isinstance(body, str) else body)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            raise _no_response(exc, str(getattr(exc, "reason", None) or exc)) from exc


def _no_response(exc: Exception, why: str) -> NoResponseError:
    text = f"{exc} {why}"
    return NoResponseError(why, final=any(words in text for words in _CERTIFICATE_ERRORS))
