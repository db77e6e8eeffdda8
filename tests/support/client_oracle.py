# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the clients' own code reads from a file, and what this collection reads from it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS

from .go_program import go_program

MODULE = Path(__file__).parent / "clients"
REGISTRY, REPOSITORY = "public.ecr.aws", "public.ecr.aws/team/app"
HELPERS = ("one", "two")
ERROR, NONE = "error", "none"
_HELPER = """#!/bin/sh
[ "$1" = get ] && exec echo '{"Username":"helper","Secret":"%s"}'
"""
STORING = """#!/bin/sh
case $1 in store) cat >"$0.kept";; erase) rm "$0.kept";;
get) cat "$0.kept" 2>/dev/null || { echo credentials not found in native keychain; exit 1; };; esac
"""
"""A credential helper that stores logins."""


def clients_program() -> Path:
    """Return the program of clients/main.go. Build it if it is missing (20 seconds)."""
    return go_program(MODULE, ".", "the clients' code")


def write_helpers(directory: Path, *, storing: bool) -> None:
    """Write HELPERS, which store logins, or which return their own names as a login."""
    for helper in HELPERS:
        program = directory / f"docker-credential-{helper}"
        program.write_text(STORING if storing else _HELPER % helper)
        program.chmod(0o755)


def read_by_clients(
    texts: Sequence[bytes], helpers: Path | None = None, environ: Mapping[str, str] | None = None
) -> list[Mapping[str, str]]:
    """Return for each text the login that each client reads: its bytes, the name of a helper, NONE or ERROR.

    helpers: the directory of HELPERS. By default they return their own names. environ: more variables.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if helpers is None:
            write_helpers(directory, storing=False)
        questions = []
        for number, text in enumerate(texts):
            file = directory / str(number)
            file.write_bytes(text)
            questions += [
                {"Client": client, "File": str(file), "Registry": REGISTRY, "Repository": REPOSITORY}
                for client in CLIENTS
            ]
        done = subprocess.run(
            [clients_program()],
            input="".join(json.dumps(question) + "\n" for question in questions),
            env={"PATH": f"{helpers or directory}{os.pathsep}{os.environ['PATH']}", "HOME": name, **(environ or {})},
            capture_output=True,
            text=True,
            check=True,
        )
    answers = iter(done.stdout.splitlines())
    return [{client: _answer(json.loads(next(answers))) for client in CLIENTS} for _text in texts]


def _answer(answer: Mapping[str, str]) -> str:
    if answer["Error"]:
        return ERROR
    username, password = (base64.b64decode(answer[name] or "") for name in ("Username", "Password"))
    if username == b"helper":
        return password.decode()
    if answer["Other"] or not username or not password:
        return NONE
    return (username + b":" + password).hex()


def read_by_module(text: bytes, client: str) -> set[str]:
    """Return what this collection reads. More than one answer if the client picks one of several at random."""
    try:
        config = ClientConfig(text, CLIENTS[client])
        config.check(())
        store = config.store(REGISTRY)
        if store:
            return {store}
    except DockerConfigError:
        return {ERROR}
    return {_read(config, key) for key in config.used(REPOSITORY)} or {NONE}


def _read(config: ClientConfig, key: str) -> str:
    try:
        login = config.read_login(key)
    except DockerConfigError:
        return ERROR
    return base64.b64decode(login.auth).hex() if login else NONE
