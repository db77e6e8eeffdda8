# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import json

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig, RecordFile
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    ExpiryRecord,
    Login,
    LoginPlan,
    Step,
)

REGISTRY = "public.ecr.aws"
EXPIRY = dt.datetime(2026, 1, 1, 18, tzinfo=dt.timezone.utc)
LOGIN = Login("AWS", "new")
RECORD = ExpiryRecord(EXPIRY, EXPIRY - dt.timedelta(hours=12), LOGIN.fingerprint)

# What docker, podman, jq, Python and hands write, with a login for another registry and keys that no client knows.
FORMS = {
    "tabs": '{\n\t"auths": {\n\t\t"a.example": {\n\t\t\t"auth": "dTpw"\n\t\t}\n\t},\n\t"ü": "<é>"\n}',
    "two spaces": '{\n  "ü": "<é>",\n  "auths": {\n    "a.example": {\n      "auth": "dTpw"\n    }\n  }\n}\n',
    "four spaces": '{\n    "auths": {\n        "a.example": {\n            "auth": "dTpw"\n        }\n    }\n}\n\n',
    "one line": '{"ü":1,"auths":{"a.example":{"auth":"dTpw"}},"z":[1,2]}',
    "one line with spaces": '{"auths": {"a.example": {"auth": "dTpw"}}, "z": [1, 2]}\n',
}


def plan(action: str, store: str = "", registry: str = REGISTRY) -> LoginPlan:
    removed = action == "removed"
    return LoginPlan((Step(registry, action, "", store, None if removed else LOGIN, None if removed else RECORD),))


@pytest.mark.parametrize("form", FORMS)
def test_unmanaged_parts_keep_their_content_order_and_format(form: str) -> None:
    before = FORMS[form].encode()
    written = ClientConfig(before).changed(plan("created"), "docker")
    assert json.loads(written)["auths"] == {"a.example": {"auth": "dTpw"}, REGISTRY: {"auth": LOGIN.auth}}
    assert ClientConfig(written).changed(plan("removed"), "docker") == before


def test_a_plan_without_a_change_changes_no_byte() -> None:
    odd = b' {"auths" : { } , "x":1.50}\r\n'
    assert ClientConfig(odd).changed(plan("removed"), "docker") == odd
    assert ClientConfig(odd).changed(plan("unchanged"), "docker") == odd


@pytest.mark.parametrize("text", [b"", b" \n"])
def test_an_empty_file_is_a_file_without_logins(text: bytes) -> None:
    written = ClientConfig(text).changed(plan("created"), "docker")
    assert written.startswith(b'{\n\t"auths"')


BAD = {
    b"{": "not JSON",
    b"[]": "not a JSON object",
    b'{"auths": 1}': "`auths`",
    b'{"credsStore": 1}': "`credsStore`",
    b'{"credHelpers": []}': "`credHelpers`",
    b'{"credHelpers": {"a": 1}}': "`credHelpers`",
}


@pytest.mark.parametrize("text", BAD)
def test_an_invalid_file_is_rejected(text: bytes) -> None:
    with pytest.raises(DockerConfigError, match=BAD[text]):
        ClientConfig(text)


HELPERS = {"credsStore": "pass", "credHelpers": {"a.example": "other", "b.example": ""}}
# Client, registry, the helper that keeps its login.
STORES = [
    ("docker", "a.example", "other"),
    ("docker", "b.example", ""),
    ("docker", REGISTRY, "pass"),
    ("helm", REGISTRY, "pass"),
    ("podman", REGISTRY, ""),
    ("podman", "a.example", "other"),
]


@pytest.mark.parametrize(("client", "registry", "helper"), STORES)
def test_where_a_login_is_stored(client: str, registry: str, helper: str) -> None:
    assert ClientConfig(json.dumps(HELPERS).encode()).store(registry, client) == helper


@pytest.mark.parametrize(("client", "left"), [("docker", {}), ("podman", None), ("helm", None)])
def test_a_login_in_a_helper_is_not_in_the_file(client: str, left: object) -> None:
    before = json.dumps({"auths": {REGISTRY: {"auth": "old"}}}).encode()
    written = json.loads(ClientConfig(before).changed(plan("renewed", "pass"), client))
    assert written["auths"].get(REGISTRY) == left


ALIASES = [
    REGISTRY,
    "https://public.ecr.aws",
    "http://public.ecr.aws/",
    "https://public.ecr.aws/v2/",
    "public.ecr.aws/v1",
]
OTHERS = [
    "public.ecr.aws/team",
    "other.public.ecr.aws",
    "public.ecr.aws:8443",
    "publicXecr.aws",
    "public.ecr.aws.example",
]


def test_a_logout_removes_every_key_that_clients_read_as_the_registry() -> None:
    before = json.dumps({"auths": {key: {"auth": "x"} for key in ALIASES + OTHERS}}).encode()
    assert sorted(ClientConfig(before).keys(REGISTRY)) == sorted(ALIASES)
    assert list(json.loads(ClientConfig(before).changed(plan("removed"), "docker"))["auths"]) == OTHERS


@pytest.mark.parametrize(("text", "empty"), [(b"", True), (b"{}", True), (b'{"auths":{}}', True), (b'{"x":1}', False)])
def test_whether_a_file_is_empty(text: bytes, empty: bool) -> None:
    assert ClientConfig(text).empty is empty


def test_expiry_records_are_read_as_they_were_written() -> None:
    one = RecordFile().changed(plan("created"), created=True)
    assert RecordFile.parse(one.dump()) == one == RecordFile(True, {REGISTRY: RECORD})
    both = one.changed(plan("created", registry="b.example"), created=False)
    assert both.created
    assert both.changed(plan("removed"), created=False).records == {"b.example": RECORD}
    assert both.changed(plan("unchanged"), created=False) == both
    assert b"new" not in one.dump().replace(b"renewed_at", b"")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"created": true, "logins": []}',
        b'{"created": true, "logins": {"a": {"expires_at": "soon"}}}',
        b'{"created": true, "logins": {"a": {"expires_at": "0001-01-01T00:00:00+01:00", "renewed_at": ""}}}',
        b'{"created": true, "logins": ' + b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_record_file_that_cannot_be_read_counts_as_empty(text: bytes) -> None:
    assert RecordFile.parse(text) == RecordFile()
