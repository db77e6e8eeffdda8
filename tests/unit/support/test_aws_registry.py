# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake registry: the challenge, expired credentials, and images that a real client can pull."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.aws import FakeAws
from support.aws.client import FakeClient

EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["errors"][0]["message"])


class Client:
    """One keep-alive connection, as container runtimes use it."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def send(self, method: str, path: str, authorization: str | None = None) -> Reply:
        headers = {"Authorization": authorization} if authorization else {}
        self._connection.request(method, path, headers=headers)
        response = self._connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def bearer(self, password: str | None = None) -> str:
        response = self.send("GET", "/token/?service=public.ecr.aws", basic(password) if password else None)
        assert response.status == 200, response.body
        return "Bearer " + json.loads(response.body)["token"]

    def close(self) -> None:
        self._connection.close()


def basic(password: str, username: str = "AWS") -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.fixture
def client(fake: FakeAws) -> Iterator[Client]:
    client = Client(fake.registry_url)
    yield client
    client.close()


def test_the_challenge(fake: FakeAws, client: Client) -> None:
    response = client.send("GET", "/v2/")
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == f'Bearer realm="{fake.registry_url}/token/",service="public.ecr.aws"'
    response = client.send("HEAD", "/v2/team/app/manifests/1")
    assert response.headers["WWW-Authenticate"].endswith(',scope="repository:team/app:pull"')
    assert response.body == b""


@pytest.mark.usefixtures("clean_environment")
def test_the_realm_has_the_public_name() -> None:
    with FakeAws(public_registry_url="http://10.0.0.1:5000/") as fake:
        client = Client(fake.registry_url)
        challenge = client.send("GET", "/v2/").headers["WWW-Authenticate"]
        client.close()
    assert re.findall(r'realm="([^"]+)"', challenge) == ["http://10.0.0.1:5000/token/"]


def test_anonymous_and_valid(fake: FakeAws, client: Client) -> None:
    assert client.send("GET", "/v2/", client.bearer()).status == 200
    assert client.send("GET", "/v2/", client.bearer(fake.issue()["password"])).status == 200
    assert [(r["path"], r["authenticated"], r["status"]) for r in fake.registry_requests] == [
        ("/token/", False, 200),
        ("/v2/", False, 200),
        ("/token/", True, 200),
        ("/v2/", True, 200),
    ]


def test_an_expired_password_gets_403_without_a_challenge(fake: FakeAws, client: Client) -> None:
    password = fake.issue()["password"]
    bearer = client.bearer(password)
    fake.expire(password)
    response = client.send("GET", "/token/", basic(password))
    assert (response.status, response.message) == (403, EXPIRED)
    assert "WWW-Authenticate" not in response.headers
    response = client.send("GET", "/v2/", bearer)
    assert (response.status, json.loads(response.body)["errors"][0]["code"]) == (400, "DENIED")


def test_a_token_expires_by_itself(fake: FakeAws, client: Client) -> None:
    assert client.send("GET", "/token/", basic(fake.issue(life=-1)["password"])).status == 403


BOGUS = {
    "unknown password": basic("nonsense"),
    "not base64": "Basic !!!",
    "another scheme": "Digest x",
}


@pytest.mark.parametrize("authorization", BOGUS.values(), ids=BOGUS.keys())
def test_invalid_credentials(client: Client, authorization: str) -> None:
    assert client.send("GET", "/token/", authorization).status == 403


def test_only_the_user_aws(fake: FakeAws, client: Client) -> None:
    assert client.send("GET", "/token/", basic(fake.issue()["password"], "admin")).status == 403


def test_a_post_to_the_realm_is_rejected(fake: FakeAws, client: Client) -> None:
    assert client.send("POST", "/token/", basic(fake.issue()["password"])).status == 405


def test_an_unknown_bearer_is_challenged(client: Client) -> None:
    assert client.send("GET", "/v2/", "Bearer nonsense").status == 401


@pytest.mark.parametrize("remote", [False, True], ids=["in process", "over HTTP"])
def test_an_image_is_complete(fake: FakeAws, client: Client, tmp_path: Path, remote: bool) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF not really")
    where: FakeAws | FakeClient = FakeClient(fake.endpoint_url) if remote else fake
    digest = where.add_image("team/app", "1.0", {"/usr/bin/pause": program}, ["/usr/bin/pause"])
    bearer = client.bearer(fake.issue()["password"])

    head = client.send("HEAD", "/v2/team/app/manifests/1.0", bearer)
    assert (head.status, head.headers["Docker-Content-Digest"], head.body) == (200, digest, b"")
    response = client.send("GET", f"/v2/team/app/manifests/{digest}", bearer)
    assert response.headers["Content-Type"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert head.headers["Content-Length"] == str(len(response.body))
    assert "sha256:" + hashlib.sha256(response.body).hexdigest() == digest

    manifest = json.loads(response.body)
    blobs = {}
    for entry in (manifest["config"], *manifest["layers"]):
        blob = client.send("GET", f"/v2/team/app/blobs/{entry['digest']}", bearer).body
        assert (len(blob), "sha256:" + hashlib.sha256(blob).hexdigest()) == (entry["size"], entry["digest"])
        blobs[entry["mediaType"].rpartition(".")[2]] = blob
    config = json.loads(blobs["v1+json"])
    unpacked = gzip.decompress(blobs["gzip"])
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(unpacked).hexdigest()]
    assert config["config"]["Entrypoint"] == ["/usr/bin/pause"]
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as tar:
        assert tar.getnames() == ["usr", "usr/bin", "usr/bin/pause"]
        member = tar.extractfile("usr/bin/pause")
        assert member is not None
        assert member.read() == program.read_bytes()


def test_missing_content(client: Client) -> None:
    bearer = client.bearer()
    assert client.send("GET", "/v2/team/app/manifests/none", bearer).status == 404
    assert client.send("GET", "/v2/team/app/blobs/sha256:0", bearer).status == 404
    assert client.send("GET", "/v2/elsewhere", bearer).status == 404
