# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.credential_helper import (
    CredentialHelper,
    HelperError,
)
from unit.processes import assert_process_ends

REGISTRY = "public.ecr.aws"
LOGIN = Login("AWS", "hunter2" * 30)
Make = Callable[..., CredentialHelper]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Build a helper that is a shell script."""

    def make(script: str, timeout: float = 10) -> CredentialHelper:
        program = tmp_path / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        known = {program.name: str(program)}
        return CredentialHelper("test", known.get, timeout=timeout)

    return make


def test_the_protocol(make: Make, tmp_path: Path) -> None:
    """The arguments, the input and the output of each of the three commands."""
    helper = make(f'echo "$@" >>{tmp_path}/argv; cat >{tmp_path}/"$1"; [ "$1" != get ] || cat {tmp_path}/response')
    (tmp_path / "response").write_text('{"ServerURL":"public.ecr.aws","Username":"AWS","Secret":"hunter2"}')
    assert helper.get(REGISTRY) == Login("AWS", "hunter2")
    helper.store(REGISTRY, LOGIN)
    helper.erase(REGISTRY)
    assert (tmp_path / "argv").read_text().split() == ["get", "store", "erase"]
    assert (tmp_path / "get").read_text() == (tmp_path / "erase").read_text() == REGISTRY
    stored = json.loads((tmp_path / "store").read_text())
    assert stored == {"ServerURL": REGISTRY, "Username": "AWS", "Secret": LOGIN.password}


def test_no_login_is_none(make: Make) -> None:
    """The response of the protocol, and that of docker-credential-pass 0.6."""
    assert make("""echo '{"ServerURL":"public.ecr.aws","Username":"","Secret":""}'""").get(REGISTRY) is None
    helper = make("echo credentials not found in native keychain; exit 1")
    assert helper.get(REGISTRY) is None
    helper.erase(REGISTRY)


def test_standard_error_is_no_part_of_the_response(make: Make) -> None:
    """gpg prints a warning if other users can read its home directory."""
    helper = make("""echo gpg: WARNING: unsafe permissions >&2; echo '{"Username":"AWS","Secret":"hunter2"}'""")
    assert helper.get(REGISTRY) == Login("AWS", "hunter2")


@pytest.mark.parametrize("verb", ["get", "store", "erase"])
def test_a_failure_is_reported_with_the_next_step(make: Make, verb: str) -> None:
    helper = make("echo the store is locked >&2; exit 2")
    with pytest.raises(HelperError, match=rf"{verb} failed with status 2: the store is locked. Run .* list"):
        getattr(helper, verb)(*((REGISTRY, LOGIN) if verb == "store" else (REGISTRY,)))


def test_a_helper_that_prints_its_input_is_not_quoted(make: Make) -> None:
    with pytest.raises(HelperError) as caught:
        make("cat; exit 1").store(REGISTRY, LOGIN)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("response", ["", "[]", "{}", "null", '{"Username":"AWS"}'])
def test_a_response_without_a_login(make: Make, response: str) -> None:
    with pytest.raises(HelperError, match="get did not return a login"):
        make(f"echo '{response}'").get(REGISTRY)


def test_a_helper_that_hangs_is_stopped_with_its_children(make: Make, tmp_path: Path) -> None:
    helper = make(f"sleep 300 & echo $! >{tmp_path}/child; wait", timeout=0.5)
    started = time.monotonic()
    with pytest.raises(HelperError, match=r"did not respond within 0\.5 seconds"):
        helper.get(REGISTRY)
    assert time.monotonic() - started < 10
    assert_process_ends(int((tmp_path / "child").read_text()))


def test_a_helper_that_does_not_read_its_input_is_no_error(make: Make) -> None:
    make("exit 0").store(REGISTRY, Login("AWS", "x" * 1_000_000))


@pytest.mark.parametrize("name", ["nowhere", "../../tmp/evil"])
def test_a_missing_helper_is_named(name: str) -> None:
    paths = {f"docker-credential-{'../../tmp/evil'}": "/bin/true"}
    with pytest.raises(HelperError, match=rf"docker-credential-{name}, which is not on PATH"):
        CredentialHelper(name, paths.get).get(REGISTRY)


def test_a_helper_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").touch(0o644)
    with pytest.raises(HelperError, match="cannot be run: Permission denied"):
        CredentialHelper("x", lambda _program: str(tmp_path / "x")).get(REGISTRY)
