# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries a token on a registry, as clients use it; what they call a login proves nothing. Private to this collection.

The flow: https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import http.client
import json
import re
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils import urls

from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

TIMEOUT = 10  # seconds, for each of the three requests
MAX_ANSWER = 65536  # bytes
MAX_QUOTE = 200  # characters
_REFUSALS = (401, 403)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(Exception):
    """The token is not known to be good. The message never holds it."""


class RefusedError(RegistryError):
    """The registry was asked and says no."""


class NoAnswerError(RegistryError):
    """The registry could not be asked, or said nothing about the token. That need not be the token's fault."""


class _Answer(t.NamedTuple):
    status: int
    challenge: str
    body: bytes

    @property
    def json(self) -> dict[str, t.Any]:
        """Empty where the body is not a JSON object."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def error(self) -> dict[str, t.Any]:
        """The first of the errors in it, as the registry's API gives them; empty where there is none."""
        errors = self.json.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        return first if isinstance(first, dict) else {}

    @property
    def refuses(self) -> bool:
        # ECR Public answers 400 to a bearer whose token has ended.
        return self.status in _REFUSALS or self.error.get("code") == "DENIED"


def try_token(registry: str, token: Token, *, validate_certs: bool = True, ca_file: str | None = None) -> None:
    """Ask the registry's host for a bearer with the token, and use it. Raises RefusedError or NoAnswerError.

    Proxies are taken from the environment. ca_file: authorities to trust in place of the system's.
    """

    def get(url: str, authorization: str | None = None) -> _Answer:
        try:
            return _get(url, authorization, validate_certs, ca_file)
        except (OSError, http.client.HTTPException, urls.ConnectionError, ValueError) as exc:
            raise NoAnswerError(f"No answer from {_host(url)}: {getattr(exc, 'reason', exc)}.") from None

    base = f"https://{registry}/v2/"
    answer = get(base)
    if answer.status != 401:
        raise NoAnswerError(f"{registry} does not ask for credentials: it answers {answer.status} to {base}.")
    answer = get(_realm(registry, answer.challenge), f"Basic {token.entry['auth']}")
    _judge(registry, answer, token)
    bearer = answer.json.get("token") or answer.json.get("access_token")
    if not isinstance(bearer, str) or not bearer:
        raise NoAnswerError(f"{registry} gave no bearer token for the token, nor an error.")
    _judge(registry, get(base, f"Bearer {bearer}"), token)


def _get(url: str, authorization: str | None, validate_certs: bool, ca_file: str | None) -> _Answer:
    """One request. Redirects are not followed: they would take the credentials along."""
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
        return _Answer(response.code, response.headers.get("WWW-Authenticate", ""), response.read(MAX_ANSWER))


def _realm(registry: str, challenge: str) -> str:
    """The URL that gives bearers. Raises NoAnswerError."""
    scheme, _space, rest = challenge.partition(" ")
    parameters = dict(_PARAMETER.findall(rest))
    realm = parameters.get("realm", "")
    if scheme.lower() != "bearer" or not realm.startswith("https://"):
        raise NoAnswerError(f"{registry} asks for no bearer token over https, as ECR Public does.")
    query = urllib.parse.urlencode({key: parameters[key] for key in ("service", "scope") if key in parameters})
    return f"{realm}{'&' if '?' in realm else '?'}{query}"


def _judge(registry: str, answer: _Answer, token: Token) -> None:
    """Raises RefusedError or NoAnswerError unless the answer is a good one."""
    if answer.refuses:
        said = str(answer.error.get("message", "")).strip().rstrip(".")
        for secret in (token.password, token.entry["auth"]):
            said = said.replace(secret, "********")
        quote = f": {said[:MAX_QUOTE]}" if said else ""
        raise RefusedError(f"{registry} refuses the token (HTTP {answer.status}){quote}.")
    if answer.status != 200:
        raise NoAnswerError(f"{registry} answers {answer.status} to a request with the token.")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
