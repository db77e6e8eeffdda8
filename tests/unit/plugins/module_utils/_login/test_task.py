# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _atomic_file
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import task
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginError, LoginReport, LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError

REGISTRY, OTHER = "public.ecr.aws", "ecr-public.aws.com"
ABSENT = LoginPolicy(state="absent")


def token(hours: float = 12, end: str = "2") -> Token:
    return Token(dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=hours), "AWS", "hunter" + end)


class Place:
    """A client's file, and a credential helper that stores its input in another file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "config.json"
        self.program = directory / "docker-credential-keep"
        self.program.write_text(
            "#!/bin/sh\ncase $1 in store) cat >$0.kept;; erase) rm $0.kept;;\n"
            "get) cat $0.kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; };; esac\n"
        )
        self.program.chmod(0o755)

    def run(
        self,
        policy: LoginPolicy | None = None,
        token: Token | None = None,
        dry_run: bool = False,
        client: str = "docker",
    ) -> LoginReport:
        programs = {self.program.name: str(self.program)}
        return LoginTask(str(self.path), client, programs.get).run(policy or LoginPolicy(), token, dry_run)

    @property
    def config(self) -> dict[str, object]:
        return json.loads(self.path.read_text())

    @property
    def names(self) -> list[str]:
        return sorted(set(os.listdir(self.path.parent)) - {self.program.name})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_login_and_logout_leave_no_file(place: Place) -> None:
    report = place.run(token=token())
    assert (report.plan.action, report.mode) == ("created", 0o600)
    assert place.names == [".config.json.freshpull", "config.json"]
    assert all(os.stat(place.path.parent / name).st_mode & 0o777 == 0o600 for name in place.names)
    assert place.run().plan.action == "unchanged"
    assert place.run(ABSENT).plan.action == "removed"
    assert place.names == []
    assert place.run(ABSENT).plan.action == "unchanged"
    assert place.names == []


def test_podman_s_file_stays_without_logins(place: Place) -> None:
    """podman fails if REGISTRY_AUTH_FILE names a file that does not exist."""
    place.run(token=token(), client="podman")
    assert place.run(ABSENT, client="podman").plan.action == "removed"
    assert place.names == ["config.json"]
    assert place.config == {"auths": {}}


def test_an_existing_file_is_the_same_after_a_logout(place: Place) -> None:
    before = '{\n  "HttpHeaders": {"X": "y"}, "auths": {}\n}\n'
    before = json.dumps(json.loads(before), indent=2) + "\n"
    place.path.write_text(before)
    place.path.chmod(0o600)
    place.run(token=token())
    place.run(ABSENT)
    assert place.path.read_text() == before
    assert place.names == ["config.json"]


@pytest.mark.parametrize("policy", [LoginPolicy(), ABSENT])
def test_a_dry_run_writes_nothing(place: Place, policy: LoginPolicy) -> None:
    place.path.write_text('{"auths":{"public.ecr.aws":{"auth":"QVdTOmE="}}}')
    before = os.stat(place.path)
    assert place.run(policy, dry_run=True).plan.writes
    assert os.stat(place.path) == before
    assert place.names == ["config.json"]


def test_without_a_change_no_file_is_touched(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run(token=token())
    monkeypatch.setattr(_atomic_file, "locked", lambda *_: pytest.fail("locked"))
    assert not place.run(token=token()).plan.writes


def test_a_login_that_another_client_copied_is_trusted_and_a_new_login_is_not(place: Place) -> None:
    place.run(token=token())
    place.path.write_text(json.dumps({**place.config, "plugins": {}}))
    assert place.run().plan.action == "unchanged"
    place.path.write_text('{"auths":{"public.ecr.aws":{"auth":"QVdTOmE="}}}')
    assert place.run(dry_run=True).plan.reason == "modified"


def test_a_broken_record_file_is_not_trusted(place: Place) -> None:
    place.run(token=token())
    (place.path.parent / ".config.json.freshpull").write_text("broken")
    assert place.run(dry_run=True).plan.reason == "unknown_expiry"


def test_a_token_needed_during_the_task_is_an_error(place: Place) -> None:
    with pytest.raises(LoginError, match=r"now needs a token\. Run the task again"):
        place.run()
    assert place.names == []


def test_an_expired_token_is_rejected(place: Place) -> None:
    with pytest.raises(TokenError, match="token: it expired at"):
        place.run(token=token(-1))


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b'{"auths":[]}'])
@pytest.mark.parametrize("policy", [LoginPolicy(), ABSENT])
def test_a_file_that_cannot_be_parsed_is_not_changed(place: Place, policy: LoginPolicy, text: bytes) -> None:
    place.path.write_bytes(text)
    with pytest.raises(LoginError, match=r"was not changed.*Repair or move the file"):
        place.run(policy, token())
    assert place.path.read_bytes() == text
    assert place.names == ["config.json"]


def test_a_helper_stores_the_login(place: Place) -> None:
    place.path.write_text('{"credsStore":"keep"}')
    report = place.run(token=token())
    assert report.to_result()["registries"][0]["store"] == "docker-credential-keep"
    assert place.config == {"credsStore": "keep", "auths": {REGISTRY: {}}}
    assert "hunter2" in Path(f"{place.program}.kept").read_text()
    assert place.run().plan.action == "unchanged"
    assert place.run(ABSENT).plan.action == "removed"
    assert place.config == {"credsStore": "keep", "auths": {}}
    assert not Path(f"{place.program}.kept").exists()
    assert place.run(ABSENT).plan.action == "unchanged"


def test_a_password_in_the_file_is_removed_when_a_helper_stores_it(place: Place) -> None:
    place.run(token=token())
    place.path.write_text(json.dumps({**place.config, "credHelpers": {REGISTRY: "keep"}}))
    assert place.run(dry_run=True).plan.reason == "empty"
    place.run(token=token())
    assert "auth" not in place.config["auths"][REGISTRY]  # type: ignore[index]
    assert place.run().plan.action == "unchanged"


def test_podman_ignores_creds_store(place: Place) -> None:
    place.path.write_text('{"credsStore":"nowhere"}')
    place.run(token=token(), client="podman")
    assert "auth" in place.config["auths"][REGISTRY]  # type: ignore[index]


def test_a_change_between_reading_and_writing_is_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tools do not use the lock. They can write while a helper runs."""
    place.path.write_text('{"credsStore":"keep"}')
    write = LoginTask._write_to_helper

    def slow(runner: LoginTask, step: task.decision.Step) -> None:
        place.path.write_text('{"credsStore":"keep","auths":{"other.example":{}}}')
        write(runner, step)

    monkeypatch.setattr(LoginTask, "_write_to_helper", slow)
    place.run(token=token())
    assert place.config["auths"] == {"other.example": {}, REGISTRY: {}}


