# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each variable of the role as a text means the same as typed, or is rejected by its name.

There is no cluster, and the kubeconfig does not exist, so that a run of the role ends at its first module. The
arguments that it gives to this module are recorded. A text that the role passes on is rejected by the module, which
reads it here without a run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import options
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_request import _read_token
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._typed import Type, TypedError, convert
from support.playbook import Ansible
from support.program import FILES
from support.recorder import Recorded, Recorder
from support.role import PLAYBOOK
from support.role_texts import VARIABLES, extra_variable

ROLE = Path(__file__).parents[4] / "roles/pull_secret"
NAME = "freshpull.ecr_public.pull_secret"
SPECS: dict[str, dict[str, Any]] = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"][
    "main"
]["options"]
DEFAULTS: dict[str, Any] = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
VARS: dict[str, str] = yaml.safe_load((ROLE / "vars/main.yml").read_text())
CLUSTER = VARIABLES["cluster"].value
SECRET = "never-said"


def kind_of(name: str) -> Type | None:
    """Return the type to which the role converts a variable. None if it is a text."""
    found = re.search(r"typed\('(\w+)'", VARS.get(f"_pull_secret_typed_{name}", ""))
    return found.group(1) if found else None  # type: ignore[return-value]


KINDS: dict[str, Type] = {name: kind for name in VARIABLES if (kind := kind_of(name))}
OPTION = {
    "refresher_proxy": "aws_proxy",
    "refresher_no_proxy": "aws_no_proxy",
    "refresher_labels": "object_labels",
    "refresher_annotations": "object_annotations",
}


def converted(name: str, text: str) -> Any:
    """Return the value that the role makes of a text. Raises TypedError."""
    full = f"pull_secret_{name}"
    return convert(text, KINDS[name], full, DEFAULTS[full]) if name in KINDS else text


def test_every_variable_has_a_case() -> None:
    assert [f"pull_secret_{name}" for name in VARIABLES] == list(SPECS)
    for name, case in VARIABLES.items():
        assert case.texts, name
        assert case.wrong or case.by_module, name
        assert name in ("state", "refresher") or case.value != DEFAULTS.get(f"pull_secret_{name}"), name


@pytest.mark.parametrize("name", VARIABLES)
def test_a_text_is_the_same_as_the_typed_value(name: str) -> None:
    # Unlike ==, JSON distinguishes true and 1.
    for text in VARIABLES[name].texts:
        assert json.dumps(converted(name, text)) == json.dumps(VARIABLES[name].value), text


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name] not in ("bool", "int")])
def test_an_empty_text_is_the_default(name: str) -> None:
    for text in ("", " ", "\n", "\r\n"):
        assert converted(name, text) == DEFAULTS[f"pull_secret_{name}"]


@pytest.mark.parametrize("name", [name for name, case in VARIABLES.items() if case.wrong])
def test_a_wrong_text_is_rejected_by_its_name(name: str) -> None:
    full = f"pull_secret_{name}"
    for text in VARIABLES[name].wrong:
        if name in KINDS:
            with pytest.raises(TypedError, match=rf"^{full}: must be "):
                converted(name, text)
        else:
            problems = ArgumentSpecValidator({full: SPECS[full]}).validate({full: text}).error_messages
            assert [full in problem for problem in problems] == [True], text


# --- Texts that the module rejects

GIVEN = {
    "aws_auth": "secret",
    "aws_access_key": VARIABLES["refresher_aws_access_key"].value,
    "aws_secret_key": VARIABLES["refresher_aws_secret_key"].value,
    "role_arn": VARIABLES["refresher_role_arn"].value,
    "volumes": VARIABLES["refresher_volumes"].value,
    options.PROGRAM: FILES,
}


ROLES_ANYWHERE = {
    option: VARIABLES[f"refresher_{option}"].value
    for option in ("trust_anchor_arn", "profile_arn", "certificate_secret", "roles_anywhere_image")
}


def read(option: str, value: Any) -> None:
    """Read an option as ecr_public_refresher does. Raises OptionError."""
    given = {**GIVEN, option: value}
    if option == "aws_existing_secret":
        given["aws_auth"] = "existing_secret"
    if option in ROLES_ANYWHERE:
        given = {**ROLES_ANYWHERE, **given, "aws_auth": "roles_anywhere"}
    # The values pass to the module as JSON.
    result = ArgumentSpecValidator(options.SPEC).validate(json.loads(json.dumps(given, default=str)))
    assert result.error_messages == []
    options.read(result.validated_parameters, 2026)


