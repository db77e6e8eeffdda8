# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for the collection as a whole: statements of one file about another must be true."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
# REUSE-IgnoreStart
COPYRIGHT = "# Copyright (c) 2026, freshpull contributors"
LICENCE = (
    "# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)"
)
SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later"
# REUSE-IgnoreEnd
MOST_LINES = 400
CODE = (".py", ".sh")
# Split, because this file must not name them either: the user configures the package registries.
REGISTRIES = (".".join(("pypi", "org")), ".".join(("pythonhosted", "org")), ".".join(("proxy", "golang", "org")))

# These files have no functions: documentation, names and error classes.
WITHOUT_UNIT_TESTS = (
    "doc_fragments/*.py",
    "module_utils/_pull_secret/managed_metadata.py",
    "module_utils/_pull_secret/reasons.py",
)


@cache
def files() -> tuple[Path, ...]:
    """Return the files of the checkout, including new ones, relative to its root."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    return tuple(sorted(Path(name) for name in set(listed.split("\0")) if name and (ROOT / name).is_file()))


def code_files() -> list[Path]:
    return [path for path in files() if path.suffix in CODE]


def plugin_files(kind: str) -> list[Path]:
    return [path for path in files() if path.parent == Path("plugins", kind) and path.suffix == ".py"]


@cache
def documentation(kind: str, directory: str) -> dict[str, dict[str, Any]]:
    """Return ansible-doc's documentation, with fragments, of the plugins in a directory, by name."""
    names = [f"freshpull.ecr_public.{path.stem}" for path in plugin_files(directory)]
    program = str(Path(sys.executable).with_name("ansible-doc"))
    output = json.loads(subprocess.check_output([program, "--json", "--type", kind, *names], cwd=ROOT, text=True))
    assert sorted(output) == sorted(names)
    return {name.rpartition(".")[2]: described["doc"] for name, described in output.items()}


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def starts_with_the_licence(path: Path) -> bool:
    lines = read(path).splitlines()
    if lines and lines[0].startswith("#!"):
        del lines[0]
    # ansible-test requires some empty __init__.py.
    return lines[:3] == [COPYRIGHT, LICENCE, SPDX] or (path.name == "__init__.py" and not lines)


def test_code_names_its_licence() -> None:
    assert [str(path) for path in code_files() if not starts_with_the_licence(path)] == []


def test_code_files_are_short_enough_to_read() -> None:
    assert [str(path) for path in code_files() if len(read(path).splitlines()) > MOST_LINES] == []


def test_python_has_the_future_import() -> None:
    modules = [path for path in code_files() if path.suffix == ".py" and ast.parse(read(path)).body]
    assert [str(path) for path in modules if "\nfrom __future__ import annotations\n" not in read(path)] == []


def unit_test_of(path: Path) -> Path:
    """Return the file with a plugin file's unit tests: the same directory below tests/unit, without the underscore."""
    return Path("tests", "unit", path.parent, f"test_{path.stem.removeprefix('_')}.py")


def test_each_plugin_file_has_its_unit_tests_at_the_mirrored_path() -> None:
    plugins = [path for path in code_files() if path.parts[0] == "plugins"]
    tested = [path for path in plugins if not any(path.match(f"plugins/{each}") for each in WITHOUT_UNIT_TESTS)]
    assert [str(path) for path in tested if unit_test_of(path) not in files()] == []


@pytest.mark.parametrize(("kind", "directory"), [("module", "modules"), ("lookup", "lookup"), ("filter", "filter")])
def test_plugins_say_since_when_they_exist(kind: str, directory: str) -> None:
    for name, described in documentation(kind, directory).items():
        assert described["version_added"] == VERSION, name


def test_roles_say_since_when_they_exist() -> None:
    for path in files():
        if path.match("roles/*/meta/argument_specs.yml"):
            for name, entry in yaml.safe_load(read(path))["argument_specs"].items():
                assert entry["version_added"] == VERSION, f"{path}: {name}"


def test_documentation_needs_no_other_collection() -> None:
    """Galaxy runs ansible-doc without the dependencies."""
    named = {
        fragment
        for directory in ("modules", "lookup", "filter")
        for path in plugin_files(directory)
        for fragment in re.findall(r"^  - ([\w.]+)$", fragments_of(path), re.MULTILINE)
    }
    assert {f"freshpull.ecr_public.{path.stem}" for path in plugin_files("doc_fragments")} <= {
        ".".join(fragment.split(".")[:3]) for fragment in named
    }
    assert [fragment for fragment in sorted(named) if not fragment.startswith("freshpull.ecr_public.")] == []


def fragments_of(path: Path) -> str:
    """Return the text of a plugin's list of documentation fragments."""
    found = re.search(r"^extends_documentation_fragment:\n((?:  - .*\n)+)", read(path), re.MULTILINE)
    return found.group(1) if found else ""


def lowest_versions() -> dict[str, str]:
    """Return the lowest version of each library in requirements.txt."""
    lines = read(Path("requirements.txt")).splitlines()
    return dict(line.split(">=") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize(("kind", "directory", "libraries"), [("module", "modules", 1), ("lookup", "lookup", 2)])
def test_requirements_with_versions_are_those_of_the_collection(kind: str, directory: str, libraries: int) -> None:
    named = {
        requirement
        for described in documentation(kind, directory).values()
        for requirement in re.findall(r"[a-z0-9]+ >= [0-9.]+", str(described.get("requirements")))
    }
    assert len(named) == libraries
    assert named <= {f"{name} >= {version}" for name, version in lowest_versions().items()}


@pytest.mark.parametrize(("group", "option"), [("k8s", "kubeconfig"), ("aws", "aws")])
def test_action_groups_hold_the_modules_with_their_options(group: str, option: str) -> None:
    having = {name for name, described in documentation("module", "modules").items() if option in described["options"]}
    assert {member for member in RUNTIME["action_groups"][group] if isinstance(member, str)} == having


def test_modules_state_the_same_attributes() -> None:
    groups = {
        name: {each for each in members if isinstance(each, str)} for name, members in RUNTIME["action_groups"].items()
    }
    for name, described in documentation("module", "modules").items():
        attributes = described["attributes"]
        assert {"check_mode", "diff_mode", "idempotent", "async", "platform"} == attributes.keys() - {"action_group"}
        membership = attributes.get("action_group", {}).get("membership", [])
        assert membership == [f"freshpull.ecr_public.{group}" for group, members in groups.items() if name in members]


def test_the_group_for_clusters_serves_kubernetes_core_too() -> None:
    assert {"metadata": {"extend_group": ["kubernetes.core.k8s"]}} in RUNTIME["action_groups"]["k8s"]


def test_metadata_agrees() -> None:
    lowest = lowest_versions()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", read(Path("tests/requirements-oldest.txt")), re.MULTILINE))
    assert {name: pinned[name] for name in lowest} == lowest
    assert RUNTIME["requires_ansible"] == ">=" + ".".join(pinned["ansible-core"].split(".")[:2]) + ".0"


def test_no_package_registry_is_named() -> None:
    contents = {str(path): (ROOT / path).read_bytes() for path in files()}
    assert [path for path, content in contents.items() if any(host.encode() in content for host in REGISTRIES)] == []
