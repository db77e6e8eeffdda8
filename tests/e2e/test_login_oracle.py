# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins that this collection reads and writes are those that the clients' own code reads."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _json_text
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS, Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPlan, Step
from support.client_oracle import ERROR, HELPERS, NONE, REGISTRY, read_by_clients, read_by_module

FILES = 6000
LOGIN = Login("AWS", "new")


class Generator:
    """Generate files that differ from what clients write, as people and other tools write them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def file(self) -> bytes:
        members = [self.member() for _member in range(self.random.randrange(6))]
        text = self.object(members)
        if self.random.random() < 0.02:
            text = self.pick([text[:-1], "null", "[]", "", " \n", "\ufeff" + text, text.replace(":", "=", 1)])
        data = text.encode(errors="surrogatepass")
        return data.replace(b"\xed\xb3\xbf", b"\xff")

    def member(self) -> tuple[str, str]:
        kind = self.random.random()
        if kind < 0.65:
            name = self.name("auths")
            return name, self.rarely("null", 0.03) or self.rarely("[]", 0.01) or self.auths()
        if kind < 0.75:
            return self.name("credsStore"), self.pick(["null", '""', '"one"', '"two"', '"one"', "1"], rare=1)
        if kind < 0.85:
            return self.name("credHelpers"), self.rarely("null", 0.1) or self.helpers()
        return self.pick(["x", "auth", "HttpHeader", "\ufb06"]), self.pick(
            ["1e999", "null", '{"a":[1,2]}', '"\\ud800"']
        )

    def auths(self) -> str:
        count = self.random.choice([0, 1, 1, 2, 3])
        return self.object([(self.key(), self.entry()) for _entry in range(count)])

    def helpers(self) -> str:
        values = ['"one"', '"two"', '""', "null", "1"]
        return self.object([(self.key(), self.pick(values, rare=1)) for _helper in range(self.random.randrange(3))])

    def entry(self) -> str:
        if self.random.random() < 0.04:
            return self.pick(["null", "1", "[]"])
        count = self.random.choice([0, 1, 1, 1, 2, 3])
        return self.object([self.field() for _field in range(count)])

    def field(self) -> tuple[str, str]:
        name = self.random.choice(["auth"] * 6 + ["username", "password", "identitytoken", "registrytoken", "email"])
        if self.random.random() < 0.02:
            return self.name(name), self.pick(["1", "null", "{}"])
        if name == "auth":
            texts = [b"AWS:a", b"AWS:b:c", b"u:p\0", b"u:\xff", b"u:", b":p", b"up", b""]
            value = base64.b64encode(self.random.choice(texts[:2] * 20 + texts)).decode()
            value = self.pick([value] * 40 + [value[:-1], value + "\\n", "%", value.rstrip("=")])
            return self.name(name), f'"{value}"'
        return self.name(name), self.pick(['"a"', '"b"', '""', '"\\udcff"', '"\udcff"'])

    def key(self) -> str:
        if self.random.random() < 0.35:
            return REGISTRY
        scheme = self.pick(["", "", "", "https://", "http://", "tcp://", "1x://", "://", "HTTPS://"])
        host = self.pick(
            [REGISTRY] * 4 + ["other.example", f"u@{REGISTRY}", f"{REGISTRY}:443", f"{REGISTRY}:", "[::1]"]
        )
        path = self.pick(
            ["", "", "", "/", "/team", "/team/app", "/team/app/", "/v1/", "/z9/", "?x", "#y", "/%zz", "#%z"]
        )
        return scheme + host + path

    def name(self, name: str) -> str:
        if self.random.random() < 0.8:
            return name
        return self.pick(
            [name.upper(), name.title(), name.replace("s", "\u017f"), name.replace("k", "\u212a"), name + "s"]
        )

    def object(self, members: Sequence[tuple[str, str]]) -> str:
        space = self.random.choice(["", "", " ", "\n\t"])
        inner = ",".join(f"{space}{self.quoted(name)}{space}:{space}{value}{space}" for name, value in members)
        return "{" + inner + "}"

    def quoted(self, name: str) -> str:
        return json.dumps(name, ensure_ascii=self.random.random() < 0.5)

    def rarely(self, text: str, probability: float) -> str:
        return text if self.random.random() < probability else ""

    def pick(self, values: Sequence[str], rare: int = 0) -> str:
        """Pick a value, seldom one of the last `rare`."""
        common = values[: len(values) - rare]
        return self.random.choice(values if self.random.random() < 0.05 else common)


@pytest.fixture(scope="module")
def texts() -> list[bytes]:
    return [Generator(seed).file() for seed in range(FILES)]


def differs_on_purpose(text: bytes, client: str) -> bool:
    """Whether the file is empty, which podman rejects, or cannot be changed safely, although the client can read it."""
    try:
        ClientConfig(text, CLIENTS[client])
    except DockerConfigError as exc:
        return "more than once, and the last one is null" in str(exc)
    return not text.strip()


def test_the_module_reads_what_the_clients_read(texts: list[bytes]) -> None:
    answers = read_by_clients(texts)
    counts: Counter[str] = Counter()
    different = []
    for text, answer in zip(texts, answers, strict=True):
        for client, found in answer.items():
            own = read_by_module(text, client)
            counts[f"{client} {found if found in (ERROR, NONE, *HELPERS) else 'login'}"] += 1
            if found not in own and not differs_on_purpose(text, client):
                different.append((client, text, found, own))
    print(f"{len(texts)} files, {len(different)} differences, {dict(sorted(counts.items()))}")
    assert not different, different[:5]


def written(texts: list[bytes], client: str, login: Login | None) -> list[tuple[bytes, bytes]]:
    """Return texts before and after a login or logout, without files that are rejected, and logins in a helper."""
    found = []
    for text in texts:
        try:
            config = ClientConfig(text, CLIENTS[client])
            if login:
                config.check((REGISTRY,))
            if config.store(REGISTRY) or (login and config.preferred(REGISTRY)):
                continue
        except DockerConfigError:
            continue
        action = "renewed" if login else "removed"
        found.append((text, config.changed(LoginPlan((Step(REGISTRY, action, "", "", login),)))))
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_reads_the_login_that_the_module_writes(texts: list[bytes], client: str) -> None:
    pairs = written(texts, client, LOGIN)
    answers = read_by_clients([after for _before, after in pairs])
    wrong = [pair for pair, answer in zip(pairs, answers, strict=True) if answer[client] != own_login()]
    print(f"{client}: {len(pairs)} files with a login, {len(wrong)} differences")
    assert len(pairs) > FILES / 3
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_reads_no_login_after_a_logout(texts: list[bytes], client: str) -> None:
    """A file that the client could not read before, because of other entries, stays as it is."""
    pairs = written(texts, client, None)
    before, after = (read_by_clients([pair[place] for pair in pairs]) for place in (0, 1))
    rows = zip(pairs, before, after, strict=True)
    wrong = [
        (pair, one[client], two[client])
        for pair, one, two in rows
        if two[client] != NONE and not (one[client] == two[client] == ERROR)
    ]
    print(f"{client}: {len(pairs)} files after a logout, {len(wrong)} differences")
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_logout_restores_the_file_from_before_the_login(texts: list[bytes], client: str) -> None:
    """A logout restores every byte of a file that had one `auths` without the registry."""
    restored = 0
    for before, after in written(texts, client, LOGIN):
        config = ClientConfig(before, CLIENTS[client])
        if config.keys(REGISTRY) or len(config._values("auths")) != 1 or before.lower().count(b"auths") > 1:
            continue
        if config._values("auths") == [None]:
            continue
        logout = LoginPlan((Step(REGISTRY, "removed", ""),))
        restored += 1
        assert after != before
        assert ClientConfig(after, CLIENTS[client]).changed(logout) == before
    print(f"{client}: {restored} files restored")
    assert restored > FILES / 20


def others(text: bytes, client: str, changed: set[str]) -> list[str]:
    """Return the text of every member of the file and of `auths`, without the entries with these keys."""
    decoded = text.decode(errors="surrogateescape")
    if not decoded.strip() or decoded.strip() == "null":
        return []
    config = ClientConfig(text, CLIENTS[client])
    found = []
    for member in _json_text._members(decoded, decoded.index("{")):
        value = decoded[member.value : member.end]
        if not config.is_field(member.key, "auths"):
            found.append(decoded[member.start : member.end])
        elif value.startswith("{"):
            entries = _json_text._members(value, 0)
            found += [value[entry.start : entry.end] for entry in entries if entry.key not in changed]
    return found


@pytest.mark.parametrize("login", [LOGIN, None], ids=["login", "logout"])
@pytest.mark.parametrize("client", CLIENTS)
def test_no_byte_of_anything_else_changes(texts: list[bytes], client: str, login: Login | None) -> None:
    pairs = written(texts, client, login)
    for before, after in pairs:
        changed = {REGISTRY, *ClientConfig(before, CLIENTS[client]).keys(REGISTRY)}
        assert others(before, client, changed) == others(after, client, changed)
    print(f"{client}: {len(pairs)} files, no other byte changed")


def own_login() -> str:
    return base64.b64decode(LOGIN.auth).hex()
