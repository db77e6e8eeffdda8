# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _registry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import encode_auth
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import status
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.sources import Source
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

REGISTRY = "public.ecr.aws"
NOW = dt.datetime.now(dt.timezone.utc)
HOUR = dt.timedelta(hours=1)
ENVIRONMENT = "DOCKER_AUTH_CONFIG"


def entry(password: str) -> dict[str, str]:
    return {"auth": encode_auth("AWS", password)}


def config(password: str, key: str = REGISTRY) -> str:
    return json.dumps({"auths": {key: entry(password)}})


class Places:
    """Files of clients in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ: dict[str, str] = {}

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def log_in(self, name: str, client: str, left: float) -> None:
        """Write a managed login with so many hours left."""
        token = Token(NOW + 12 * HOUR, "AWS", "hunter2")
        LoginTask(self.path(name), client, lambda _name: None).run(LoginPolicy(), token, dry_run=False)
        record = self.directory / f".{name}.freshpull"
        content = json.loads(record.read_text())
        content["logins"][REGISTRY]["expires_at"] = f"{NOW + left * HOUR:%Y-%m-%dT%H:%M:%SZ}"
        record.write_text(json.dumps(content))

    def find(self, name: str) -> str | None:
        return shutil.which(name, path=str(self.directory))

    def places(self, client: str, *names: str) -> list[Source]:
        paths = [name if name == ENVIRONMENT else self.path(name) for name in names]
        return [Source(path, client, legacy=path.endswith(".dockercfg")) for path in paths]

    def report(self, client: str, *names: str, verify: bool = False) -> dict[str, Any]:
        found = status.LoginStatus(self.places(client, *names), self.environ, self.find).read(REGISTRY)
        result = status.report(found, REGISTRY, NOW, verify=verify)
        assert "hunter2" not in json.dumps(result)
        result["rows"] = [(os.path.basename(one["source"]), one["status"], one["used"]) for one in result["sources"]]
        return result


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@pytest.mark.parametrize(("left", "expected"), [(5, "valid"), (-1, "expired")])
@pytest.mark.parametrize("client", ["docker", "podman", "helm"])
def test_a_managed_login_has_an_expiry(places: Places, client: str, left: float, expected: str) -> None:
    places.log_in("config.json", client, left)
    report = places.report(client, "config.json")
    assert (report["status"], report["source"]) == (expected, places.path("config.json"))
    (source,) = report["sources"]
    assert (source["key"], source["store"], source["used"]) == (REGISTRY, "file", True)


def test_a_login_of_another_tool_is_unknown(places: Places) -> None:
    places.log_in("config.json", "docker", 5)
    places.write("config.json", config("other"))
    assert places.report("docker", "config.json")["rows"] == [("config.json", "unknown", True)]


def test_no_login(places: Places) -> None:
    report = places.report("podman", "auth.json", "config.json")
    assert (report["status"], report["source"], report["msg"]) == ("missing", None, "")
    assert [one["exists"] for one in report["sources"]] == [False, False]


def test_the_variable_wins_over_the_file(places: Places) -> None:
    places.log_in("config.json", "docker", 5)
    places.environ[ENVIRONMENT] = config("other")
    report = places.report("docker", ENVIRONMENT, "config.json")
    assert report["rows"] == [(ENVIRONMENT, "unknown", True), ("config.json", "valid", False)]
    places.environ[ENVIRONMENT] = config("other", f"https://{REGISTRY}")
    assert places.report("docker", ENVIRONMENT, "config.json")["status"] == "valid"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"auths":{},"x":1}',
        json.dumps({"auths": {REGISTRY: {**entry("a"), "username": "AWS"}}}),
        '{"auths":{"a":{}}}',
    ],
)
def test_docker_ignores_a_variable_that_it_cannot_read(places: Places, text: str) -> None:
    places.log_in("config.json", "docker", 5)
    places.environ[ENVIRONMENT] = text
    report = places.report("docker", ENVIRONMENT, "config.json")
    assert report["rows"] == [(ENVIRONMENT, "error", False), ("config.json", "valid", True)]
    assert report["sources"][0]["msg"]


def test_a_later_file_is_used_if_the_first_has_no_login(places: Places) -> None:
    places.write("auth.json", config("x", "a.example"))
    places.write("config.json", config("x"))
    places.write(".dockercfg", json.dumps({f"https://{REGISTRY}/v1/": entry("y")}))
    rows = [("auth.json", "missing", False), ("config.json", "unknown", True), (".dockercfg", "unknown", False)]
    assert places.report("podman", "auth.json", "config.json", ".dockercfg")["rows"] == rows


def test_a_file_that_cannot_be_read_ends_the_search(places: Places) -> None:
    places.write("auth.json", "{")
    places.write("config.json", config("x"))
    report = places.report("podman", "auth.json", "config.json")
    assert (report["status"], report["source"], report["msg"]) == ("error", None, "it is not JSON")
    assert report["rows"] == [("auth.json", "error", False), ("config.json", "unknown", False)]


@pytest.mark.parametrize("kind", ["directory", "fifo", "large"])
def test_what_is_no_file_of_a_client_is_an_error(places: Places, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = places.directory / "config.json"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        monkeypatch.setattr(status, "MAX_SIZE", 10)
        path.write_text(config("x"))
    assert places.report("docker", "config.json")["status"] == "error"


def test_a_helper_is_asked(places: Places) -> None:
    program = places.directory / "docker-credential-keep"
    program.write_text("""#!/bin/sh\necho '{"Username":"AWS","Secret":"hunter2"}'\n""")
    program.chmod(0o755)
    places.write("config.json", '{"credsStore":"keep"}')
    report = places.report("docker", "config.json")
    assert (report["status"], report["sources"][0]["store"]) == ("unknown", "docker-credential-keep")
    program.unlink()
    report = places.report("docker", "config.json")
    assert report["status"] == "error"
    assert "docker-credential-keep, which is not on PATH" in report["msg"]


