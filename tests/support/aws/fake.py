# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All servers of the fake, with one shared state."""

from __future__ import annotations

import secrets
import ssl
import string
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ._endpoint import Endpoint
from ._http import HttpServer
from ._images import Images
from ._metadata import MetadataServer
from ._oidc import Provider
from ._proxy import Proxy
from ._registry import Registry
from ._roles_anywhere import RolesAnywhere
from ._sigv4 import Key
from ._state import State, as_lookup
from ._sts import Sts, expire_sessions, find_session_key
from ._trust_anchor import TrustAnchor

ACCOUNT = "123456789012"
API_HOSTS = (
    "api.ecr-public.us-east-1.amazonaws.com:443",
    "sts.us-east-1.amazonaws.com:443",
    "rolesanywhere.eu-central-1.amazonaws.com:443",
)
_ID = string.ascii_uppercase + "234567"
_SECRET = string.ascii_letters + string.digits + "+/"


class FakeAws:
    """ECR Public at C(endpoint_url), STS at C(sts_url), the registry at C(registry_url), a proxy at C(proxy_url).

    Through the proxy clients reach these APIs, and IAM Roles Anywhere in one region, by their real names. Their
    certificate in tls must have these.

    host: the address of all servers. port, registry_port: 0 for a free port.
    public_registry_url: the URL in the challenge of the registry, if clients reach it by another name.
    tls, registry_tls: serve C(endpoint_url) and C(sts_url), or C(registry_url), over https.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        registry_port: int = 0,
        public_registry_url: str | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        registry_tls: ssl.SSLContext | None = None,
    ) -> None:
        self.access_key = "AKIA" + "".join(secrets.choice(_ID) for _digit in range(16))
        self.secret_key = "".join(secrets.choice(_SECRET) for _digit in range(40))
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/freshpull"
        self._state = State()
        self._images = Images()
        self._stack = ExitStack()
        self._ecr = HttpServer(Endpoint(self._state, self._images, self._find_key), host=host, port=port, tls=tls)
        registry = Registry(self._state, self._images, self._realm)
        self._registry = HttpServer(registry, host=host, port=registry_port, tls=registry_tls)
        self._sts = Sts(self._state, host, self._find_key, tls)
        self._anywhere = HttpServer(RolesAnywhere(self._state), host=host, tls=tls)
        servers = (self._ecr, self._sts, self._anywhere)
        self._proxy = Proxy(host, dict(zip(API_HOSTS, [server.address for server in servers], strict=True)))
        self.endpoint_url = self._ecr.url
        self.registry_url = self._registry.url
        self.sts_url = self._sts.url
        self.roles_anywhere_url = self._anywhere.url
        self.proxy_url = self._proxy.url
        self._public_registry_url = (public_registry_url or self.registry_url).rstrip("/")

    def __enter__(self) -> FakeAws:
        for server in (self._ecr, self._registry, self._sts, self._anywhere, self._proxy):
            self._stack.enter_context(server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _realm(self) -> str:
        return f"{self._public_registry_url}/token/"

    def _find_key(self, access_key: str) -> Key | None:
        if access_key == self.access_key:
            return Key(self.access_key, self.secret_key, self.arn)
        return find_session_key(access_key)

    def behave(self, **changes: Any) -> None:
        """Change the behaviour of AWS from now on. changes: fields of C(Behaviour)."""
        self._state.behave(**changes)

    def reset(self) -> None:
        """Become healthy, and forget calls, requests and tokens. Images and keys stay."""
        self._state.reset()

    def issue(self, life: float | None = None) -> dict[str, str]:
        """Issue a token without a call, in the form that the lookup returns. life: seconds until its expiry."""
        return as_lookup(self._state.issue(life))

    def expire(self, password: str) -> None:
        """Expire a token now, and the bearer tokens that the registry issued for it."""
        self._state.expire(password)

    def expire_sessions(self) -> None:
        """Expire all sessions of assumed roles now."""
        expire_sessions()

    def trust(self, provider: Provider) -> None:
        """Let STS accept only tokens of this identity provider, and check them, until reset()."""
        self._state.provider = provider

    def trust_certificates(self, anchor: TrustAnchor) -> None:
        """Let IAM Roles Anywhere return sessions for certificates of this trust anchor, until reset()."""
        self._state.trust_anchor = anchor

    def instance_metadata(self, role: str) -> MetadataServer:
        """Return the metadata service of an instance with a role, a context manager; add its address before."""
        return MetadataServer(self._state, role)

    def pod_identity_agent(self, role: str, provider: Provider) -> MetadataServer:
        """Return the EKS Pod Identity Agent, with an association of the provider's subject and a role."""
        return MetadataServer(self._state, role, provider)

    def add_image(self, repository: str, tag: str, files: Mapping[str, Path], entrypoint: Sequence[str]) -> str:
        """Add an image. files: path in the image to local file. Return the digest of its manifest."""
        return self._images.add(repository, tag, {to: path.read_bytes() for to, path in files.items()}, entrypoint)

    @property
    def calls(self) -> dict[str, int]:
        """The number of requests to the APIs by action, including denied and retried ones."""
        return dict(self._state.calls)

    @property
    def registry_requests(self) -> list[dict[str, Any]]:
        return list(self._state.registry_requests)

    @property
    def assumed(self) -> list[dict[str, Any]]:
        """The parameters of each successful AssumeRole call, by their STS names, and the claims of a checked token.

        Of IAM Roles Anywhere, the role and the serial number of the certificate.
        """
        return list(self._state.assumed)

    @property
    def denied(self) -> list[str]:
        """The messages with which IAM Roles Anywhere denied a session."""
        return list(self._state.denied)

    @property
    def session_secrets(self) -> list[str]:
        """The secret keys and session tokens that IAM Roles Anywhere returned."""
        return list(self._state.session_secrets)

    @property
    def proxied(self) -> list[str]:
        """The targets (C(host:port)) that clients requested from the proxy."""
        return self._proxy.targets

    @property
    def tokens(self) -> list[str]:
        """The issued passwords, newest last."""
        return self._state.tokens
