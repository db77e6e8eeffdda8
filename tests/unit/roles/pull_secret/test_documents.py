# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's README, argument_specs, defaults and module options agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options as pull_secret_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import options

ROLE = Path(__file__).parents[4] / "roles/pull_secret"
README = (ROLE / "README.md").read_text()
DEFAULTS: dict[str, Any] = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
OPTIONS: dict[str, Any] = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]
VARS: dict[str, Any] = yaml.safe_load((ROLE / "vars/main.yml").read_text())
COLLECTION = "freshpull.ecr_public."
REFRESHER, PULL_SECRET = f"{COLLECTION}ecr_public_refresher", f"{COLLECTION}ecr_public_pull_secret"

# The variables that are no texts, and their types. Ansible would check them before the role can convert them.
TYPED: dict[str, str] = {
    name: match.group(1)
    for name, option in OPTIONS.items()
    if (match := re.search(r"The type is (\w+)\.", str(option["description"])))
}

NO_DEFAULT = {
    "pull_secret_refresher_aws_auth",
    "pull_secret_refresher_aws_access_key",
    "pull_secret_refresher_aws_secret_key",
    "pull_secret_refresher_aws_existing_secret",
}


def tasks_of(content: Any) -> Iterator[dict[str, Any]]:
    """Yield each task of a file, including those in blocks."""
    for task in content:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_of(task.get(part, []))


@pytest.mark.parametrize("path", sorted(ROLE.glob("*/*.yml")), ids=lambda path: "/".join(path.parts[-2:]))
def test_no_loop_of_the_role_sets_item(path: Path) -> None:
    """If include_role is in a loop, the role's own loops would change the value of the caller's `item`."""
    text = path.read_text()
    assert re.findall(r"\bitem\b|\bwith_\w+:", text) == []
    if path.parent.name == "tasks":
        looping = [task for task in tasks_of(yaml.safe_load(text)) if "loop" in task]
        named = [task.get("loop_control", {}).get("loop_var", "item") for task in looping]
        assert [name for name in named if not name.startswith("_pull_secret_")] == []


def test_defaults_equal_the_argument_specs() -> None:
    assert {name for name, option in OPTIONS.items() if "default" not in option} == NO_DEFAULT
    assert {name: option["default"] for name, option in OPTIONS.items() if "default" in option} == DEFAULTS


def test_the_readme_lists_every_variable_with_its_default() -> None:
    rows = re.findall(r"^\| `(pull_secret_\w+)` \| (.*?) \| (.+) \|$", README, flags=re.MULTILINE)
    assert sorted(name for name, _default, _meaning in rows) == sorted(OPTIONS)
    for name, default, _meaning in rows:
        assert default == "-" if name in NO_DEFAULT else yaml.safe_load(default.strip("`")) == DEFAULTS[name], name


# --- Options that the role passes to the modules

TASKS: dict[str, dict[str, Any]] = {
    task["name"]: task for task in tasks_of(yaml.safe_load((ROLE / "tasks/main.yml").read_text()))
}
CONNECTION = {name for option, spec in AUTH_ARG_SPEC.items() for name in (option, *spec.get("aliases", []))}
SPECS: dict[str, dict[str, Any]] = {
    REFRESHER: {name: spec for name, spec in options.SPEC.items() if name != options.PROGRAM},
    PULL_SECRET: pull_secret_options.PULL_SECRET,
}
# Defaults that the module computes.
NOT_GIVEN: dict[str, Any] = {"namespaces": [], "namespace_selector": []}
# The variable of an option is pull_secret_OPTION or pull_secret_refresher_OPTION, with these exceptions.
RENAMED = {
    "aws_proxy": "pull_secret_refresher_proxy",
    "aws_no_proxy": "pull_secret_refresher_no_proxy",
    # These two are of the pull secrets.
    "labels": "pull_secret_labels",
    "annotations": "pull_secret_annotations",
    "object_labels": "pull_secret_refresher_labels",
    "object_annotations": "pull_secret_refresher_annotations",
}
# Options with a computed value.
COMPUTED = {
    "namespaces": "{{ _pull_secret_globs }}",
    "namespace_selector": "{{ [_pull_secret_selector] }}",
    "prune": "{{ _pull_secret_owner != '' }}",
    "find_orphans": True,
}
# The refresher's owner is computed by its module.
COMPUTED_FOR_SECRETS = {**COMPUTED, "owner": "{{ _pull_secret_owner }}"}


def passed(name: str, module: str) -> dict[str, Any]:
    """Return the options that a task passes to its module, without those of the connection."""
    return {option: value for option, value in TASKS[name][module].items() if option not in CONNECTION}


INSTALLED = passed("Install or update the refresher", REFRESHER)
CHECKED = passed("Check which secrets of the cluster are due", PULL_SECRET)
WRITTEN = passed("Write the pull secrets that are missing or due", PULL_SECRET)