def test_the_default_helper_is_asked_if_the_file_has_no_logins(places: Places) -> None:
    program = places.directory / "docker-credential-secretservice"
    program.write_text("""#!/bin/sh\necho '{"Username":"AWS","Secret":"hunter2"}'\n""")
    program.chmod(0o755)
    places.write("config.json", "{}")
    assert places.report("docker", "config.json")["sources"][0]["store"] == "docker-credential-secretservice"
    assert places.report("podman", "config.json")["status"] == "missing"


# What the registry does, and status and message.
WORDS = {
    "accepts": (None, "valid", ""),
    "rejects": (_registry.RejectedError("rejected."), "expired", "rejected."),
    "is silent": (_registry.UnverifiedError("no response."), "unknown", "no response."),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_registry_says_whether_a_login_is_valid(places: Places, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error, expected, msg = WORDS[case]
    tried = []

    def try_token(registry: str, login: Any) -> None:
        tried.append((registry, login.password))
        if error:
            raise error

    monkeypatch.setattr(status, "try_token", try_token)
    places.write("config.json", config("x"))
    report = places.report("docker", "config.json", verify=True)
    assert (report["status"], report["msg"], tried) == (expected, msg, [(REGISTRY, "x")])
    assert report["sources"][0]["status"] == "unknown"


def others(places: Places, client: str, own: str, *names: str) -> list[status.OtherSource]:
    return status.other_sources(places.places(client, *names), places.path(own), places.environ, [REGISTRY])


def test_other_places_are_named_without_running_a_program(places: Places) -> None:
    places.write("auth.json", config("x"))
    places.write("config.json", json.dumps({"credHelpers": {REGISTRY: "keep"}}))
    places.write(".dockercfg", json.dumps({REGISTRY: entry("hunter2")}))
    found = others(places, "podman", "auth.json", "auth.json", "none.json", "config.json", ".dockercfg")
    rows = [(os.path.basename(one.found.source), one.preferred, one.found.status(NOW)) for one in found]
    assert rows == [("config.json", False, "unknown"), (".dockercfg", False, "unknown")]
    assert [one.warning("podman", "/x", "present") for one in found] == ["", ""]
    assert "podman still uses the login for public.ecr.aws in" in found[1].warning("podman", "/x", "absent")
    assert "hunter2" not in json.dumps([one.to_result(NOW) for one in found])


def test_a_place_that_docker_reads_first_is_a_warning(places: Places) -> None:
    places.environ[ENVIRONMENT] = config("x")
    (found,) = others(places, "docker", "config.json", ENVIRONMENT, "config.json")
    assert found.preferred
    assert "docker uses the login for public.ecr.aws in DOCKER_AUTH_CONFIG" in found.warning("docker", "/x", "present")
    assert "Unset DOCKER_AUTH_CONFIG" in found.warning("docker", "/x", "absent")
