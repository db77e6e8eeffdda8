# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the programs docker-credential-NAME, in which clients store logins. Private to this collection.

Protocol: https://github.com/docker/docker-credential-helpers#development. Secrets pass over stdin and stdout only.
"""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import IN_FILE
from ansible_collections.freshpull.ecr_public.plugins.module_utils._process import Process

PROGRAM = "docker-credential-"
TIMEOUT = 20.0
"""Time limit of a helper, in seconds. A helper that waits for a passphrase never ends by itself."""
NOT_FOUND = "credentials not found in native keychain"
OWN_LOGINS = frozenset({"ecr-login"})
"""The helpers that are known to make their own logins: https://github.com/awslabs/amazon-ecr-credential-helper."""
_MAX_QUOTE = 300  # characters


class HelperError(CollectionError):
    """A credential helper failed. The message names the next step and never holds a secret."""


def store_name(name: str) -> str:
    """Return how results name a store: file, or the program of the helper."""
    return "file" if name == IN_FILE else PROGRAM + name


def default_store(find: t.Callable[[str], str | None]) -> str:
    """Return the helper that docker and helm use for a file without logins, or "". find: as for CredentialHelper.

    Source: DetectDefaultStore in github.com/docker/cli/cli/config/credentials.
    """
    name = "pass" if find("pass") else "secretservice"
    return name if find(PROGRAM + name) else ""


class CredentialHelper:
    """One credential helper. find: returns the full path of a program, or None."""

    def __init__(self, name: str, find: t.Callable[[str], str | None], *, timeout: float = TIMEOUT) -> None:
        self._program = PROGRAM + name
        self._timeout = timeout
        self._path = None if os.sep in name else find(self._program)

    def get(self, registry: str) -> Login | None:
        """Return the stored login, or None. Raises HelperError."""
        status, output = self._run("get", registry)
        if status:
            if NOT_FOUND in output:
                return None
            raise self._failure("get", status, output)
        try:
            response = json.loads(output)
            # Some helpers return an empty secret if they have no login.
            return Login(response["Username"], response["Secret"]) if response["Secret"] else None
        except (ValueError, KeyError, TypeError):
            raise HelperError(f"{self._program} get did not return a login. {self._next_step()}") from None

    def store(self, registry: str, login: Login) -> None:
        """Store a login. Raises HelperError."""
        request = {"ServerURL": registry, "Username": login.username, "Secret": login.password}
        status, output = self._run("store", json.dumps(request))
        if status:
            # Some helpers print their input.
            raise self._failure("store", status, "" if login.password in output else output)

    def erase(self, registry: str) -> None:
        """Delete a login. Raises HelperError."""
        status, output = self._run("erase", registry)
        if status and NOT_FOUND not in output:
            raise self._failure("erase", status, output)

    def put(self, registry: str, login: Login) -> bool:
        """Store a login. Return False if the helper ignores it and returns a login of its own. Raises HelperError."""
        self.store(registry, login)
        stored = self.get(registry)
        if stored is None:
            raise HelperError(
                f"{self._program} store reported success, but get returns no login, so the client has none. "
                f"{self._next_step()}"
            )
        return stored == login

    def drop(self, registry: str, *, managed: bool) -> bool:
        """Delete a login. Return False if the helper then returns a login of its own. Raises HelperError.

        managed: whether this collection stored the login.
        """
        self.erase(registry)
        left = self.get(registry)
        if left is not None and managed:
            raise HelperError(
                f"{self._program} erase reported success, but get still returns a login for {registry}. "
                f"{self._next_step()}"
            )
        return left is None

    def _run(self, verb: str, text: str) -> tuple[int, str]:
        if self._path is None:
            raise HelperError(
                f"The file names the credential helper {self._program}, which is not on PATH. "
                "Install it, or remove it from credsStore and credHelpers."
            )
        try:
            with Process([self._path, verb], stdin=subprocess.PIPE) as process:
                output, errors = process.communicate(text.encode(), timeout=self._timeout)
        except OSError as exc:
            raise HelperError(f"{self._path} cannot be run: {exc.strerror}. {self._next_step()}") from exc
        except subprocess.TimeoutExpired:
            raise HelperError(
                f"{self._program} {verb} did not respond within {self._timeout:g} seconds and was stopped. If it waits "
                f"for a passphrase, unlock its store first. {self._next_step()}"
            ) from None
        # On success stderr is no part of the response. On failure either stream may hold the reason.
        printed = output + errors if process.returncode else output
        return process.returncode, printed.decode(errors="replace").strip()

    def _failure(self, verb: str, status: int, output: str) -> HelperError:
        quote = f": {output[:_MAX_QUOTE]}" if output else ""
        return HelperError(f"{self._program} {verb} failed with status {status}{quote}. {self._next_step()}")

    def _next_step(self) -> str:
        return (
            f"Run `{self._program} list` as the user that runs the task, or remove the helper from credsStore and "
            "credHelpers. A helper that fetches tokens itself, such as ecr-login, needs no login."
        )
