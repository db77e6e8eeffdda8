# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build Kubernetes and etcd from the Go modules that a go.mod names, once per version and machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from .cache import cache_root, content_key, locked, unfinished
from .errors import ClusterError
from .progress import run_with_progress

MODULE = Path(__file__).parent / "go"
"""The newest Kubernetes. FRESHPULL_KUBERNETES=1.30 selects the one of go-1.30 instead."""

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = ("kube-scheduler", "kubelet")

_ETCD = "go.etcd.io/etcd/server/v3"
_NAME_BY_GO = {"etcd": "server"}  # `go build` names a binary after the directory of its package


def binaries(*, node: bool) -> Path:
    """Return the directory with the binaries. Build missing ones first.

    :raises ClusterError: Go is missing or too old, the build failed, or KUBEBUILDER_ASSETS lacks a binary.
    """
    names = CONTROL_PLANE + (NODE if node else ())
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given:
        return _given(Path(given), names)
    module = kubernetes_module()
    directory = cache_root() / "bin" / binaries_key(module, go_version(module))
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


def binaries_key(module: Path, go_version: str) -> str:
    """Return the cache key: of go.mod, go.sum and the Go version."""
    return content_key((module / "go.mod").read_bytes(), (module / "go.sum").read_bytes(), go_version)


def kubernetes_version(go_mod: str) -> str:
    """Return the version of Kubernetes that a go.mod requires, such as v1.37.2."""
    return _required(go_mod, r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+\S*)")


def version_flags(version: str) -> str:
    """Return linker flags for small binaries that report their version (without them v0.0.0-master)."""
    major, minor = version.removeprefix("v").split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())])


def go_is_enough(found: str, wanted: str) -> bool:
    """Return whether Go `found` (from `go env GOVERSION`) can build a module whose go.mod requires `wanted`."""
    return _numbers(found) >= _numbers(wanted)


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
        run_with_progress(
            # -v prints the name of each compiled package (about 2,000), for the progress lines.
            ["go", "build", "-v", "-mod=readonly", "-ldflags", version_flags(version), "-o", f"{made}/", *packages],
            what=f"building {', '.join(names)} {version} (about 11 minutes on 2 cores the first time)",
            cwd=module,
        )
        for name in names:
            (made / _NAME_BY_GO.get(name, name)).rename(directory / name)


def go_version(module: Path = MODULE) -> str:
    """Return the version of Go, such as go1.26.8.

    :raises ClusterError: Go is missing, or too old for the module.
    """
    wanted = _required((module / "go.mod").read_text(encoding="utf-8"), r"^go (\S+)")
    advice = f"Parts of the test cluster are built from source with Go {wanted} or newer: install it"
    if module == MODULE:
        advice += ", or set KUBEBUILDER_ASSETS to a directory with the binaries"
    if not shutil.which("go"):
        raise ClusterError(f"Go is missing. {advice}.")
    found = subprocess.run(["go", "env", "GOVERSION"], cwd=module, capture_output=True, text=True, check=False)
    version = found.stdout.strip()
    if found.returncode or not go_is_enough(version, wanted):
        raise ClusterError(f"Go is too old: {version or found.stderr.strip()}. {advice}.")
    return version


def _required(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ClusterError(f"{MODULE / 'go.mod'} has no line that matches {pattern}. Restore the line.")
    return found[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
