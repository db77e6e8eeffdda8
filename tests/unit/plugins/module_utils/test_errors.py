# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An unexpected error is named without its text, and an old Python by its version."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _errors

PLUGINS = Path(__file__).parents[4] / "plugins"
MODULES = sorted((PLUGINS / "modules").glob("*.py"))
CLUSTER = PLUGINS / "doc_fragments/_cluster.py"


def test_a_bug_is_named_without_its_text() -> None:
    with pytest.raises(KeyError) as caught:
        dict[str, int]()["never-shown"]
    text = _errors.bug("The write", caught.value)
    assert text.startswith("The write failed with an unexpected KeyError in test_errors.py, line ")
    assert "never-shown" not in text


def test_an_old_python_is_named_in_a_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A copy: other files keep the classes of the first import.
    spec = importlib.util.spec_from_file_location("copy_of_errors", _errors.__file__)
    assert spec
    assert spec.loader
    copy = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", (3, 8, 10))
        with pytest.raises(SystemExit) as ended:
            spec.loader.exec_module(copy)
    result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["failed"]) == (1, True)
    words = r"needs Python 3\.9 or newer on the host .* this is Python 3\.8\. Set ansible_python_interpreter"
    assert re.search(words, result["msg"])


@pytest.mark.parametrize("path", [Path(_errors.__file__), *MODULES], ids=lambda path: path.stem)
def test_python_3_7_can_parse_what_names_the_version(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_imports_it_first_and_documents_the_version(path: Path) -> None:
    text = path.read_text()
    imports = [node.module or "" for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    own = [name for name in imports if name.startswith("ansible_collections.")]
    assert own[0].endswith("._errors")
    fragment = CLUSTER.read_text() if "freshpull.ecr_public._cluster\n" in text else ""
    assert "  - Python 3.9 or newer, on the host that runs the module\n" in text + fragment