OF_DICTS = {
    f"pull_secret_refresher_{option}" for option, spec in options.SPEC.items() if spec.get("elements") == "dict"
}


def value_of(variable: str) -> str:
    """The name of a variable with its type."""
    return f"_pull_secret_typed_{variable.removeprefix('pull_secret_')}" if variable in TYPED else variable


def test_the_types_are_documented_and_converted_in_one_place() -> None:
    assert {name for name, option in OPTIONS.items() if option["type"] == "raw"} == set(TYPED)
    assert {option["type"] for option in OPTIONS.values()} == {"raw", "str"}
    for name, kind in TYPED.items():
        default = f", {DEFAULTS[name]}" if kind in ("list", "dict") and DEFAULTS[name] else ""
        if name == "pull_secret_namespace_selector":
            # A text of the selector contains commas.
            kind = "selector"
        elif kind == "list" and name in OF_DICTS:
            kind = "dicts"
        expected = f"{{{{ {name} | freshpull.ecr_public.typed('{kind}', '{name}'{default}) }}}}"
        assert " ".join(VARS[value_of(name)].split()) == expected
    assert re.findall(r"\w+", VARS["_pull_secret_typed"]) == [value_of(name) for name in OPTIONS if name in TYPED]


def variable_of(module: str, option: str) -> str:
    own = f"pull_secret_refresher_{option}" if module == REFRESHER else ""
    return RENAMED.get(option, own if own in OPTIONS else f"pull_secret_{option}")


def keys_of(mapping: yaml.MappingNode) -> list[str]:
    """Return the keys of a mapping, with those that it merges. A key that is there twice is listed twice."""
    keys: list[str] = []
    for key, value in mapping.value:
        if key.value != "<<":
            keys.append(key.value)
            continue
        for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            keys += keys_of(merged)
    return keys


def mappings_in(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _key, value in node.value:
            yield from mappings_in(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from mappings_in(value)


def test_no_merged_mapping_has_a_key_twice() -> None:
    """Ansible warns about each such key in each run."""
    for mapping in mappings_in(yaml.compose((ROLE / "tasks/main.yml").read_text())):
        keys = keys_of(mapping)
        assert [key for key in set(keys) if keys.count(key) > 1] == [], mapping.start_mark


def test_all_tasks_are_in_one_file() -> None:
    """tasks_from could run another file without the checks of the variables."""
    assert [path.name for path in (ROLE / "tasks").iterdir()] == ["main.yml"]
    assert len(TASKS) == len(list(tasks_of(yaml.safe_load((ROLE / "tasks/main.yml").read_text()))))


def test_every_task_is_of_this_collection_or_of_ansible_itself() -> None:
    for name, task in TASKS.items():
        [action] = [key for key in task if "." in key or key == "block"]
        assert action in {"block", REFRESHER, PULL_SECRET} or action.startswith("ansible.builtin."), name


def test_the_options_of_the_connection_are_those_of_kubernetes_core() -> None:
    listed = VARS["_pull_secret_connection_options"]
    assert set(yaml.safe_load(listed.removeprefix("{{ ").removesuffix(" }}"))) == CONNECTION
    given = {option: f"{{{{ _pull_secret_typed_cluster.{option} | default(omit) }}}}" for option in CONNECTION}
    for name, task in TASKS.items():
        for module in {REFRESHER, PULL_SECRET} & task.keys():
            assert {option: value for option, value in task[module].items() if option in CONNECTION} == given, name


def test_the_connection_has_no_option_of_a_module() -> None:
    for module, spec in SPECS.items():
        names = {name for option, each in spec.items() for name in (option, *each.get("aliases", []))}
        assert names & CONNECTION == set(), module


def test_the_refresher_gets_every_option() -> None:
    assert set(INSTALLED) == set(SPECS[REFRESHER]) - {"keep_record", "record_only", "unreadable_is_absent"}
    resumed = passed("Resume the refresher if a pull secret could not be removed", REFRESHER)
    tested = passed("Test the refresher", REFRESHER)
    shared = {option: value for option, value in INSTALLED.items() if option not in {"state", "test_run"}}
    # The default state is present.
    assert [{**shared, "test_run": given["test_run"]} for given in (resumed, tested)] == [resumed, tested]


def test_a_refresher_that_cannot_be_read_is_assumed_absent_in_push_mode_only() -> None:
    given = {name: task[REFRESHER].get("unreadable_is_absent") for name, task in TASKS.items() if REFRESHER in task}
    assert {name for name, value in given.items() if value == "{{ pull_secret_refresher == 'none' }}"} == {
        "Remove the refresher and its permissions",
        "Find a refresher that is no longer wanted",
        "Remove a refresher that is no longer wanted, or its record",
    }
    assert len([value for value in given.values() if value]) == 3


def test_the_refresher_is_tested_once_the_secrets_are_written() -> None:
    testing = [
        name for name in TASKS if re.search("always|on_change", str(TASKS[name].get(REFRESHER, {}).get("test_run")))
    ]
    assert testing == ["Test the refresher"]
    names = list(TASKS)
    assert names.index("Test the refresher") > names.index("Write the pull secrets that are missing or due")


def test_the_secrets_get_every_option() -> None:
    # The default state is present. A token is requested after all clusters were checked.
    assert set(WRITTEN) == set(SPECS[PULL_SECRET]) - {"state", "expired_only"}
    of_the_token = {"token", "token_shared", "token_unavailable"}
    assert set(CHECKED) == set(WRITTEN) - of_the_token
    own = {"placeholder", "fail_open_before", "aws", "owner", "prune", *of_the_token}
    assert {option: CHECKED[option] for option in set(CHECKED) - own} == {
        option: WRITTEN[option] for option in set(WRITTEN) - own
    }


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.get(REFRESHER, task.get(PULL_SECRET))])
def test_no_module_gets_an_option_that_it_does_not_have(name: str) -> None:
    for module in {REFRESHER, PULL_SECRET} & TASKS[name].keys():
        assert passed(name, module).keys() - SPECS[module].keys() == set()


