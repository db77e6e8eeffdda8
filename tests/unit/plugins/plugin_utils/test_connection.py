# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins of all modules for clusters: the play's defaults, and the control node's kubeconfig."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleFileNotFound
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.freshpull.ecr_public.plugins.action import ecr_public_pull_secret_info
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._play_defaults import CLUSTER_GROUP
from unit.plugins.action.scripted import Play

FOUND = {"changed": False}
CONTENT = "kind: Config\n"


def test_with_a_local_connection_paths_are_those_of_the_control_node(play: Play) -> None:
    (play.directory / "files").mkdir()
    paths = [play.directory / "files/one", play.directory / "two"]
    for each in paths:
        each.write_text(CONTENT)
    play.transport = "local"
    play.run(ecr_public_pull_secret_info, {"kubeconfig": f"one:{paths[1]}"}, FOUND)
    assert play.runs[0].args["kubeconfig"] == ":".join(map(str, paths))
    assert [each.read_text() for each in paths] == [CONTENT, CONTENT]


@pytest.mark.parametrize("kubeconfig", ["config", {"kind": "Config"}, "", None])
def test_with_another_connection_it_is_the_target_host_s(play: Play, kubeconfig: Any) -> None:
    play.run(ecr_public_pull_secret_info, {"kubeconfig": kubeconfig}, FOUND)
    assert play.runs[0].args == {"kubeconfig": kubeconfig}


@pytest.mark.parametrize("kubeconfig", [{"kind": "Config"}, "", None])
def test_a_value_that_is_no_path_is_unchanged(play: Play, kubeconfig: Any) -> None:
    play.transport = "local"
    play.run(ecr_public_pull_secret_info, {"kubeconfig": kubeconfig}, FOUND)
    assert play.runs[0].args == {"kubeconfig": kubeconfig}


def test_a_kubeconfig_that_does_not_exist_is_an_error_before_the_module_runs(play: Play) -> None:
    play.transport = "local"
    with pytest.raises(AnsibleFileNotFound, match="nowhere"):
        play.run(ecr_public_pull_secret_info, {"kubeconfig": "nowhere"})
    assert play.runs == []


# Options whose errors, of Ansible or of a library, would quote the value.
QUOTED: dict[str, tuple[dict[str, Any], str]] = {
    "the content of a kubeconfig": ({"kubeconfig": "users:\n- token: never-shown\n"}, "Use the path of its file"),
    "its content in JSON": ({"kubeconfig": '{"token": "never-shown"}'}, "Use the path of its file"),
    "a text for headers": ({"proxy_headers": "never-shown"}, "proxy_headers is not a dict"),
    "a list for headers": ({"proxy_headers": ["builder:never-shown"]}, "proxy_headers is not a dict"),
}


@pytest.mark.parametrize("transport", ["local", "ssh"])
@pytest.mark.parametrize("case", QUOTED)
def test_a_value_that_an_error_would_quote_is_rejected_without_it(play: Play, case: str, transport: str) -> None:
    options, message = QUOTED[case]
    play.transport = transport
    with pytest.raises(AnsibleActionFail, match=message) as caught:
        play.run(ecr_public_pull_secret_info, options)
    assert "never-shown" not in str(caught.value)
    assert play.runs == []


