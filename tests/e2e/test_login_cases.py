# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files from public reports: what the client's own code reads after a login and after a logout, and a second run."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from support.client_oracle import ERROR, NONE, read_by_clients, write_helpers

DEAD = '{"auth":"QVdTOmRlYWQ="}'
OTHER = '"a.example":{"auth":"dTpw"}'
# Text, and the client. Each file ended in a login that the client does not use, a logout that left one, or an error.
CASES: dict[str, tuple[str, str]] = {
    "podman: a namespace only": ("podman", f'{{"auths":{{"public.ecr.aws/team":{DEAD}}}}}'),
    "podman: a scheme and a path": ("podman", f'{{"auths":{{"https://public.ecr.aws/z9/":{DEAD}}}}}'),
    "docker: a namespace only": ("docker", f'{{"auths":{{"public.ecr.aws/team":{DEAD}}}}}'),
    "docker: a scheme and a path": ("docker", f'{{"auths":{{"https://public.ecr.aws/z9/":{DEAD}}}}}'),
    "docker: the key of nerdctl": ("docker", f'{{"auths":{{"public.ecr.aws:443":{DEAD}}}}}'),
    "helm: a scheme": ("helm", f'{{"auths":{{"https://public.ecr.aws":{DEAD}}}}}'),
    "docker: Auths": ("docker", f'{{"Auths":{{"public.ecr.aws":{DEAD}}}}}'),
    "helm: Auths": ("helm", f'{{"Auths":{{"public.ecr.aws":{DEAD}}}}}'),
    "docker: auths twice": ("docker", f'{{"auths":{{{OTHER}}},"auths":{{"public.ecr.aws":{DEAD}}}}}'),
    "docker: auths is null": ("docker", '{"auths":null}'),
    "docker: an entry is null": ("docker", '{"auths":{"public.ecr.aws":null}}'),
    "docker: credsStore is null": ("docker", '{"credsStore":null,"credHelpers":null}'),
    "docker: a large number": ("docker", '{"x":1e999}'),
    "docker: a lone surrogate": ("docker", '{"x":"\\ud800"}'),
    "docker: credsstore": ("docker", '{"credsstore":"one"}'),
    "docker: CredHelpers": ("docker", '{"CredHelpers":{"public.ecr.aws":"one"}}'),
    "helm: credsstore": ("helm", '{"credsstore":"one"}'),
}


PREFERRED = "podman: a namespace only"


def word(answer: str) -> str:
    """Shorten what a client reads."""
    if answer in (NONE, ERROR):
        return answer
    return "dead" if bytes.fromhex(answer).endswith(b"dead") else "login"


class Place:
    """A client's file, with helpers that store logins."""

    def __init__(self, directory: Path, client: str, text: str) -> None:
        self.directory, self.client = directory, client
        self.path = directory / "config.json"
        self.path.write_text(text)
        self.path.chmod(0o600)
        write_helpers(directory, storing=True)
        self.token = Token(dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=12), "AWS", "new")

    def read(self) -> str:
        """Return what the client's own code reads."""
        (answer,) = read_by_clients([self.path.read_bytes() if self.path.exists() else b"{}"], self.directory)
        return word(answer[self.client])

    def run(self, state: str) -> tuple[str, str]:
        task = LoginTask(str(self.path), self.client, lambda name: shutil.which(name, path=str(self.directory)))
        report = task.run(LoginPolicy(state=state), self.token, dry_run=False)
        return report.plan.action, self.read()


@pytest.mark.parametrize("case", CASES)
def test_login_and_logout_are_what_the_client_reads(case: str, tmp_path: Path) -> None:
    place = Place(tmp_path, *CASES[case])
    before = place.read()
    login, again, logout, last = (place.run(state) for state in ("present", "present", "absent", "absent"))
    print(f"{case}: before {before}; login {login}, again {again}; logout {logout}, again {last}")
    # The warning of the module names the entry that podman prefers.
    expected = "dead" if case == PREFERRED else "login"
    assert login in (("created", expected), ("renewed", expected))
    assert again == ("unchanged", expected)
    assert (logout, last) == (("removed", NONE), ("unchanged", NONE))
