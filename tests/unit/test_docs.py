# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare README and guides with the code: examples, options, permissions, versions and tables."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.loader import lookup_loader
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options as login_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    info_options,
    managed_metadata,
    pull_findings,
    replay,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    options as pull_secret_options,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import (
    options as refresher_options,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import permissions
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_pull_secret, ecr_public_pull_secret_info
from support import permissions_guide
from support.refresher_settings import CASES
from unit.cases import decide

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs/docsite/rst").glob("*.rst"))
README = ROOT / "README.md"
ROLE = ROOT / "roles/pull_secret"
MARKDOWN = [README, ROLE / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
DOCUMENTS = [README, ROLE / "README.md", *GUIDES]
COLLECTION = "freshpull.ecr_public"
MODULE = f"{COLLECTION}.ecr_public_pull_secret"
LOOKUP = f"{COLLECTION}.ecr_public_token"
OPTIONS = {
    MODULE: {**AUTH_ARG_SPEC, **pull_secret_options.PULL_SECRET},
    f"{MODULE}_info": {**AUTH_ARG_SPEC, **info_options.PULL_SECRET_INFO},
    f"{COLLECTION}.ecr_public_login": login_options.LOGIN,
    f"{COLLECTION}.ecr_public_refresher": {**AUTH_ARG_SPEC, **refresher_options.SPEC},
}

# A variable of the playbook, and the fact that the role sets.
OTHER_VARIABLES = {"pull_secret_hosts", "pull_secret_result"}
# No result contains these: they fail the whole task or become another reason.
INTERNAL_REASONS = {"no_cluster", "not_found"}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    """Return the code blocks in one language, from Markdown or reStructuredText."""
    if path.suffix == ".md":
        return re.findall(rf"^```{language}\n(.*?)^```", read(path), re.MULTILINE | re.DOTALL)
    found = re.findall(rf"^( *)\.\. code-block:: {language}\n\n((?:\1 +.*\n|\n)+)", read(path) + "\n", re.MULTILINE)
    return [textwrap.dedent(block) for _indent, block in found]


def examples(path: Path) -> list[Any]:
    return [document for block in blocks(path, "yaml") for document in yaml.safe_load_all(block)]


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings in a value, including the value itself."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from mappings(child)


@cache
def role_options() -> dict[str, Any]:
    specs = yaml.safe_load(read(ROLE / "meta/argument_specs.yml"))["argument_specs"]
    options: dict[str, Any] = specs["main"]["options"]
    return options


@cache
def lookup_options() -> set[str]:
    options = lookup_loader.get(LOOKUP).option_definitions
    return {name for option, definition in options.items() for name in (option, *definition.get("aliases", []))}


def cluster_options() -> set[str]:
    return {name for option, spec in AUTH_ARG_SPEC.items() for name in (option, *spec.get("aliases", []))}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_example_is_found(path: Path) -> None:
    """Blocks are found by their form, and one could be missed without an error."""
    assert len(blocks(path, "yaml")) == len(re.findall(r"^ *(?:```|\.\. code-block:: )yaml$", read(path), re.MULTILINE))
    assert all(examples(path))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_tasks_in_examples_use_the_options_of_the_module(path: Path) -> None:
    for mapping in mappings(examples(path)):
        for module in OPTIONS.keys() & mapping.keys():
            options = mapping[module] or {}
            token = options.pop("token", None)
            assert token in (None, "{{ ecr_public_token }}")
            assert ArgumentSpecValidator(OPTIONS[module]).validate(options).error_messages == []
            assert set(options.get("aws", {})) <= lookup_options()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_variables_in_examples_are_those_of_the_role(path: Path) -> None:
    for mapping in mappings(examples(path)):
        given = {name: value for name, value in mapping.items() if str(name).startswith("pull_secret_")}
        given = {name: value for name, value in given.items() if name not in OTHER_VARIABLES}
        assert ArgumentSpecValidator(role_options()).validate(given).error_messages == []
        assert set(given.get("pull_secret_aws", {})) <= lookup_options()
        assert set(given.get("pull_secret_cluster", {})) <= cluster_options()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_defaults_in_examples_are_of_groups_that_have_them(path: Path) -> None:
    known = {f"group/{COLLECTION}.k8s": cluster_options(), f"group/{COLLECTION}.aws": {"aws"}}
    for mapping in mappings(examples(path)):
        for group, options in mapping.get("module_defaults", {}).items():
            assert set(options) <= known[group]
            assert set(options.get("aws", {})) <= lookup_options()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_local_plays_in_examples_run_modules_with_the_python_of_ansible(path: Path) -> None:
    """Another Python, such as that of the system, usually has no library kubernetes."""
    own = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    for mapping in mappings(examples(path)):
        if "local" in (mapping.get("connection"), mapping.get("ansible_connection")):
            assert own.items() <= {**mapping, **mapping.get("vars", {})}.items()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_variables_in_the_text_exist(path: Path) -> None:
    assert set(re.findall(r"\bpull_secret_[a-z_]+", read(path))) <= set(role_options()) | OTHER_VARIABLES


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_lookups_in_examples_use_its_options(path: Path) -> None:
    for arguments in re.findall(rf"lookup\('{re.escape(LOOKUP)}'(.*?)\)", read(path), re.DOTALL):
        assert set(re.findall(r"(\w+)=", arguments)) <= lookup_options()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z0-9]+)", read(path))) <= targets


