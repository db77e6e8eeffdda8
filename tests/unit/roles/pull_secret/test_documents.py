# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role documents, declares, defaults and renders says the same everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _arguments, _marks

ROLE = Path(__file__).parents[4] / "roles/pull_secret"
README = (ROLE / "README.md").read_text()
DEFAULTS: dict[str, Any] = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
OPTIONS: dict[str, Any] = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]
VARS: dict[str, Any] = yaml.safe_load((ROLE / "vars/main.yml").read_text())

NO_DEFAULT = {
    "pull_secret_refresher_aws_auth",
    "pull_secret_refresher_aws_access_key",
    "pull_secret_refresher_aws_secret_key",
    "pull_secret_refresher_aws_existing_secret",
}


def render(template: str, **variables: Any) -> Any:
    environment = Environment(autoescape=False, trim_blocks=True)
    environment.filters |= {"to_json": json.dumps, "bool": bool}
    names = {
        **{name: value for name, value in VARS.items() if "{{" not in str(value)},
        "_pull_secret_rights": "refresh-ecr-public-token:ecr-public-refresher",
        "_pull_secret_labels": {"a": "label"},
        "_pull_secret_schedule": "17 */2 * * *",
        "pull_secret_refresher_aws_auth": "secret",
        "_pull_secret_with_keys": True,
        "_pull_secret_assumes": False,
        "_pull_secret_aws_volume": "keys",
        "_pull_secret_selector": "",
    }
    values = {**DEFAULTS, **names, **variables}
    text = environment.from_string((ROLE / "templates" / template).read_text()).render(values)
    return yaml.safe_load(text)


def tasks_of(content: Any) -> Iterator[dict[str, Any]]:
    """Each task of a file, those in blocks included."""
    for task in content:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_of(task.get(part, []))


@pytest.mark.parametrize("path", sorted(ROLE.glob("*/*.yml")), ids=lambda path: "/".join(path.parts[-2:]))
def test_a_caller_s_item_keeps_its_meaning(path: Path) -> None:
    """With include_role in a loop, variables made from `item` are templated anew inside the role's own loops."""
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
    assert [name for name, _default, _meaning in rows] == list(OPTIONS)
    for name, default, _meaning in rows:
        assert default == "-" if name in NO_DEFAULT else yaml.safe_load(default.strip("`")) == DEFAULTS[name], name


# aws: the lookup's. fail_open_before: worked out from the schedule, see test_validate.py.
OWN = {"aws", "fail_open_before"}
SHARED = sorted(set(_arguments.PULL_SECRET) & {name.removeprefix("pull_secret_") for name in OPTIONS} - OWN)
# What the module makes of an option that is not given.
NOT_GIVEN: dict[str, Any] = {"namespaces": ["default"], "namespace_selector": []}


@pytest.mark.parametrize("name", SHARED)
def test_what_is_passed_to_the_module_has_its_default(name: str) -> None:
    assert DEFAULTS[f"pull_secret_{name}"] == _arguments.PULL_SECRET[name].get("default", NOT_GIVEN.get(name))


def test_the_rights_in_the_readme_are_those_of_the_template() -> None:
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL) if "ClusterRole" in block]
    roles = [render("rights.yml.j2", _pull_secret_selector=selector) for selector in ("", "a=b")]
    for role in roles:
        del role["metadata"]["labels"]
    assert [yaml.safe_load(block) for block in blocks] == roles


def test_the_rights_are_two_verbs_on_one_name() -> None:
    [rule] = render("rights.yml.j2")["rules"]
    assert rule == {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["ecr-public-secret"],
        "verbs": ["get", "patch"],
    }


def test_the_rights_for_a_selector_are_on_one_name_as_well() -> None:
    secrets, namespaces = render("rights.yml.j2", _pull_secret_selector="a=b")["rules"]
    assert secrets["resourceNames"] == ["ecr-public-secret"]
    assert secrets["verbs"] == ["list", "create", "patch"]
    assert namespaces == {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}


def test_the_pod_is_restricted() -> None:
    """What Pod Security "restricted" asks for, and more."""
    job = render("cronjob.yml.j2")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert job["startingDeadlineSeconds"] > 10
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert "imagePullSecrets" not in pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]
    assert not [entry for entry in container["env"] if "valueFrom" in entry]
    [scratch] = [volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "scratch"]
    assert scratch["medium"] == "Memory"


def test_the_image_has_an_exact_version_that_has_jq() -> None:
    version = re.fullmatch(
        r"public\.ecr\.aws/aws-cli/aws-cli:(\d+)\.(\d+)\.(\d+)", DEFAULTS["pull_secret_refresher_image"]
    )
    assert version
    assert tuple(map(int, version.groups())) >= (2, 27, 57)


def test_marks_are_the_module_s() -> None:
    assert VARS["_pull_secret_prefix"] == _marks.PREFIX
    assert VARS["_pull_secret_managed_mark"] == _marks.MANAGED_LABEL
    assert f"'{_marks.MANAGED_BY_LABEL}': '{_marks.MANAGED_BY}'" in VARS["_pull_secret_secret_labels"]
    assert f"object.type == '{_marks.DOCKERCONFIG_TYPE}'" in (ROLE / "templates/confinement.yml.j2").read_text()
    assert VARS["_pull_secret_created_mark"] == _marks.CREATED
    assert VARS["_pull_secret_refresher_label"].startswith(_marks.PREFIX)
    assert VARS["_pull_secret_object_labels"][_marks.MANAGED_BY_LABEL] == _marks.MANAGED_BY
    assert VARS["_pull_secret_apply"]["field_manager"] == _marks.FIELD_MANAGER
    assert f"fieldManager={_marks.FIELD_MANAGER}" in (ROLE / "files/refresh.sh").read_text()


def test_no_task_applies_on_the_client() -> None:
    """Client-side apply would copy keys into an annotation."""
    for path in (ROLE / "tasks").glob("*.yml"):
        text = path.read_text()
        assert (
            text.count("apply: true") == text.count("server_side_apply: ") == text.count('"{{ _pull_secret_apply }}"')
        ), path
