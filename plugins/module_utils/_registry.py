# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try a token or another login on a registry, with the requests of a pull. Private to this collection.

The login commands of clients do not prove that a token is valid. Protocol:
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import http.client
import json
import re
import typing as t
import urllib.error
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import encode_auth
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked

TIMEOUT = 10  # seconds, for each of the three requests
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
"""The media types that a client accepts for an image."""
MAX_RESPONSE = 65536  # bytes
MAX_QUOTE = 200  # characters
_REJECTED = (401, 403)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Credential(t.Protocol):
    """A token, or another login."""

    @property
    def username(self) -> str: ...

    @property
    def password(self) -> str: ...


class RegistryError(Exception):
    """The token could not be verified. The message never holds it."""


class RejectedError(RegistryError):
    """The registry rejected the token."""


class UnverifiedError(RegistryError):
    """The registry did not respond, or its response states nothing about the token. The token can be valid."""


class NoResponseError(UnverifiedError):
    """The registry did not respond."""


class ThrottledError(UnverifiedError):
    """The registry limits the rate of requests (HTTP 429)."""


class MissingImageError(RegistryError):
    """The registry accepted the credential, and has no such image."""


class _Response(t.NamedTuple):
    status: int
    challenge: str
    body: bytes

    @property
    def json(self) -> dict[str, t.Any]:
        """The body; empty if it is not a JSON object."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def error(self) -> dict[str, t.Any]:
        """The first error of the body, in the format of the registry API; empty if there is none."""
        errors = self.json.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        return first if isinstance(first, dict) else {}

    @property
    def rejects(self) -> bool:
        # ECR Public returns 400 for a bearer token whose authorization token has expired.
        return self.status in _REJECTED or self.error.get("code") == "DENIED"


def try_token(registry: str, token: Credential, *, validate_certs: bool = True, ca_file: str | None = None) -> None:
    """Request a bearer token with the token, and use it. Raises RejectedError or UnverifiedError.

    Proxies are read from the environment. ca_file: certificate authorities to trust in place of the system's.
    """
    _Visit(registry, token, "the token", validate_certs=validate_certs, ca_file=ca_file).request("/v2/")


def try_pull(registry: str, path: str, reference: str, credential: Credential | None) -> None:
    """Request the head of an image's manifest, as the first requests of a pull do.

    path: of the repository, without its registry. reference: tag or digest. credential: None for an anonymous pull.
    Raises RejectedError, MissingImageError or UnverifiedError. Proxies are read from the environment.
    """
    words = "the credential" if credential else "a pull without credentials"
    _Visit(registry, credential, words, method="HEAD").request(f"/v2/{path}/manifests/{reference}")


class _Visit:
    """Three requests: one without credentials, one for a bearer token, and the first one again with it."""

    def __init__(
        self,
        registry: str,
        credential: Credential | None,
        words: str,
        *,
        method: str = "GET",
        validate_certs: bool = True,
        ca_file: str | None = None,
    ) -> None:
        """words: what is tried, for messages."""
        self._registry = registry
        self._credential = credential
        self._words = words
        self._method = method
        self._validate_certs = validate_certs
        self._ca_file = ca_file

    def request(self, path: str) -> None:
        """Raise a RegistryError unless the registry accepts the credential and has what it is asked for."""
        url = f"https://{self._registry}{path}"
        response = self._send(url, self._method)
        self._check_rate(response)
        if response.status != 401:
            raise UnverifiedError(f"{self._registry} requests no credentials: {url} returned HTTP {response.status}.")
        response = self._send(_realm(self._registry, response.challenge), "GET", self._basic())
        self._check(response)
        bearer = response.json.get("token") or response.json.get("access_token")
        if not isinstance(bearer, str) or not bearer:
            raise UnverifiedError(f"{self._registry} returned no bearer token and no error.")
        response = self._send(url, self._method, f"Bearer {bearer}")
        if response.status == 404 and self._method == "HEAD":
            raise MissingImageError(f"{self._registry} accepts {self._words}, and has no image for {path}.")
        self._check(response)

    def _basic(self) -> str | None:
        credential = self._credential
        return f"Basic {encode_auth(credential.username, credential.password)}" if credential else None

    def _send(self, url: str, method: str, authorization: str | None = None) -> _Response:
        """Send one request. Redirects are not followed, because they would pass the credentials on."""
        # Its import takes a while, and most tasks try no registry.
        from ansible.module_utils import urls

        headers = {"Authorization": authorization} if authorization else {}
        try:
            response = urls.open_url(
                url,
                method=method,
                headers={**headers, **({"Accept": MANIFESTS} if method == "HEAD" else {})},
                timeout=TIMEOUT,
                validate_certs=self._validate_certs,
                ca_path=self._ca_file,
                http_agent="freshpull.ecr_public",
                follow_redirects="none",
                use_netrc=False,
            )
        except urllib.error.HTTPError as exc:
            response = exc
        except (OSError, http.client.HTTPException, urls.ConnectionError, ValueError) as exc:
            raise NoResponseError(f"No response from {_host(url)}: {getattr(exc, 'reason', exc)}.") from None
        try:
            with response:
                challenge = response.headers.get("WWW-Authenticate", "")
                return _Response(response.code, challenge, response.read(MAX_RESPONSE))
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise NoResponseError(f"No response from {_host(url)}: {exc}.") from None

    def _check(self, response: _Response) -> None:
        if response.rejects:
            message = str(response.error.get("message", "")).strip().rstrip(".")
            credential = self._credential
            if credential:
                known = (credential.password, encode_auth(credential.username, credential.password))
                message = masked(message, known)
            quote = f": {message[:MAX_QUOTE]}" if message else ""
            raise RejectedError(f"{self._registry} rejected {self._words} (HTTP {response.status}){quote}.")
        self._check_rate(response)
        if response.status != 200:
            raise UnverifiedError(f"{self._registry} returned HTTP {response.status} for a request with {self._words}.")

    def _check_rate(self, response: _Response) -> None:
        if response.status == 429:
            raise ThrottledError(f"{self._registry} limits the rate of requests (HTTP 429).")


def _realm(registry: str, challenge: str) -> str:
    """Return the URL that issues bearer tokens. Raises UnverifiedError."""
    scheme, _space, rest = challenge.partition(" ")
    parameters = dict(_PARAMETER.findall(rest))
    realm = parameters.get("realm", "")
    if scheme.lower() != "bearer" or not realm.startswith("https://"):
        raise UnverifiedError(f"{registry} requests no bearer token over https. ECR Public does.")
    query = urllib.parse.urlencode({key: parameters[key] for key in ("service", "scope") if key in parameters})
    return f"{realm}{'&' if '?' in realm else '?'}{query}"


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
