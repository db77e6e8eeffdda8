# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens tried on a registry over real TLS, and the result of each response."""

from __future__ import annotations

import dataclasses
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _registry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._registry import (
    MissingImageError,
    NoResponseError,
    RegistryError,
    RejectedError,
    ThrottledError,
    UnverifiedError,
    try_pull,
    try_token,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from support.aws import FakeAws
from support.aws._http import Background, HttpServer, Response
from support.aws.tls import server_context


@dataclasses.dataclass(frozen=True)
class Site:
    """A fake registry with TLS, and the file with its certificate authority."""

    fake: FakeAws
    authority: str

    @property
    def host(self) -> str:
        return urlsplit(self.fake.registry_url).netloc

    def token(self, **changes: Any) -> Token:
        return Token.from_mapping({**self.fake.issue(), **changes})

    def try_token(self, token: Token, **options: Any) -> None:
        try_token(self.host, token, **{"ca_file": self.authority, **options})

    @property
    def requests(self) -> list[tuple[str, int]]:
        return [(request["path"], request["status"]) for request in self.fake.registry_requests]


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    context, authority = server_context(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    with FakeAws(registry_tls=context) as fake:
        yield Site(fake, str(authority))


@pytest.fixture
def site(running_site: Site, clean_environment: None) -> Site:
    running_site.fake.reset()
    return running_site


def test_a_valid_token_needs_three_requests(site: Site) -> None:
    site.try_token(site.token())
    assert site.requests == [("/v2/", 401), ("/token/", 200), ("/v2/", 200)]
    assert site.fake.registry_requests[-1]["authenticated"]
    assert site.fake.registry_requests[1]["query"] == {"service": "public.ecr.aws"}


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"password": "bogus-password"}, r"rejected the token \(HTTP 403\): Invalid username or password\."),
    "another user": ({"username": "me"}, r"HTTP 403"),
}


@pytest.mark.parametrize(("changes", "words"), REJECTED.values(), ids=REJECTED)
def test_an_unknown_token_is_rejected(changes: dict[str, Any], words: str, site: Site) -> None:
    with pytest.raises(RejectedError, match=words):
        site.try_token(site.token(**changes))


def test_an_expired_token_is_rejected_with_the_registry_s_message(site: Site) -> None:
    token = site.token()
    site.fake.expire(token.password)
    with pytest.raises(RejectedError, match=f"{site.host} rejected the token.*has expired. Reauthenticate"):
        site.try_token(token)


def test_a_registry_that_rejects_all_tokens(site: Site) -> None:
    site.fake.behave(registry_refuses=True)
    with pytest.raises(RejectedError):
        site.try_token(site.token())


@pytest.mark.parametrize("status", [200, 403, 429, 500, 503])
def test_a_response_before_the_token_is_sent_does_not_reject_it(status: int, site: Site) -> None:
    """A 403 before the token was sent can be that of a proxy."""
    site.fake.behave(registry_status=status)
    with pytest.raises(UnverifiedError, match=str(status)):
        site.try_token(site.token())


def test_a_closed_port(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UnverifiedError, match=f"No response from {address}: .*refused"):
            try_token(address, site.token())


def test_a_registry_that_hangs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registry, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UnverifiedError, match="timed out"):
        try_token(f"127.0.0.1:{silent.getsockname()[1]}", site.token())


def test_an_untrusted_registry_never_gets_the_token(site: Site) -> None:
    with pytest.raises(UnverifiedError, match="CERTIFICATE_VERIFY_FAILED"):
        site.try_token(site.token(), ca_file=None)
    assert site.requests == []


def test_verification_can_be_disabled(site: Site) -> None:
    site.try_token(site.token(), ca_file=None, validate_certs=False)
    assert len(site.requests) == 3


def test_a_missing_authority_file(site: Site) -> None:
    with pytest.raises(UnverifiedError, match="No such file"):
        site.try_token(site.token(), ca_file="/nowhere.pem")


# --- Responses that the fake never returns


class Scripted:
    """A server that returns these responses in order. %s in a header is replaced by its own URL."""

    def __init__(self, directory: Path, *responses: Response) -> None:
        context, authority = server_context(directory, "127.0.0.1")
        self.authority = str(authority)
        self.authorizations: list[str | None] = []
        self._responses = list(responses)
        self.server = HttpServer(self._respond, host="127.0.0.1", tls=context)

    def _respond(self, request: Any) -> Response:
        self.authorizations.append(request.headers.get("Authorization"))
        response = self._responses.pop(0)
        response.headers = {name: value.replace("%s", self.server.url) for name, value in response.headers.items()}
        return response

    @property
    def host(self) -> str:
        return urlsplit(self.server.url).netloc

    def try_token(self, token: Token) -> None:
        with self.server:
            try_token(self.host, token, ca_file=self.authority)


def challenge(text: str = 'Bearer realm="%s/token",service="s",scope="aws"') -> Response:
    return Response(401, b"", {"WWW-Authenticate": text})


def denied(status: int, message: str) -> Response:
    body = f'{{"errors": [{{"code": "DENIED", "message": "{message}"}}]}}'
    return Response(status, body.encode())