@pytest.mark.parametrize("headers", [{"user_agent": "a"}, '{"user_agent": "a"}', "user_agent=a", None])
def test_headers_in_every_form_of_a_dict_are_accepted(play: Play, headers: Any) -> None:
    play.run(ecr_public_pull_secret_info, {"proxy_headers": headers}, FOUND)
    assert play.runs[0].args == {"proxy_headers": headers}


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Deny this process a file, or all of a directory. Root, who may run the tests, would be denied nothing."""
    denied: list[Path] = []
    real_open, real_stat = builtins.open, os.stat

    def check(path: Any, directories_only: bool) -> None:
        if isinstance(path, str) and any(
            each in Path(path).parents or (each == Path(path) and not directories_only) for each in denied
        ):
            raise PermissionError(errno.EACCES, "Permission denied", path)

    def open_unless_denied(path: Any, *args: Any, **kwargs: Any) -> Any:
        check(path, directories_only=False)
        return real_open(path, *args, **kwargs)

    def stat_unless_denied(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        check(path, directories_only=True)
        return real_stat(path, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", open_unless_denied)
    monkeypatch.setattr(os, "stat", stat_unless_denied)
    return denied.append


def test_a_file_that_the_play_may_not_read_is_left_to_the_module(play: Play, deny: Callable[[Path], None]) -> None:
    """The module may read it with become."""
    path = play.directory / "admin.conf"
    path.write_text(CONTENT)
    deny(path)
    play.transport = "local"
    for given in (str(path), "admin.conf"):
        play.run(ecr_public_pull_secret_info, {"kubeconfig": given}, FOUND)
        assert play.runs[0].args["kubeconfig"] == str(path)


@pytest.mark.parametrize("given", ["absolute", "relative", "home"])
def test_a_file_in_a_directory_that_the_play_may_not_search_is_left_to_the_module(
    given: str, play: Play, deny: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = play.directory / "files/closed"
    directory.mkdir(parents=True)
    deny(directory)
    monkeypatch.setenv("HOME", str(play.directory / "files"))
    paths = {"absolute": f"{directory}/k3s.yaml", "relative": "closed/k3s.yaml", "home": "~/closed/k3s.yaml"}
    play.transport = "local"
    play.run(ecr_public_pull_secret_info, {"kubeconfig": paths[given]}, FOUND)
    assert play.runs[0].args["kubeconfig"] == f"{directory}/k3s.yaml"


@pytest.fixture
def vaulted(play: Play, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encrypted kubeconfig, and the loader's decrypted files in a directory of the test."""
    secrets = [("default", VaultSecret(b"vault password"))]
    path = play.directory / "vaulted"
    path.write_bytes(VaultLib(secrets).encrypt(CONTENT))
    play.loader.set_vault_secrets(secrets)
    play.transport = "local"
    (play.directory / "decrypted").mkdir()
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(play.directory / "decrypted"))
    return path


@pytest.mark.parametrize("fails", [False, True])
def test_a_vaulted_kubeconfig_is_decrypted_for_the_run_and_removed_afterwards(
    play: Play, vaulted: Path, fails: bool
) -> None:
    read: list[str] = []

    def module(args: dict[str, Any]) -> dict[str, Any]:
        read.append(Path(args["kubeconfig"]).read_text())
        if fails:
            raise RuntimeError("the module cannot be run")
        return FOUND

    if fails:
        with pytest.raises(RuntimeError, match="cannot be run"):
            play.run(ecr_public_pull_secret_info, {"kubeconfig": str(vaulted)}, module)
    else:
        assert play.run(ecr_public_pull_secret_info, {"kubeconfig": str(vaulted)}, module) == FOUND
    assert read == [CONTENT]
    assert os.listdir(play.directory / "decrypted") == []
    assert vaulted.read_bytes().startswith(b"$ANSIBLE_VAULT")


def test_of_a_list_one_can_be_vaulted_and_one_unreadable(
    play: Play, vaulted: Path, deny: Callable[[Path], None]
) -> None:
    path = play.directory / "admin.conf"
    path.write_text(CONTENT)
    deny(path)

    def module(args: dict[str, Any]) -> dict[str, Any]:
        decrypted, _colon, other = args["kubeconfig"].partition(":")
        assert Path(decrypted).read_text() == CONTENT
        assert other == str(path)
        return FOUND

    play.run(ecr_public_pull_secret_info, {"kubeconfig": f"{vaulted}:{path}"}, module)
    assert os.listdir(play.directory / "decrypted") == []


def test_the_connection_of_the_play_completes_the_task_s(play: Play) -> None:
    play.defaults = [{CLUSTER_GROUP: {"host": "https://play.example", "api_key": "k", "namespaces": ["x"]}}]
    play.run(ecr_public_pull_secret_info, {"name": "a"}, FOUND)
    assert play.runs[0].args == {"name": "a", "host": "https://play.example", "api_key": "k"}


def test_the_kubeconfig_of_the_play_is_the_control_node_s_too(play: Play) -> None:
    (play.directory / "of-the-play").write_text(CONTENT)
    play.defaults = [{CLUSTER_GROUP: {"kubeconfig": "of-the-play"}}]
    play.transport = "local"
    play.run(ecr_public_pull_secret_info, {}, FOUND)
    assert play.runs[0].args == {"kubeconfig": str(play.directory / "of-the-play")}


def test_a_cluster_that_the_play_names_for_others_only_is_an_error(play: Play) -> None:
    play.defaults = [{"group/kubernetes.core.k8s": {"host": "https://play.example"}}]
    with pytest.raises(AnsibleActionFail, match="module_defaults"):
        play.run(ecr_public_pull_secret_info, {})
    assert play.runs == []
