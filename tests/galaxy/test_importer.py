# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Galaxy shows after an import. Its importer has no dependencies of the collection, as this environment.

Switched off by default, here and in the importer: ansible-test, which needs a container (`make sanity` runs it), and
flake8 (`make lint` runs ruff).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from galaxy.clean import REPOSITORY, Clean
from tools.artifact import ROOT, Artifact

DOCUMENTED = {"module": "modules", "lookup": "lookup", "filter": "filter"}
"""Kind to directory of plugins. Action plugins are documented by the modules of the same names."""


@pytest.fixture(scope="module")
def imported(artifact: Artifact, clean: Clean) -> tuple[list[str], dict[str, Any]]:
    """The importer's output, and the result that Galaxy stores."""
    lines = clean.output("python", "-m", "galaxy_importer.main", str(artifact.path)).splitlines()
    return lines, json.loads((clean.home / "importer_result.json").read_text(encoding="utf-8"))


def test_the_environment_has_no_other_collection(clean: Clean) -> None:
    assert json.loads(clean.output("ansible-galaxy", "collection", "list", "--format", "json")) == {}


def test_galaxy_has_no_finding(imported: tuple[list[str], dict[str, Any]]) -> None:
    lines, _result = imported
    expected = ("Importing with ", "Getting doc strings ", "Finding content ", "Loading ", "Linting collection ")
    ends = ["...ansible-lint run complete", "Collection loading complete", "Importer processing completed successfully"]
    assert [line for line in lines if not line.startswith(expected)] == ends


def test_galaxy_has_documentation_for_every_plugin(imported: tuple[list[str], dict[str, Any]]) -> None:
    _lines, result = imported
    described = {
        (content["content_type"], content["content_name"]): content["doc_strings"]["doc"]["description"]
        for content in result["docs_blob"]["contents"]
        if content["doc_strings"]
    }
    plugins = {
        (kind, path.stem) for kind, name in DOCUMENTED.items() for path in (ROOT / "plugins" / name).glob("[!_]*.py")
    }
    assert described.keys() == plugins
    assert all(described.values())


def test_galaxy_shows_the_readmes(imported: tuple[list[str], dict[str, Any]]) -> None:
    _lines, result = imported
    shown = {content["content_name"] for content in result["docs_blob"]["contents"] if content["readme_html"]}
    assert shown == {path.name for path in (ROOT / "roles").iterdir()}
    assert f'href="{REPOSITORY}/blob/' in result["docs_blob"]["collection_readme"]["html"]
