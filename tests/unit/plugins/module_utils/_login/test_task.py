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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.credential_helper import HelperError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginError, LoginReport, LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError

REGISTRY, OTHER = "public.ecr.aws", "ecr-public.aws.com"
ABSENT = LoginPolicy(state="absent")
NOTHING: dict[str, object] = {"mode": None, "owner": None, "group": None, "logins": {}}
"""The diff of a file that does not exist."""


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

    def write(self, text: str) -> None:
        """Write the file with the permissions that the module also sets."""
        self.path.write_text(text)
        self.path.chmod(0o600)

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
    assert place.run(dry_run=True).plan.reason == "missing"
    place.run(token=token())
    assert "auth" not in place.config["auths"][REGISTRY]  # type: ignore[index]
    assert place.run().plan.action == "unchanged"


OWN = """#!/bin/sh
case $1 in get) echo '{"Username":"AWS","Secret":"its own"}';; *) cat >/dev/null;; esac
"""


def test_a_helper_that_makes_its_own_logins_is_asked_once(place: Place) -> None:
    """It reports success for store and erase, and does nothing, as ecr-login with AWS_ECR_IGNORE_CREDS_STORAGE."""
    place.program.write_text(OWN)
    place.write('{"credsStore":"keep"}')
    first = place.run(token=token())
    assert (first.plan.action, first.plan.reason, first.to_result()["changed"]) == ("unchanged", "helper_login", False)
    again = place.run()
    assert (again.plan.reason, again.plan.needs_token) == ("helper_login", False)
    logout = place.run(ABSENT)
    assert (logout.plan.action, logout.plan.reason) == ("unchanged", "helper_login")
    assert "docker still logs in to public.ecr.aws. Remove it from credHelpers and credsStore" in logout.warnings[0]
    assert place.config == {"credsStore": "keep"}


def test_a_logout_from_a_helper_that_makes_its_own_logins_does_not_fail(place: Place) -> None:
    place.program.write_text(OWN)
    place.write('{"credsStore":"keep"}')
    for _run in range(2):
        report = place.run(ABSENT)
        assert (report.plan.action, report.plan.reason) == ("unchanged", "helper_login")


def test_a_helper_that_was_replaced_is_used_again(place: Place) -> None:
    script = place.program.read_text()
    place.program.write_text(OWN)
    place.write('{"credsStore":"keep"}')
    place.run(token=token())
    place.program.write_text(script)
    assert place.run(token=token()).plan.action == "created"
    assert place.run().plan.reason == "fresh"


@pytest.mark.parametrize("state", ["present", "absent"])
def test_ecr_login_is_not_run(place: Place, state: str) -> None:
    place.write('{"credHelpers":{"public.ecr.aws":"ecr-login"}}')
    plan = place.run(LoginPolicy(state=state)).plan
    assert (plan.action, plan.reason) == ("unchanged", "helper_login")
    assert place.names == ["config.json"]


def test_a_helper_that_loses_the_login_is_an_error(place: Place) -> None:
    place.program.write_text('#!/bin/sh\ncat >/dev/null\n[ $1 != get ] || echo \'{"Username":"","Secret":""}\'\n')
    place.write('{"credsStore":"keep"}')
    with pytest.raises(HelperError, match="store reported success, but get returns no login"):
        place.run(token=token())
    assert place.config == {"credsStore": "keep"}


def test_a_helper_that_keeps_a_managed_login_is_an_error(place: Place) -> None:
    place.write('{"credsStore":"keep"}')
    place.run(token=token())
    place.program.write_text(place.program.read_text().replace("rm $0.kept", "true"))
    with pytest.raises(HelperError, match="erase reported success, but get still returns a login"):
        place.run(ABSENT)