@pytest.mark.parametrize("name", [name for name, case in VARIABLES.items() if case.by_module])
def test_the_module_rejects_a_wrong_text_by_the_name_of_its_option(name: str) -> None:
    option = OPTION.get(name, name.removeprefix("refresher_"))
    if name != "token":
        read(option, VARIABLES[name].value)
    for text in VARIABLES[name].by_module:
        value = converted(name, text)
        if name == "token":
            with pytest.raises(AnsibleActionFail, match=r"^token: "):
                _read_token(value)
            continue
        with pytest.raises(OptionError, match=rf"^([a-z_]+ and )?{option}\b"):
            read(option, value)


@pytest.mark.parametrize("form", [json.dumps, str, ",".join, "\n".join], ids=["JSON", "YAML", "commas", "lines"])
def test_a_long_text(form: Any) -> None:
    names = [f"team-{number:05}" for number in range(5000)]
    assert converted("namespaces", form(names)) == names


# --- Runs of the role


class Unsafe(str):
    """A text that Ansible takes literally, as it takes the texts of a survey."""

    __slots__ = ()


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def unsafe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unsafe(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unsafe(each) for each in value]
    # ansible-core 2.19 and later read numbers, booleans and times even from quoted texts with this tag.
    return Unsafe(value) if isinstance(value, str) and "{{" in value else value


TYPED = {name: case.value for name, case in VARIABLES.items()}
ROUNDS: dict[str, dict[str, Any]] = {
    "typed": TYPED,
    # Each with another text of each variable.
    **{
        f"texts {number}": {name: case.texts[number % len(case.texts)] for name, case in VARIABLES.items()}
        for number in (0, 1, 2)
    },
    "defaults": {},
    "empty texts": dict.fromkeys([name for name, kind in KINDS.items() if kind not in ("bool", "int")], ""),
}
# One of each type. The tests above reject the others.
ONE_OF_EACH: dict[str, str] = {KINDS.get(name, "choice"): name for name in VARIABLES if VARIABLES[name].wrong}
WRONG: dict[str, dict[str, Any]] = {
    f"wrong {name}": {name: VARIABLES[name].wrong[0]} for name in (*ONE_OF_EACH.values(), "token")
}


def run_rounds(directory: Path, rounds: Mapping[str, Mapping[str, Any]], *args: str) -> dict[str, list[Recorded]]:
    """Run the role once for each round, in one playbook. Name of a round -> the tasks that it ran on localhost."""
    tasks: list[dict[str, Any]] = []
    for name, variables in rounds.items():
        given = {**variables, "cluster": variables.get("cluster") or CLUSTER}
        tasks += [
            {"name": f"Round {name}", "ansible.builtin.debug": {"msg": ""}},
            {
                "name": "Run the role",
                "vars": {f"pull_secret_{key}": unsafe(value) for key, value in given.items()},
                "block": [{"name": "Include it", "ansible.builtin.include_role": {"name": NAME}}],
                "rescue": [{"name": "Continue", "ansible.builtin.debug": {"msg": ""}}],
            },
        ]
    recorder = Recorder(directory / "record")
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "tasks": tasks}
    run = Ansible(directory, kubeconfig="").play([play], *args, env=recorder.environment).ok()
    assert SECRET not in run.output
    found: dict[str, list[Recorded]] = {}
    for each in recorder.tasks:
        if each.host == "localhost":
            if each.task.startswith("Round "):
                found[each.task.removeprefix("Round ")] = []
            else:
                list(found.values())[-1].append(each)
    assert list(found) == list(rounds)
    return found


def arguments(tasks: list[Recorded], task: str) -> dict[str, Any]:
    [found] = [each.arguments for each in tasks if each.task == task]
    return found


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recorded]]:
    return run_rounds(tmp_path_factory.mktemp("one"), {**ROUNDS, **WRONG})


@pytest.fixture(scope="module")
def many_clusters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recorded]]:
    rounds = {name: ROUNDS[name] for name in ("typed", "texts 0")}
    return run_rounds(tmp_path_factory.mktemp("many"), rounds, "-i", "other,")


