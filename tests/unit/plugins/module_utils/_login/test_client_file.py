# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS, Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPlan, Step

REGISTRY = "public.ecr.aws"
LOGIN = Login("AWS", "new")

# What docker, podman, jq, Python and hands write, with a login for another registry and keys that no client knows.
FORMS = {
    "tabs": '{\n\t"auths": {\n\t\t"a.example": {\n\t\t\t"auth": "dTpw"\n\t\t}\n\t},\n\t"ü": "<é>"\n}',
    "two spaces": '{\n  "ü": "<é>",\n  "auths": {\n    "a.example": {\n      "auth": "dTpw"\n    }\n  }\n}\n',
    "one line": '{"ü":1,"auths":{"a.example":{"auth":"dTpw"}},"z":[1,2]}',
    "mixed": ' { "auths":{"a.example" :{"auth": "dTpw"}}, "z": [1, 2]}\r\n',
    "a large number": '{"auths": {"a.example": {"auth": "dTpw"}}, "z": 1e999, "y": 1.50}',
    "escapes": '{"auths": {"a.example": {"auth": "\\u0064Tpw"}}, "z": "\\ud800"}',
    "twice": '{"auths": {"a.example": {"auth": "dTpw"}}, "z": 1, "auths": {}}',
    "a repeated member": '{"z": 1, "auths": {"a.example": {"auth": "dTpw"}}, "z": 2}',
}


def plan(action: str, store: str = "", registry: str = REGISTRY) -> LoginPlan:
    return LoginPlan((Step(registry, action, "", store, None if action == "removed" else LOGIN),))


def config(text: bytes | str | dict[str, object], client: str = "docker") -> ClientConfig:
    text = json.dumps(text) if isinstance(text, dict) else text
    return ClientConfig(text.encode() if isinstance(text, str) else text, CLIENTS[client])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_managed_keeps_every_byte(form: str) -> None:
    before = FORMS[form].encode()
    written = config(before).changed(plan("created"))
    assert config(written).auths == {"a.example": {"auth": "dTpw"}, REGISTRY: {"auth": LOGIN.auth}}
    assert config(written).changed(plan("removed")) == before


def test_bytes_that_are_not_utf_8_are_kept() -> None:
    before = b'{"HttpHeaders": {"X": "\xe9"}, "auths": {}}'
    written = config(before).changed(plan("created"))
    assert b'"X": "\xe9"' in written
    assert config(written).changed(plan("removed")) == before


@pytest.mark.parametrize("text", ['{"auths":null}', "null", '{"auths":{"public.ecr.aws":null}}', '{"credsStore":null}'])
@pytest.mark.parametrize("client", CLIENTS)
def test_null_is_the_same_as_nothing(text: str, client: str) -> None:
    assert not any(config(text, client).auths.values())
    written = config(config(text, client).changed(plan("created")), client)
    assert written.login(REGISTRY) == LOGIN
    assert written.store(REGISTRY) == ""


def test_a_plan_without_a_change_changes_no_byte() -> None:
    odd = b' {"auths" : { } , "x":1.50}\r\n'
    assert config(odd).changed(plan("removed")) == odd
    assert config(odd).changed(plan("unchanged")) == odd
    own = json.dumps({"auths": {REGISTRY: {"auth": LOGIN.auth, "x": 1}}}, indent=3).encode()
    assert config(own).changed(plan("renewed")) == own


@pytest.mark.parametrize("text", [b"", b" \n"])
def test_an_empty_file_is_a_file_without_logins(text: bytes) -> None:
    assert config(text).changed(plan("created")).startswith(b'{\n\t"auths"')
    assert config(text).changed(plan("removed")) == text


BAD = {
    "{": "not JSON",
    "[]": "not a JSON object",
    "\ufeff{}": "BOM",
    '{"auths": 1}': "`auths`",
    '{"auths": {"a": 1}}': 'entry for "a" is not an object',
    '{"auths": {"a": {"Auth": 1}}}': 'entry for "a" has `auth`, which is not a string',
    '{"auths": {"a": {}}, "Auths": null}': "`auths` more than once, and the last one is null",
    '{"credsStore": 1}': "`credsStore`",
    '{"credHelpers": []}': "`credHelpers`",
    '{"credHelpers": {"a": 1}}': "`credHelpers`",
}