def test_two_registries_share_a_file(place: Place) -> None:
    place.run(LoginPolicy(registries=(REGISTRY,)), token())
    report = place.run(LoginPolicy(registries=(OTHER,)), token(end="3"))
    assert report.to_result()["fingerprint"] == report.plan.steps[0].login.fingerprint  # type: ignore[union-attr]
    both = place.run(LoginPolicy(registries=(REGISTRY, OTHER)))
    assert both.plan.action == "unchanged"
    assert both.to_result()["fingerprint"] is None
    place.run(LoginPolicy(state="absent", registries=(REGISTRY,)))
    assert list(place.config["auths"]) == [OTHER]  # type: ignore[call-overload]
    place.run(LoginPolicy(state="absent", registries=(OTHER,)))
    assert place.names == []


def test_results_and_diffs_hold_no_secret(place: Place) -> None:
    reports = [place.run(dry_run=True), place.run(token=token()), place.run(), place.run(ABSENT)]
    shown = json.dumps([[report.to_result(), report.diff()] for report in reports])
    assert "hunter2" not in shown
    assert token().entry["auth"] not in shown
    first, created, same, removed = (report.diff() for report in reports)
    assert first["before"] == created["before"] == removed["after"] == {"mode": None, "logins": {}}
    assert first["after"]["logins"][REGISTRY] == {"store": "file", "fingerprint": "unknown", "expires_at": "unknown"}
    assert created["after"] == same["before"] == same["after"] == removed["before"]
    assert [report.to_result()["changed"] for report in reports] == [True, True, False, True]


def test_the_mode_is_set_and_kept(place: Place) -> None:
    place.run(token=token())
    place.path.chmod(0o644)
    report = place.run()
    assert (report.plan.action, report.plan.reason) == ("updated", "mode")
    assert os.stat(place.path).st_mode & 0o777 == 0o600
    place.run(LoginPolicy(mode=0o640))
    assert os.stat(place.path).st_mode & 0o777 == 0o640
    place.path.write_text(json.dumps({**place.config, "x": 1}))
    place.run(ABSENT)
    assert os.stat(place.path).st_mode & 0o777 == 0o640