BEARER = Response(200, b'{"access_token": "b"}')
TOKEN = Token.from_mapping({"password": "the-password", "expires_at": "2030-01-01T00:00:00Z"})
RESPONSES: dict[str, tuple[list[Response], type[RegistryError], str]] = {
    "an expired bearer token": ([challenge(), BEARER, denied(400, "expired")], RejectedError, r"HTTP 400\): expired\."),
    "another error of the client": ([challenge(), BEARER, Response(400)], UnverifiedError, "returned HTTP 400"),
    "no bearer": ([challenge(), Response(200, b"[]")], UnverifiedError, "no bearer"),
    "an odd bearer": ([challenge(), Response(200, b'{"token": 1}')], UnverifiedError, "no bearer"),
    "no JSON": ([challenge(), Response(200, b"<html>")], UnverifiedError, "no bearer"),
    "token service down": ([challenge(), Response(502)], UnverifiedError, "returned HTTP 502"),
    "an odd error": ([challenge(), Response(403, b'{"errors": ["x"]}')], RejectedError, r"\(HTTP 403\)\."),
    "its message holds the token": ([challenge(), denied(403, "no the-password")], RejectedError, r"403\): no \*+\."),
    "basic": ([challenge('Basic realm="%s"')], UnverifiedError, "requests no bearer token over https"),
    "clear text": ([challenge('Bearer realm="http://127.0.0.1:9/"')], UnverifiedError, "over https"),
    "no challenge": ([Response(401)], UnverifiedError, "over https"),
    "garbage": ([challenge("Bearer realm,=,x")], UnverifiedError, "over https"),
    "cut off": ([Response(drop=True)], UnverifiedError, "No response"),
    "a redirect": (
        [challenge(), Response(302, b"", {"Location": "%s/elsewhere"})],
        UnverifiedError,
        "returned HTTP 302",
    ),
}


@pytest.mark.parametrize(("responses", "error", "words"), RESPONSES.values(), ids=RESPONSES)
def test_responses(
    responses: list[Response], error: type[RegistryError], words: str, tmp_path: Path, clean_environment: None
) -> None:
    registry = Scripted(tmp_path, *(dataclasses.replace(response) for response in responses))
    with pytest.raises(error, match=words) as caught:
        registry.try_token(TOKEN)
    assert "the-password" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(registry.authorizations) == len(responses)


# --- Pulls


@pytest.fixture
def image(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of an image on the fake, whose certificate authority the system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", site.authority)
    (tmp_path / "program").write_text("x")
    site.fake.add_image("team/app", "1", {"/program": tmp_path / "program"}, ["/program"])
    return "team/app"


def test_a_pull_requests_the_head_of_the_manifest(site: Site, image: str) -> None:
    try_pull(site.host, image, "1", site.token())
    path = "/v2/team/app/manifests/1"
    assert site.requests == [(path, 401), ("/token/", 200), (path, 200)]
    assert [request["method"] for request in site.fake.registry_requests] == ["HEAD", "GET", "HEAD"]
    assert site.fake.registry_requests[1]["query"]["scope"] == "repository:team/app:pull"
    assert site.fake.registry_requests[-1]["authenticated"]


def test_a_pull_without_credentials(site: Site, image: str) -> None:
    try_pull(site.host, image, "1", None)
    assert [status for _path, status in site.requests] == [401, 200, 200]
    assert not site.fake.registry_requests[-1]["authenticated"]


def test_an_image_that_the_registry_does_not_have(site: Site, image: str) -> None:
    with pytest.raises(MissingImageError, match=r"accepts the credential, and has no image for .*/manifests/2\."):
        try_pull(site.host, image, "2", site.token())


def test_a_rejected_pull_names_the_credential_and_not_its_password(site: Site, image: str) -> None:
    with pytest.raises(RejectedError, match=r"rejected the credential \(HTTP 403\)") as caught:
        try_pull(site.host, image, "1", site.token(password="never-shown"))
    assert "never-shown" not in str(caught.value)


PULLS: dict[str, tuple[list[Response], type[RegistryError], str]] = {
    "throttled before the token": ([Response(429)], ThrottledError, "limits the rate of requests"),
    "throttled without credentials": ([challenge(), BEARER, Response(429)], ThrottledError, "HTTP 429"),
    "rejected without credentials": (
        [challenge(), BEARER, Response(403)],
        RejectedError,
        "rejected a pull without credentials",
    ),
    "no token without credentials": ([challenge(), denied(403, "no")], RejectedError, r"HTTP 403\): no\."),
    "cut off": ([challenge(), Response(drop=True)], NoResponseError, "No response"),
}


@pytest.mark.parametrize("case", PULLS)
def test_responses_to_a_pull_without_credentials(
    case: str, tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses, error, words = PULLS[case]
    registry = Scripted(tmp_path, *(dataclasses.replace(response) for response in responses))
    monkeypatch.setenv("SSL_CERT_FILE", registry.authority)
    with registry.server, pytest.raises(error, match=words):
        try_pull(registry.host, "team/app", "1", None)
    assert registry.authorizations == [None, None, "Bearer b"][: len(responses)]


# --- A proxy


class _Tunnel(socketserver.StreamRequestHandler):
    """CONNECT to the server's one target, for any requested name."""

    server: _Proxy

    def handle(self) -> None:
        self.server.requested.append(self.rfile.readline().decode().split()[1])
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(self.server.target) as far:
            back = threading.Thread(target=_pour, args=(far, self.connection))
            back.start()
            _pour(self.connection, far)
            back.join()


def _pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.target = target
        self.requested: list[str] = []


def test_the_environment_s_proxy_is_used(
    tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = server_context(tmp_path, "public.ecr.aws")
    with FakeAws(registry_tls=context, public_registry_url="https://public.ecr.aws") as fake:
        address = urlsplit(fake.registry_url)
        proxy = _Proxy((str(address.hostname), int(address.port or 0)))
        monkeypatch.setenv("HTTPS_PROXY", "http://{}:{}".format(*proxy.server_address))
        with Background(proxy):
            try_token("public.ecr.aws", Token.from_mapping(fake.issue()), ca_file=str(authority))
    assert proxy.requested == ["public.ecr.aws:443"] * 3
