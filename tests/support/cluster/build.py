# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build Kubernetes and etcd from the Go modules that a go.mod names, once per version and machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .cache import cache_root, locked, unfinished
from .errors import ClusterError
from .golang import go_build, module_key

MODULE = Path(__file__).parent / "go"
"""The newest Kubernetes. FRESHPULL_KUBERNETES=1.30 selects the one of go-1.30 instead."""

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = ("kube-scheduler", "kubelet")

_ETCD = "go.etcd.io/etcd/server/v3"
_NAME_BY_GO = {"etcd": "server"}  # `go build` names a binary after the directory of its package


def binaries(*, node: bool) -> Path:
    """Return the directory with the binaries. Build missing ones first.

    :raises ClusterError: there is no Go, the build failed, or KUBEBUILDER_ASSETS lacks a binary.
    """
    names = CONTROL_PLANE + (NODE if node else ())
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given:
        return _given(Path(given), names)
    module = kubernetes_module()
    directory = cache_root() / "bin" / module_key(module)
    if _missing(directory, names):
        with locked(directory, "Kubernetes"):
            _build(module, directory, _missing(directory, names))
    return directory


def kubernetes_modules() -> dict[str, Path]:
    """Return the directories of the Go modules that name a Kubernetes, by its minor version, such as 1.37."""
    modules = {}
    for module in (MODULE, *MODULE.parent.glob("go-1.*")):
        version = kubernetes_version((module / "go.mod").read_text(encoding="utf-8"))
        modules[".".join(version.removeprefix("v").split(".")[:2])] = module
    return modules


def kubernetes_module() -> Path:
    """Return the one of the Kubernetes in FRESHPULL_KUBERNETES; if that is not set, of the newest.

    :raises ClusterError: there is none for this Kubernetes.
    """
    minor = os.environ.get("FRESHPULL_KUBERNETES")
    if not minor:
        return MODULE
    modules = kubernetes_modules()
    if minor not in modules:
        raise ClusterError(
            f"FRESHPULL_KUBERNETES is {minor!r}. Set it to {' or '.join(sorted(modules))}, or add a module for it."
        )
    return modules[minor]


def kubernetes_version(go_mod: str) -> str:
    """Return the version of Kubernetes that a go.mod requires, such as v1.37.2."""
    return _required(go_mod, r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+\S*)")


def version_flags(version: str) -> str:
    """Return linker flags for small binaries that report their version (without them v0.0.0-master)."""
    major, minor = version.removeprefix("v").split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())])


def _given(directory: Path, names: tuple[str, ...]) -> Path:
    missing = _missing(directory, names)
    if missing:
        raise ClusterError(
            f"KUBEBUILDER_ASSETS: {directory} has no {', '.join(missing)}. "
            f"Put them there, or unset KUBEBUILDER_ASSETS to build them from source."
        )
    return directory.absolute()


def _missing(directory: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if not os.access(directory / name, os.X_OK))


def _build(module: Path, directory: Path, names: tuple[str, ...]) -> None:
    if not names:
        return
    version = kubernetes_version((module / "go.mod").read_text(encoding="utf-8"))
    packages = [_ETCD if name == "etcd" else f"k8s.io/kubernetes/cmd/{name}" for name in names]
    with unfinished(directory) as made:
        go_build(
            module,
            f"{made}/",
            packages,
            f"-ldflags={version_flags(version)}",
            what=f"building {', '.join(names)} {version} (about 11 minutes on 2 cores the first time)",
        )
        for name in names:
            (made / _NAME_BY_GO.get(name, name)).rename(directory / name)


def _required(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ClusterError(f"{MODULE / 'go.mod'} has no line that matches {pattern}. Restore the line.")
    return found[1]