INSTALL = "Install or update the refresher"
CHECK = "Check which secrets of the cluster are due"


@pytest.mark.parametrize(
    ("name", "same"),
    [("texts 0", "typed"), ("texts 1", "typed"), ("texts 2", "typed"), ("empty texts", "defaults")],
)
def test_texts_reach_the_refresher_as_typed_values_do(
    name: str, same: str, one_cluster: dict[str, list[Recorded]]
) -> None:
    assert arguments(one_cluster[name], INSTALL) == arguments(one_cluster[same], INSTALL)


def test_texts_reach_the_secrets_as_typed_values_do(many_clusters: dict[str, list[Recorded]]) -> None:
    assert arguments(many_clusters["texts 0"], CHECK) == arguments(many_clusters["typed"], CHECK)


def test_all_variables_reach_the_modules(
    one_cluster: dict[str, list[Recorded]], many_clusters: dict[str, list[Recorded]]
) -> None:
    """Without this, the tests above could compare nothing. These modules get no token."""
    given = [*arguments(one_cluster["typed"], INSTALL).values(), *arguments(many_clusters["typed"], CHECK).values()]
    shown = [json.dumps(each, sort_keys=True).strip('"') for each in given]
    elsewhere = {"state", "cluster", "namespace_selector", "token", "first_token", "test_run", "refresher"}
    for name in VARIABLES.keys() - elsewhere - {"refresher_suspend"}:
        assert json.dumps(VARIABLES[name].value, sort_keys=True).strip('"') in shown, name
    assert arguments(one_cluster["typed"], INSTALL)["state"] == "suspended"
    for found, task in ((one_cluster, INSTALL), (many_clusters, CHECK)):
        assert arguments(found["typed"], task)["namespace_selector"] == VARIABLES["namespace_selector"].value
        assert CLUSTER.items() <= arguments(found["typed"], task).items()
    assert arguments(many_clusters["typed"], CHECK)["placeholder"] is True


@pytest.mark.parametrize("name", WRONG)
def test_the_role_rejects_a_wrong_text_by_its_name(name: str, one_cluster: dict[str, list[Recorded]]) -> None:
    tasks = one_cluster[name]
    assert f"pull_secret_{name.removeprefix('wrong ')}" in "".join(each.message for each in tasks)
    assert [each.task for each in tasks if each.task == INSTALL] == []


def test_texts_of_the_command_line(tmp_path: Path) -> None:
    """-e key=value has a parser and escapes of its own. Its texts are templates, in contrast to those of a survey."""
    texts = {name: case.texts[0] for name, case in VARIABLES.items()}
    typed = json.dumps({f"pull_secret_{name}": value for name, value in TYPED.items()})
    ansible = Ansible(tmp_path, kubeconfig="")
    found = []
    for number, args in enumerate(
        (["-e", typed], [part for item in texts.items() for part in ("-e", extra_variable(*item))])
    ):
        recorder = Recorder(tmp_path / f"record{number}")
        ansible.play(PLAYBOOK, *args, env=recorder.environment)
        found.append(arguments(recorder.tasks, INSTALL))
    assert found[0] == found[1]
    assert found[0]["annotations"] == {"note": "1\n\N{GRINNING FACE}"}


def test_texts_of_a_survey(tmp_path: Path, one_cluster: dict[str, list[Recorded]]) -> None:
    """AWX writes the answers to a file with the tag !unsafe: they are no templates."""
    lines = [
        f"pull_secret_{name}: !unsafe {json.dumps(case.texts[0], ensure_ascii=False)}\n"
        for name, case in VARIABLES.items()
    ]
    file = tmp_path / "extravars"
    file.write_text("".join(lines))
    recorder = Recorder(tmp_path / "record")
    Ansible(tmp_path, kubeconfig="").play(PLAYBOOK, "-e", f"@{file}", env=recorder.environment)
    found, expected = arguments(recorder.tasks, INSTALL), arguments(one_cluster["typed"], INSTALL)
    assert found["annotations"] == VARIABLES["annotations"].value
    # ansible-core 2.19 and later read a number from this tag.
    assert {**found, "run_as_user": str(found["run_as_user"])} == expected