ON_SECURITY = [ROOT / "SECURITY.md", ROOT / "docs/docsite/rst/guide_security.rst"]


def test_the_iam_policy_is_the_one_of_the_errors_and_only_in_the_readme() -> None:
    shown = {name_of(path): [json.loads(block) for block in blocks(path, "json")] for path in MARKDOWN + GUIDES}
    policies = {name: [each for each in found if "Statement" in each] for name, found in shown.items()}
    tokens = {
        name: [each for each in found if "GetServiceBearerToken" in str(each)] for name, found in policies.items()
    }
    assert {name: found for name, found in tokens.items() if found} == {"README.md": [_aws_errors.POLICY]}


@pytest.mark.parametrize("setting", ["ANSIBLE_DEBUG", "ANSIBLE_KEEP_REMOTE_FILES"])
@pytest.mark.parametrize("path", ON_SECURITY, ids=name_of)
def test_settings_of_ansible_that_show_a_token_are_named(path: Path, setting: str) -> None:
    assert re.search(rf"``?{setting}(=1)?``?", read(path))


def test_the_refresher_s_permissions_are_those_of_the_module() -> None:
    granted = [role for case in ("listed", "selector") for role in permissions.cluster_roles(CASES[case])]
    titles = [{"name": each["metadata"]["name"]} for each in granted]
    shown = [
        mapping["rules"] for mapping in mappings(examples(permissions_guide.GUIDE)) if mapping.get("metadata") in titles
    ]
    assert shown == [each["rules"] for each in granted]


def test_the_roles_of_the_guide_are_those_of_its_table() -> None:
    """tests/e2e/test_rights.py runs the module with the permissions of each row."""
    named = {role for row in permissions_guide.ways().values() for roles in row for role in roles}
    assert named == {role for role in permissions_guide.roles() if role.startswith("ecr-public-secret")}
    assert len(permissions_guide.ways()) == len(
        re.findall(r"^   \* - (?!Use$)", read(permissions_guide.GUIDE), re.MULTILINE)
    )


def test_the_content_table_lists_all_content() -> None:
    listed = set(re.findall(r"^\| ([A-Z][a-z ]+) `(\w+)` \|", read(README), re.MULTILINE))
    groups = yaml.safe_load(read(ROOT / "meta/runtime.yml"))["action_groups"]
    kinds = {"Lookup": "plugins/lookup/*.py", "Module": "plugins/modules/*.py", "Filter": "plugins/filter/*.py"}
    kinds |= {"Role": "roles/*", "Playbook": "playbooks/*.yml"}
    there = {(kind, path.stem) for kind, pattern in kinds.items() for path in ROOT.glob(pattern)}
    assert listed == there | {("Action group", group) for group in groups}


def headings(path: Path) -> set[str]:
    """Return the anchors of a Markdown file, as repository pages make them from its headings."""
    titles = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_links_within_the_checkout_exist(path: Path) -> None:
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", read(path)):
        target = path.parent / link if link else path
        assert target.exists(), link
        assert not anchor or anchor in headings(target), anchor


def test_contributing_names_files_that_exist() -> None:
    text = read(ROOT / "CONTRIBUTING.md").partition("## How it works")[2].partition("\n## ")[0]
    named = set(re.findall(r"[\w/]+\.py", text))
    assert len(named) > 20
    assert sorted(name for name in named if not any((ROOT / "plugins").rglob(name.removeprefix("plugins/")))) == []


def test_every_guide_is_listed() -> None:
    listed = yaml.safe_load(read(ROOT / "docs/docsite/extra-docs.yml"))["sections"]
    names = [path.stem for path in GUIDES]
    assert sorted(name for section in listed for name in section["toctree"]) == names
    assert sorted(set(re.findall(r"docs/docsite/rst/(\w+)\.rst", read(README)))) == names


def pinned(path: str, package: str) -> str:
    """Return the version that a lock file pins; the newest, if it pins others for older versions of Python."""
    versions = re.findall(rf"^{package}==([0-9.]+)", read(ROOT / path), re.MULTILINE)
    return max(versions, key=lambda version: [int(part) for part in version.split(".")])


