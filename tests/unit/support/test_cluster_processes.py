# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes, signals and directories: a cluster leaves nothing behind."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509

from support.cluster import scratch
from support.cluster.errors import AddressInUseError, ClusterError, ComponentError
from support.cluster.pki import Authority, write_kubeconfig, write_private
from support.cluster.processes import Supervisor

TESTS = Path(__file__).parents[2]

# A run of the command line, with a component that only sleeps.
RUN = """
import sys
from support.cluster.command import Stopped, raise_on_signals, run_command
from support.cluster.processes import Supervisor
from support.cluster.run import _clean_directory
raise_on_signals()
try:
    with _clean_directory("unit") as directory, Supervisor(directory / "logs") as supervisor:
        supervisor.start("sleeper", ["sleep", "100"])
        print(directory, flush=True)
        sys.exit(run_command(sys.argv[1:], env={"PATH": "/usr/bin:/bin"}, watch=supervisor.watch))
except Stopped as stopped:
    sys.exit(stopped.status)
"""


def start(*command: str) -> subprocess.Popen[str]:
    """Start a run of the command."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *command], stdout=subprocess.PIPE, text=True, cwd=TESTS, start_new_session=True
    )


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that the run prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def is_running(pid: str) -> bool:
    """Return whether the process exists."""
    return Path("/proc", pid).exists()


def test_the_status_is_that_of_the_command() -> None:
    process = start("sh", "-c", "exit 7")
    directory = Path(line_of(process))
    assert process.wait(10) == 7
    assert not directory.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(number: signal.Signals) -> None:
    # A child in its own session, whose parent has ended: only a search for orphans finds it.
    process = start("sh", "-c", "(setsid sleep 100 & echo $!); echo $$; exec sleep 100")
    directory = Path(line_of(process))
    orphan, command = line_of(process), line_of(process)
    # A shell that receives SIGINT while it starts a program may lose it.
    while Path("/proc", command, "comm").read_text() != "sleep\n":
        time.sleep(0.01)
    assert is_running(orphan)
    process.send_signal(number)
    assert process.wait(10) == 128 + number
    assert not directory.exists()
    assert not is_running(orphan)


def test_a_component_that_ends_is_noticed_with_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start("broken", ["sh", "-c", "echo the reason; exit 3"])
        with pytest.raises(ComponentError, match=r"broken ended with status 3(.|\n)*the reason"):
            supervisor.wait_until(lambda: False, what="nothing", seconds=10)


def test_a_port_in_use_has_its_own_error(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start("broken", ["sh", "-c", "echo listen tcp 127.0.0.1:1: bind: address already in use; exit 1"])
        with pytest.raises(AddressInUseError):
            supervisor.wait_until(lambda: False, what="nothing", seconds=10)


def test_a_timeout_reports_all_logs(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start("slow", ["sh", "-c", "echo still at it; exec sleep 100"])
        time.sleep(0.2)
        with pytest.raises(ClusterError, match=r"Timeout after \d+ s: waited for a wonder(.|\n)*still at it"):
            supervisor.wait_until(lambda: False, what="a wonder", seconds=0.1)


def test_a_component_that_was_killed_can_be_started_again(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start("server", ["sh", "-c", "echo started; exec sleep 100"])
        component = supervisor.component("server")
        first = component.pid
        supervisor.wait_until(lambda: "started" in component.tail(), what="its start", seconds=10)
        component.kill()
        assert not is_running(str(first))
        component.start_again()
        supervisor.wait_until(lambda: component.tail().count("started") == 2, what="its return", seconds=10)
        assert component.pid != first


def test_components_see_nothing_of_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "callers")
    with Supervisor(tmp_path / "logs") as supervisor:
        component = supervisor.start("env", ["env"])
        with pytest.raises(ComponentError):
            supervisor.wait_until(lambda: False, what="its end", seconds=10)
        assert "callers" not in component.tail()


def test_the_directory_of_a_killed_run_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_parent", lambda: tmp_path)
    abandoned = tmp_path / f"{scratch.PREFIX}killed-x"
    abandoned.mkdir()
    (abandoned / "in-use").touch()
    cleared: list[str] = []
    with scratch.scratch_directory("one", cleared.append) as first:
        assert cleared == [abandoned.name]
        assert not abandoned.exists()
        with scratch.scratch_directory("two", cleared.append) as second:
            assert first.exists()
            assert second.exists()
    assert cleared == [abandoned.name, second.name, first.name]
    assert list(tmp_path.iterdir()) == []


def test_certificates_name_users_groups_and_addresses() -> None:
    authority = Authority()
    client = x509.load_pem_x509_certificate(authority.issue("jane", ["a", "b"]).certificate)
    assert client.subject.rfc4514_string() == "CN=jane,O=b,O=a"
    server = x509.load_pem_x509_certificate(authority.issue("api", addresses=["127.0.0.1", "localhost"]).certificate)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    server.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    authority = Authority()
    identity = authority.issue("jane")
    paths = [
        *identity.write(tmp_path, "jane"),
        write_kubeconfig(tmp_path / "config", server="https://x", authority=authority.certificate, identity=identity),
        write_private(tmp_path / "x", b""),
    ]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    # Raises if the certificate and the key do not match.
    ssl.create_default_context().load_cert_chain(paths[0], paths[1])