@pytest.mark.parametrize("text", ["{}", '{"auths":{"public.ecr.aws":{"auth":"QVdTOmE="}}}'])
def test_a_logout_also_empties_the_default_store(place: Place, text: str) -> None:
    """docker and helm use it if the file has no logins: also after a logout from the file."""
    place.program = place.program.rename(place.path.parent / "docker-credential-secretservice")
    kept = Path(f"{place.program}.kept")
    kept.write_text('{"Username":"AWS","Secret":"x"}')
    place.write(text)
    assert place.run(ABSENT).plan.action == "removed"
    assert not kept.exists()
    assert place.run(ABSENT).plan.action == "unchanged"


def test_the_default_store_is_not_used_beside_other_logins_or_if_it_fails(place: Place) -> None:
    place.program = place.program.rename(place.path.parent / "docker-credential-secretservice")
    kept = Path(f"{place.program}.kept")
    kept.write_text('{"Username":"AWS","Secret":"x"}')
    place.write('{"auths":{"a.example":{}}}')
    assert place.run(ABSENT).plan.action == "unchanged"
    place.write("{}")
    assert place.run(ABSENT, client="podman").plan.action == "unchanged"
    place.program.write_text("#!/bin/sh\nexit 1\n")
    assert place.run(ABSENT).plan.action == "unchanged"
    assert kept.exists()


def test_another_key_of_the_registry_is_replaced_without_a_token(place: Place) -> None:
    place.run(token=token())
    auths = {**place.config["auths"], "public.ecr.aws:443": {"auth": "QVdTOmE="}}  # type: ignore[dict-item]
    place.write(json.dumps({"auths": auths}))
    report = place.run()
    assert (report.plan.action, report.plan.reason) == ("updated", "other_key")
    assert list(place.config["auths"]) == [REGISTRY]  # type: ignore[call-overload]
    assert place.run().plan.action == "unchanged"


def test_a_preferred_key_of_podman_is_a_warning_and_a_logout_removes_it(place: Place) -> None:
    place.write('{"auths":{"public.ecr.aws/team":{"auth":"QVdTOmE="}}}')
    report = place.run(token=token(), client="podman")
    assert (report.plan.action, report.plan.reason) == ("created", "missing")
    assert 'uses the login with the key "public.ecr.aws/team"' in report.warnings[0]
    assert set(place.config["auths"]) == {"public.ecr.aws/team", REGISTRY}  # type: ignore[call-overload]
    place.run(ABSENT, client="podman")
    assert place.config == {"auths": {}}


def test_docker_cannot_read_a_file_with_an_invalid_entry(place: Place) -> None:
    before = '{"auths":{"a.example":{"auth":"%"},"public.ecr.aws":{"auth":"%"}}}'
    place.write(before)
    with pytest.raises(LoginError, match=r'its entry for "a\.example" cannot be read: its `auth` is not base64'):
        place.run(token=token())
    assert place.path.read_text() == before
    place.run(ABSENT)
    assert place.config == {"auths": {"a.example": {"auth": "%"}}}


def test_an_entry_that_docker_cannot_read_is_replaced_by_a_login(place: Place) -> None:
    place.write('{"auths":{"public.ecr.aws":{"auth":"%"}}}')
    assert place.run(token=token()).plan.reason == "empty"
    assert place.run().plan.reason == "fresh"


def test_podman_ignores_creds_store(place: Place) -> None:
    place.path.write_text('{"credsStore":"nowhere"}')
    place.run(token=token(), client="podman")
    assert "auth" in place.config["auths"][REGISTRY]  # type: ignore[index]


def test_a_change_between_reading_and_writing_is_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tools do not use the lock. They can write while a helper runs."""
    place.path.write_text('{"credsStore":"keep"}')
    write = LoginTask._write_to_helpers

    def slow(runner: LoginTask, step: task.decision.Step) -> task.decision.Step:
        place.path.write_text('{"credsStore":"keep","auths":{"other.example":{}}}')
        return write(runner, step)

    monkeypatch.setattr(LoginTask, "_write_to_helpers", slow)
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
    assert first["before"] == created["before"] == removed["after"] == NOTHING
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
