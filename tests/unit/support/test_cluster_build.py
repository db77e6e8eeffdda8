# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build of the cluster's binaries: its versions and its cache."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from support.cluster.build import (
    CONTROL_PLANE,
    MODULE,
    NODE,
    binaries,
    kubernetes_module,
    kubernetes_modules,
    kubernetes_version,
    version_flags,
)
from support.cluster.cache import cache_root, content_key, locked, unfinished
from support.cluster.errors import ClusterError

GO_MOD = "module x\n\ngo 1.26.0\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.7.3\n\tk8s.io/kubernetes v1.37.2\n)\n"


def put(directory: Path, names: tuple[str, ...]) -> None:
    """Create empty programs."""
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).touch(mode=0o755)


def test_the_version_is_read_from_go_mod() -> None:
    assert kubernetes_version(GO_MOD) == "v1.37.2"
    assert kubernetes_version((MODULE / "go.mod").read_text(encoding="utf-8")).startswith("v1.")


def test_a_go_mod_without_kubernetes_is_rejected() -> None:
    with pytest.raises(ClusterError, match="has no line"):
        kubernetes_version("module x\n")


@pytest.mark.parametrize("minor", kubernetes_modules())
def test_a_module_is_named_by_its_kubernetes(minor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHPULL_KUBERNETES", minor)
    module = kubernetes_module()
    assert module.name == ("go" if module == MODULE else f"go-{minor}")
    go_mod = (module / "go.mod").read_text(encoding="utf-8")
    patch = kubernetes_version(go_mod).removeprefix("v1.")
    assert f"1.{patch}".startswith(f"{minor}.")
    staging = set(re.findall(r"^\tk8s\.io/\S+ => k8s\.io/\S+ (\S+)$", go_mod, re.MULTILINE))
    assert staging == {f"v0.{patch}"}


def test_the_newest_kubernetes_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRESHPULL_KUBERNETES", raising=False)
    assert kubernetes_module() == MODULE
    modules = kubernetes_modules()
    assert modules[max(modules, key=lambda minor: int(minor.removeprefix("1.")))] == MODULE


def test_another_kubernetes_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHPULL_KUBERNETES", "1.3")
    with pytest.raises(ClusterError, match=r"FRESHPULL_KUBERNETES is '1\.3'\. Set it to 1\.30 or 1\.34"):
        kubernetes_module()


def test_the_binaries_know_their_version() -> None:
    package = "k8s.io/component-base/version"
    assert version_flags("v1.37.2") == (
        f"-s -w -X {package}.gitVersion=v1.37.2 -X {package}.gitMajor=1 -X {package}.gitMinor=37"
    )


def test_parts_of_a_key_do_not_run_together() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("ab") == content_key(b"ab")


def test_given_binaries_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "assets", CONTROL_PLANE)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    assert binaries(node=False) == tmp_path / "assets"


def test_given_binaries_must_be_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "assets", ("etcd", "kube-apiserver", "kubectl"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    with pytest.raises(ClusterError, match=r"/assets has no kube-controller-manager\. Put them there"):
        binaries(node=False)
    put(tmp_path / "assets", CONTROL_PLANE)
    with pytest.raises(ClusterError, match=rf"/assets has no {', '.join(NODE)}\. Put them there"):
        binaries(node=True)


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        ({"FRESHPULL_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/freshpull"),
        ({}, "/home/x/.cache/freshpull"),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FRESHPULL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (environment | {"HOME": "/home/x"}).items():
        monkeypatch.setenv(name, value)
    assert cache_root() == Path(root)


def test_the_files_of_a_killed_build_are_removed(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with locked(cache, "a thing"), unfinished(cache) as made:
        (made / "half").touch()
        # A directory as a killed process leaves it.
        os.rename(made, made.with_name(made.name + "x"))
        made.mkdir()
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [made.name + "x"]
    with locked(cache, "a thing"):
        assert [path.name for path in cache.iterdir()] == ["lock"]