@pytest.mark.parametrize(
    ("row", "package"),
    [("ansible-core", "ansible-core"), ("boto3", "boto3"), ("kubernetes (Python)", "kubernetes")],
)
def test_the_versions_are_those_of_the_locks(row: str, package: str) -> None:
    shown = re.search(rf"^\| {re.escape(row)} \| (\S+) \| (\S+) \|$", read(README), re.MULTILINE)
    assert shown
    assert shown.group(1) == pinned("tests/requirements-oldest.txt", package)
    assert shown.group(2) == pinned("tests/requirements.txt", package)


def test_the_oldest_collections_are_those_of_galaxy_yml() -> None:
    for name, wanted in yaml.safe_load(read(ROOT / "galaxy.yml"))["dependencies"].items():
        assert f"| {name} | {wanted.removeprefix('>=')} | " in read(README)


def test_the_version_of_the_cluster_is_the_one_that_is_built() -> None:
    built = re.search(r"^\tk8s\.io/kubernetes v(\S+)$", read(ROOT / "tests/support/cluster/go/go.mod"), re.MULTILINE)
    assert built
    assert f"Kubernetes {built.group(1)}" in read(README)


# --- The tables of the guides


def rows(guide: str) -> list[list[str]]:
    """Return the first two cells of each row of the guide's tables, without the markup of code."""
    text = read(ROOT / "docs/docsite/rst" / f"{guide}.rst")
    found = re.findall(r"^   \* - (.*)\n     - (.*)$", text, re.MULTILINE)
    return [[re.sub(r"^``(\w+)``$", r"\1", cell) for cell in row] for row in found]


def failures() -> list[str]:
    """Return the reasons in the guide to troubleshooting: the first cells of its tables that are code."""
    text = read(ROOT / "docs/docsite/rst/guide_troubleshooting.rst")
    return re.findall(r"^   \* - ``([a-z_]+)``$", text, re.MULTILINE)


def words_of(literal: Any) -> set[str]:
    """The values of a Literal, or of a Union of them."""
    return {word for part in get_args(literal) for word in ([part] if isinstance(part, str) else words_of(part))}


def code_reasons() -> set[str]:
    return words_of(Reason) - INTERNAL_REASONS


def test_each_finding_has_an_entry_in_the_guide() -> None:
    text = read(ROOT / "docs/docsite/rst/guide_pull_failures.rst")
    outcomes, codes = text.split("Findings\n--------")
    cells = re.compile(r"^   \* - ``([a-z_]+)``$", re.MULTILINE)
    assert cells.findall(codes) == ["code", *get_args(pull_findings.Code)]
    assert sorted(cells.findall(outcomes)) == sorted(["outcome", *get_args(replay.PullOutcome)])


def test_the_info_module_s_documentation_names_every_outcome_and_state() -> None:
    namespaces = yaml.safe_load(ecr_public_pull_secret_info.RETURN)["namespaces"]
    pull = namespaces["contains"]["pull"]["contains"]
    for described, words in (
        (pull["outcome"], replay.PullOutcome),
        (pull["chain"]["contains"]["state"], replay.LinkState),
    ):
        assert set(re.findall(r"\bV\((\w+)\)", str(described["description"]))) == words_of(words)


def test_each_reason_is_used() -> None:
    definitions = ("_pull_secret/reasons.py", "_kubernetes/api.py")
    sources = [path for path in (ROOT / "plugins/module_utils").rglob("*.py") if not str(path).endswith(definitions[0])]
    code = "".join(read(path) for path in sources)
    api = read(ROOT / "plugins/module_utils" / definitions[1])
    defined = api[api.index("ErrorReason = ") : api.index("class ClusterError")]
    assert {reason for reason in words_of(Reason) if f'"{reason}"' not in code.replace(defined, "")} == set()


def test_the_module_s_documentation_names_every_reason() -> None:
    namespaces = yaml.safe_load(ecr_public_pull_secret.RETURN)["namespaces"]
    described = str(namespaces["contains"]["reason"]["description"])
    assert set(re.findall(r"V\((\w+)\)", described)) == code_reasons()


def test_the_guides_explain_the_reasons_of_the_code() -> None:
    decided = {reason for _action, reason in rows("guide_decisions") if re.fullmatch("[a-z_]+", reason)}
    assert decided | set(failures()) == code_reasons()


def test_the_guide_lists_what_the_table_of_cases_has() -> None:
    decided = set(map(tuple, rows("guide_decisions")))
    for case in decide.load():
        found = (case.expect["action"], case.expect["reason"])
        assert found in decided or (found[0] == "failed" and found[1] in failures()), case.name


def test_the_guide_lists_the_managed_metadata() -> None:
    labels = {managed_metadata.MANAGED_LABEL, managed_metadata.OWNER_LABEL, managed_metadata.MANAGED_BY_LABEL}
    keys = labels | set(managed_metadata.ANNOTATIONS)
    text = read(ROOT / "docs/docsite/rst/guide_decisions.rst")
    assert set(re.findall(r"^   \* - (?:label|annotation) ``(\S+)``$", text, re.MULTILINE)) == keys