@pytest.mark.parametrize("text", BAD)
def test_an_invalid_file_is_rejected(text: str) -> None:
    with pytest.raises(DockerConfigError, match=BAD[text]):
        config(text)


def test_helm_reads_only_the_entry_that_it_needs() -> None:
    read = config('{"auths": {"a.example": 1, "public.ecr.aws": {"auth": 1}}}', "helm")
    assert read.login(REGISTRY) is None
    written = read.changed(plan("renewed"))
    assert json.loads(written)["auths"] == {"a.example": 1, REGISTRY: {"auth": LOGIN.auth}}


HELPERS: dict[str, object] = {"credsStore": "pass", "credHelpers": {"a.example": "other", "b.example": ""}}
# Client, registry, the helper that keeps its login.
STORES = [
    ("docker", "a.example", "other"),
    ("docker", "b.example", ""),
    ("docker", REGISTRY, "pass"),
    ("helm", REGISTRY, "pass"),
    ("helm", "b.example", "pass"),
    ("podman", REGISTRY, ""),
    ("podman", "a.example", "other"),
]


@pytest.mark.parametrize(("client", "registry", "helper"), STORES)
def test_where_a_login_is_stored(client: str, registry: str, helper: str) -> None:
    assert config(HELPERS, client).store(registry) == helper


# A text, and the helper of docker and of helm.
CASES = {
    '{"credSstore": "pass"}': ("pass", ""),
    '{"credstore": "pass"}': ("", ""),
    '{"CREDSSTORE": "pass"}': ("pass", ""),
    '{"cred\u017f\u017ftore": "pass"}': ("pass", ""),
    '{"cred\ufb06ore": "pass"}': ("", ""),
    '{"cred\u017fStore": "pass"}': ("pass", ""),
    '{"CredHelpers": {"public.ecr.aws": "pass"}}': ("pass", ""),
    '{"credsStore": "pass", "credsStore": null}': ("pass", ""),
    '{"credsStore": "a", "CredsStore": "b"}': ("b", "a"),
}


@pytest.mark.parametrize("text", CASES)
def test_docker_reads_names_without_regard_to_case_and_helm_does_not(text: str) -> None:
    assert (config(text).store(REGISTRY), config(text, "helm").store(REGISTRY)) == CASES[text]


def test_a_login_is_written_where_the_client_reads_it() -> None:
    before = '{"Auths": {"a.example": {"auth": "dTpw"}}}'
    assert list(json.loads(config(before).changed(plan("created")))) == ["Auths"]
    assert list(json.loads(config(before, "helm").changed(plan("created")))) == ["Auths", "auths"]


@pytest.mark.parametrize(("client", "left"), [("docker", {}), ("podman", None), ("helm", None)])
def test_a_login_in_a_helper_is_not_in_the_file(client: str, left: object) -> None:
    before = config({"auths": {REGISTRY: {"auth": "old"}}}, client)
    written = json.loads(before.changed(plan("renewed", "pass")))
    assert written["auths"].get(REGISTRY) == left


def test_a_login_replaces_other_keys_of_the_whole_registry_only() -> None:
    keys = ["https://public.ecr.aws/v2/", "public.ecr.aws:443", "public.ecr.aws/team", "a.example"]
    written = config({"auths": {key: {"auth": "dTpw"} for key in keys}}).changed(plan("renewed"))
    assert sorted(json.loads(written)["auths"]) == ["a.example", "public.ecr.aws", "public.ecr.aws/team"]


def test_a_logout_removes_every_entry_that_the_client_uses() -> None:
    keys = [REGISTRY, "https://public.ecr.aws/z9/", "public.ecr.aws:443", "public.ecr.aws/team", "a.example"]
    before = config({"auths": {key: {"auth": "dTpw"} for key in keys}})
    assert list(json.loads(before.changed(plan("removed")))["auths"]) == ["a.example"]


@pytest.mark.parametrize(
    ("text", "empty"), [("", True), ("{}", True), ('{"auths":{}}', True), ('{"auths":null}', True), ('{"x":1}', False)]
)
def test_whether_a_file_is_empty(text: str, empty: bool) -> None:
    assert config(text).empty is empty
