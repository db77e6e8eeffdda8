# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs docker-credential-NAME that clients leave their logins to. Private to this collection.

Protocol: https://github.com/docker/docker-credential-helpers#development. Secrets go over stdin and stdout only.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._process import Process

PROGRAM = "docker-credential-"
TIMEOUT = 20.0
"""Seconds that a helper may take: one that waits for a passphrase never comes back."""
NOT_FOUND = "credentials not found in native keychain"
_SHOWN = 300


class HelperError(CollectionError):
    """A helper that cannot be used, with the next step. The message never holds a secret."""


class CredentialHelper:
    """One helper. find: the full path of a program, or None."""

    def __init__(self, name: str, find: t.Callable[[str], str | None], timeout: float = TIMEOUT) -> None:
        self._program = PROGRAM + name
        self._timeout = timeout
        self._path = None if os.sep in name else find(self._program)

    def get(self, registry: str) -> Login | None:
        """The stored login. Raises HelperError."""
        status, output = self._run("get", registry)
        if status:
            if NOT_FOUND in output:
                return None
            raise self._failure("get", status, output)
        try:
            answer = json.loads(output)
            # Some say in this way that they have none.
            return Login(answer["Username"], answer["Secret"]) if answer["Secret"] else None
        except (ValueError, KeyError, TypeError):
            raise HelperError(
                f"{self._program} get answered with something else than a login. {self._next_step()}"
            ) from None

    def store(self, registry: str, login: Login) -> None:
        """Keep a login. Raises HelperError."""
        request = {"ServerURL": registry, "Username": login.username, "Secret": login.password}
        status, output = self._run("store", json.dumps(request))
        if status:
            # Some show what they were given.
            raise self._failure("store", status, "" if login.password in output else output)

    def erase(self, registry: str) -> None:
        """Forget a login. Raises HelperError."""
        status, output = self._run("erase", registry)
        if status and NOT_FOUND not in output:
            raise self._failure("erase", status, output)

    def _run(self, verb: str, given: str) -> tuple[int, str]:
        if self._path is None:
            raise HelperError(
                f"The file names the credential helper {self._program}, which is not on PATH. "
                "Install it, or take it out of credsStore and credHelpers."
            )
        try:
            with Process([self._path, verb], stdin=subprocess.PIPE) as process:
                output, errors = process.communicate(given.encode(), timeout=self._timeout)
        except OSError as exc:
            raise HelperError(f"{self._path} cannot be run: {exc.strerror}. {self._next_step()}") from exc
        except subprocess.TimeoutExpired:
            raise HelperError(
                f"{self._program} {verb} did not answer within {self._timeout:g} seconds and was ended. It may be "
                f"waiting for a passphrase: unlock its store first. {self._next_step()}"
            ) from None
        # Of one that answers, what it says beside its answer is of no interest; of one that fails both may say why.
        said = output + errors if process.returncode else output
        return process.returncode, said.decode(errors="replace").strip()

    def _failure(self, verb: str, status: int, output: str) -> HelperError:
        said = f": {output[:_SHOWN]}" if output else ""
        return HelperError(f"{self._program} {verb} failed with status {status}{said}. {self._next_step()}")

    def _next_step(self) -> str:
        return (
            f"Try `{self._program} list` as the user that the task runs as, or take the helper out of credsStore and "
            "credHelpers. A helper that fetches logins by itself, such as ecr-login, needs no login."
        )
