# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cells of the matrix: which versions are tested together, and by which commands."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from support.cluster.build import kubernetes_modules

VENVS = Path(".cache/matrix")
ENVIRONMENT = "environment"
"""The step that creates the virtual environment of a cell. Without its Python the cell is not run."""

# ansible-core, and what installs it: the locked oldest versions, or the package `ansible` that brings this version and
# the collections of its time.
_CORES = {
    "2.17": ("tests/requirements-oldest.txt",),
    "2.18": ("tests/requirements-matrix.in", "ansible==11.*"),
    "2.19": ("tests/requirements-matrix.in", "ansible==12.*"),
    "2.20": ("tests/requirements-matrix.in", "ansible==13.*"),
    "2.21": ("tests/requirements-matrix.in", "ansible==14.*"),
}
# Python on the control node: for each ansible-core the oldest that the collection supports, then others.
_PYTHONS = {"2.17": "3.11", "2.18": "3.11", "2.19": "3.11", "2.20": "3.12", "2.21": "3.12"}
_MORE_PYTHONS = (
    ("2.17", "3.10"),
    ("2.17", "3.12"),
    ("2.18", "3.13"),
    ("2.19", "3.13"),
    ("2.20", "3.14"),
    ("2.21", "3.14"),
)
_TARGETS = ("3.9",)
# On a real node: the module, the role with the refresher, the selector with its policy, and pulls by pods.
_ON_A_NODE = "test_module or test_node_pulls or test_node_refresher or test_role_selector"


@dataclasses.dataclass(frozen=True)
class Step:
    """A command of a cell. counts: it runs tests, whose number is recorded."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    counts: bool = True


@dataclasses.dataclass(frozen=True)
class Cell:
    """Versions that are tested together. kind: of its table. probes: commands that print its versions as JSON."""

    name: str
    kind: str
    steps: tuple[Step, ...]
    probes: tuple[Step, ...]


def cells() -> list[Cell]:
    """Return all cells, in the order in which they run."""
    return [
        *(_core(core, python) for core, python in _PYTHONS.items()),
        *(_target(python) for python in _TARGETS),
        *(_kubernetes(minor) for minor in sorted(kubernetes_modules())),
        *(_core(core, python) for core, python in _MORE_PYTHONS),
    ]


def _core(core: str, python: str) -> Cell:
    name = f"ansible-core-{core}-python-{python}"
    venv = VENVS / name
    here = {"VENV": str(venv)}
    return Cell(
        name=name,
        kind="ansible-core",
        steps=(
            _environment(venv, python, _CORES[core]),
            Step("sanity", ("tests/tools/sanity.sh",), here),
            Step("unit", ("tests/tools/unit.sh",), here),
            Step("integration", ("tests/tools/integration.sh",), here),
        ),
        probes=(_libraries(str(venv / "bin/python")),),
    )


def _target(python: str) -> Cell:
    name = f"target-python-{python}"
    interpreter = str((VENVS / name / "bin/python").absolute())
    return Cell(
        name=name,
        kind="target",
        steps=(
            _environment(VENVS / name, python, ("tests/requirements-target.in",)),
            Step("integration", ("tests/tools/integration.sh",), {"TARGET_PYTHON": interpreter}),
        ),
        probes=(_libraries(interpreter), _libraries(sys.executable, "control node: ")),
    )


def _kubernetes(minor: str) -> Cell:
    here = {"FRESHPULL_KUBERNETES": minor, "TIER": "core"}
    cluster = (sys.executable, "-m", "support.cluster")
    version = (*cluster, "run", "--", sys.executable, "-m", "matrix.versions", "--cluster")
    return Cell(
        name=f"kubernetes-{minor}",
        kind="kubernetes",
        steps=(
            Step("build", (*cluster, "build", "--node"), here, counts=False),
            Step("e2e", ("tests/tools/e2e.sh", "-k", _ON_A_NODE), here),
        ),
        probes=(Step("versions", version, here, counts=False),),
    )


def _environment(venv: Path, python: str, requirements: tuple[str, ...]) -> Step:
    minor = python.removeprefix("3.")
    command = ("tests/tools/matrix_venv.sh", str(venv), minor, *requirements)
    return Step(ENVIRONMENT, command, counts=False)


def _libraries(python: str, prefix: str = "") -> Step:
    return Step("versions", (python, "tests/matrix/versions.py", prefix), counts=False)
