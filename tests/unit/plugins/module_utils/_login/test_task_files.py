# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose files a task writes, and where."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginError, LoginReport, LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.plugins.module_utils.accounts import ALICE, BOB, ROOT, Accounts

ABSENT = LoginPolicy(state="absent")
TOKEN = Token(dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=12), "AWS", "hunter2")


class Home:
    """The home directory of alice, with docker's file and its record file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "home"
        self.path.mkdir()
        self.file = self.path / ".docker" / "config.json"

    @property
    def record(self) -> Path:
        return self.file.with_name(".config.json.freshpull")

    @property
    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*"))

    def run(
        self,
        policy: LoginPolicy | None = None,
        token: Token | None = None,
        *,
        dry_run: bool = False,
        follow: bool = False,
    ) -> LoginReport:
        task = LoginTask(str(self.file), "docker", lambda _program: "/bin/false", follow=follow)
        return task.run(policy or LoginPolicy(), token, dry_run)


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    return Accounts(monkeypatch)


@pytest.fixture
def home(tmp_path: Path, accounts: Accounts) -> Home:
    home = Home(tmp_path)
    accounts.set(home.path, ALICE)
    return home


def test_root_logs_a_user_in_and_out(home: Home, accounts: Accounts) -> None:
    assert home.run(token=TOKEN).plan.action == "created"
    assert [accounts.of(path) for path in (home.file, home.record, home.file.parent)] == [ALICE] * 3
    assert home.run().plan.action == "unchanged"
    accounts.user = ALICE
    assert home.run().plan.action == "unchanged"
    accounts.user = ROOT
    assert home.run(ABSENT).plan.action == "removed"
    assert home.files == [".docker"]


def test_the_owner_of_an_existing_file_is_kept(home: Home, accounts: Accounts) -> None:
    home.file.parent.mkdir()
    home.file.write_text("{}")
    home.file.chmod(0o600)
    accounts.set(home.file, BOB)
    for policy in (LoginPolicy(), ABSENT):
        home.run(policy, TOKEN)
        assert accounts.of(home.file) == BOB
        assert not home.record.exists() or accounts.of(home.record) == BOB
    assert accounts.of(home.file.parent) == ROOT


def test_a_file_that_root_left_is_given_to_the_user(home: Home, accounts: Accounts) -> None:
    root = LoginPolicy(owner=0, group=0)
    home.run(root, TOKEN)
    assert [accounts.of(path) for path in (home.file, home.record)] == [ROOT] * 2
    wanted = LoginPolicy(owner=ALICE.uid, group=BOB.gid)
    planned = home.run(wanted, dry_run=True)
    assert accounts.of(home.file) == ROOT
    report = home.run(wanted)
    for each in (planned, report):
        assert (each.plan.action, each.plan.reason, each.to_result()["changed"]) == ("updated", "owner", True)
        shown = each.diff()
        assert (shown["before"]["owner"], shown["before"]["group"]) == ("root", "root")
        assert (shown["after"]["owner"], shown["after"]["group"]) == (str(ALICE.uid), str(BOB.gid))
    assert [accounts.of(path) for path in (home.file, home.record)] == [(ALICE.uid, BOB.gid)] * 2
    assert not home.run(wanted).plan.writes
    assert not home.run().plan.writes


def test_check_mode_shows_the_owner_of_a_new_file(home: Home) -> None:
    shown = home.run(dry_run=True).diff()
    assert (shown["before"]["owner"], shown["after"]["owner"]) == (None, str(ALICE.uid))
    assert shown["after"]["group"] == str(ALICE.gid)
    assert home.run(LoginPolicy(owner=0), dry_run=True).diff()["after"]["owner"] == "root"


def test_another_user_than_root_cannot_use_the_file(home: Home, accounts: Accounts) -> None:
    home.run(token=TOKEN)
    accounts.user = BOB
    with pytest.raises(FileError, match=f"belongs to user {ALICE.uid}, and the task runs as user {BOB.uid}"):
        home.run(token=TOKEN)


@pytest.mark.parametrize("policy", [LoginPolicy(), ABSENT])
def test_root_runs_no_helper_for_another_user(home: Home, accounts: Accounts, policy: LoginPolicy) -> None:
    """It would store the login of root, and its name is what the user wrote."""
    home.file.parent.mkdir()
    home.file.write_text('{"credsStore":"any"}')
    home.file.chmod(0o600)
    accounts.set(home.file, ALICE)
    with pytest.raises(LoginError, match=f"docker-credential-any, which stores.*as user {ALICE.uid}"):
        home.run(policy, TOKEN)
    home.file.write_text('{"credHelpers":{"public.ecr.aws":"ecr-login"}}')
    assert home.run(policy).plan.reason == "helper_login"


def test_a_link_is_rejected_with_the_option_that_allows_it(home: Home) -> None:
    home.file.parent.mkdir()
    home.file.symlink_to("../docker.json")
    with pytest.raises(FileError, match=f"Set follow: true .*{home.path}/docker.json"):
        home.run(token=TOKEN)


@pytest.mark.parametrize("content", [None, '{"HttpHeaders": {"X": "y"}}'])
def test_a_link_stays_and_its_target_is_written(home: Home, accounts: Accounts, content: str | None) -> None:
    target = home.path / "dotfiles" / "docker.json"
    for directory in (home.file.parent, target.parent):
        directory.mkdir()
        accounts.set(directory, ALICE)
    if content:
        target.write_text(content)
        accounts.set(target, ALICE)
    home.file.symlink_to("../dotfiles/docker.json")
    accounts.set(home.file, ALICE)
    before = home.files
    home.run(token=TOKEN, follow=True)
    assert os.readlink(home.file) == "../dotfiles/docker.json"
    assert json.loads(home.file.read_text())["auths"]
    record = target.with_name(".docker.json.freshpull")
    assert set(home.files) - set(before) <= {"dotfiles/.docker.json.freshpull", "dotfiles/docker.json"}
    assert [accounts.of(path) for path in (target, record)] == [ALICE] * 2
    home.file = target
    assert home.run().plan.action == "unchanged"
    home.run(ABSENT, follow=True)
    assert home.files == before


def test_root_does_not_follow_a_user_s_link_to_its_own_file(home: Home, accounts: Accounts) -> None:
    secret = home.path.parent / "secret.json"
    secret.write_text("{}")
    home.file.parent.mkdir()
    accounts.set(home.file.parent, ALICE)
    home.file.symlink_to(secret)
    accounts.set(home.file, ALICE)
    with pytest.raises(FileError, match="root does not follow it"):
        home.run(token=TOKEN, follow=True)
    assert secret.read_text() == "{}"