DIRECT = [
    *((REFRESHER, option) for option in sorted(set(INSTALLED) - {"state", "test_run"} - set(COMPUTED))),
    *(
        (PULL_SECRET, option)
        for option in sorted(set(CHECKED) - {"placeholder", "fail_open_before", "aws"} - set(COMPUTED_FOR_SECRETS))
    ),
]


@pytest.mark.parametrize(("module", "option"), DIRECT)
def test_an_option_gets_its_variable(module: str, option: str) -> None:
    variable = variable_of(module, option)
    given = {REFRESHER: INSTALLED, PULL_SECRET: WRITTEN}[module][option]
    default = " | default(omit)" if variable in NO_DEFAULT else ""
    assert given == f"{{{{ {value_of(variable)}{default} }}}}"
    spec = SPECS[module][option]
    assert DEFAULTS.get(variable) == spec.get("default")
    assert TYPED.get(variable, "str") == spec["type"]
    assert OPTIONS[variable].get("choices") == spec.get("choices")


def test_computed_options() -> None:
    for given, computed in ((INSTALLED, COMPUTED), (WRITTEN, COMPUTED_FOR_SECRETS)):
        assert {option: value for option, value in given.items() if option in computed} == {
            option: value for option, value in computed.items() if option in given
        }
    for option, value in NOT_GIVEN.items():
        assert DEFAULTS[f"pull_secret_{option}"] == value
        for spec in SPECS.values():
            assert "default" not in spec[option]


SELECTED: dict[tuple[tuple[str, ...], str], list[str]] = {
    ((), ""): ["default"],
    ((), "a=b"): ["*"],
    (("default",), "a=b"): ["default"],
    (("default",), ""): ["default"],
    (("team-*",), "a=b"): ["team-*"],
}


@pytest.mark.parametrize(("namespaces", "selector"), SELECTED)
def test_namespaces_that_are_given_stay_beside_a_selector(namespaces: tuple[str, ...], selector: str) -> None:
    variables = {"_pull_secret_typed_namespaces": list(namespaces), "_pull_secret_selector": selector}
    found: Any = NativeEnvironment(autoescape=True).from_string(VARS["_pull_secret_globs"]).render(variables)
    assert found == SELECTED[namespaces, selector]


@pytest.mark.parametrize("planned", [False, True])
def test_the_result_has_nothing_that_was_only_planned(planned: bool) -> None:
    """If AWS options are invalid, for example, the module returns its plan as planned."""
    found = {"summary": {"created": 1}, "expires_at": "2026-01-01T00:00:00Z", **({"planned": True} if planned else {})}
    render = NativeEnvironment(autoescape=True).from_string
    done = render(VARS["_pull_secret_done"]).render(_pull_secret_secrets=found)
    shown = {
        key: render(VARS["_pull_secret_outcome"][key]).render(_pull_secret_done=done)
        for key in ("summary", "expires_at")
    }
    assert shown == ({"summary": {}, "expires_at": None} if planned else found)


def test_every_variable_reaches_a_module() -> None:
    direct = {variable_of(module, option) for module, option in DIRECT}
    text = "".join((ROLE / part).read_text() for part in ("tasks/main.yml", "vars/main.yml"))
    assert [name for name in OPTIONS if not re.search(rf"\b{name}\b", text)] == []
    assert set(OPTIONS) - direct == {
        *(f"pull_secret_{name}" for name in ("state", "cluster", "aws", "token", "first_token")),
        *(f"pull_secret_{name}" for name in ("namespaces", "namespace_selector", "test_run", "refresher")),
        "pull_secret_refresher_suspend",
    }


# --- The rest


def test_the_image_has_an_exact_version() -> None:
    image = DEFAULTS["pull_secret_refresher_image"]
    assert re.fullmatch(r"public\.ecr\.aws/aws-cli/aws-cli:2\.(\d+)\.(\d+)", image)
