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

from ansible.module_utils import urls

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import encode_auth
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked

TIMEOUT = 10  # seconds, for each of the three requests
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

    def get(url: str, authorization: str | None = None) -> _Response:
        try:
            return _get(url, authorization, validate_certs, ca_file)
        except (OSError, http.client.HTTPException, urls.ConnectionError, ValueError) as exc:
            raise UnverifiedError(f"No response from {_host(url)}: {getattr(exc, 'reason', exc)}.") from None

    base = f"https://{registry}/v2/"
    response = get(base)
    if response.status != 401:
        raise UnverifiedError(f"{registry} requests no credentials: {base} returned HTTP {response.status}.")
    response = get(_realm(registry, response.challenge), f"Basic {encode_auth(token.username, token.password)}")
    _check(registry, response, token)
    bearer = response.json.get("token") or response.json.get("access_token")
    if not isinstance(bearer, str) or not bearer:
        raise UnverifiedError(f"{registry} returned no bearer token and no error.")
    _check(registry, get(base, f"Bearer {bearer}"), token)


def _get(url: str, authorization: str | None, validate_certs: bool, ca_file: str | None) -> _Response:
    """Send one request. Redirects are not followed, because they would pass the credentials on."""
    try:
        response = urls.open_url(
            url,
            headers={"Authorization": authorization} if authorization else None,
            timeout=TIMEOUT,
            validate_certs=validate_certs,
            ca_path=ca_file,
            http_agent="freshpull.ecr_public",
            follow_redirects="none",
            use_netrc=False,
        )
    except urllib.error.HTTPError as exc:
        response = exc
    with response:
        return _Response(response.code, response.headers.get("WWW-Authenticate", ""), response.read(MAX_RESPONSE))


def _realm(registry: str, challenge: str) -> str:
    """Return the URL that issues bearer tokens. Raises UnverifiedError."""
    scheme, _space, rest = challenge.partition(" ")
    parameters = dict(_PARAMETER.findall(rest))
    realm = parameters.get("realm", "")
    if scheme.lower() != "bearer" or not realm.startswith("https://"):
        raise UnverifiedError(f"{registry} requests no bearer token over https. ECR Public does.")
    query = urllib.parse.urlencode({key: parameters[key] for key in ("service", "scope") if key in parameters})
    return f"{realm}{'&' if '?' in realm else '?'}{query}"


def _check(registry: str, response: _Response, token: Credential) -> None:
    """Raise RejectedError or UnverifiedError unless the registry accepts the token."""
    if response.rejects:
        message = str(response.error.get("message", "")).strip().rstrip(".")
        message = masked(message, (token.password, encode_auth(token.username, token.password)))
        quote = f": {message[:MAX_QUOTE]}" if message else ""
        raise RejectedError(f"{registry} rejected the token (HTTP {response.status}){quote}.")
    if response.status != 200:
        raise UnverifiedError(f"{registry} returned HTTP {response.status} for a request with the token.")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
