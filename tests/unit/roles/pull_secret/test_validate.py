# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role refuses and warns of before it touches anything. One playbook runs all cases: its start takes long."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from support.playbook import Ansible

KEYS = {
    "refresher_aws_auth": "secret",
    "refresher_aws_access_key": "AKIA" + "A" * 16,
    "refresher_aws_secret_key": "never-said/never-said",
}
PUSH = {"refresher": "none", "fail_open_before": "3h"}
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
SECOND_CHANCE = "no second chance"


@dataclasses.dataclass(frozen=True)
class Case:
    """The role's variables without their prefix; words of the refusal, or of the warning, or of neither."""

    variables: dict[str, Any]
    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


SCHEDULE = {
    "the defaults": Case(KEYS),
    "every 2 hours, with summer time": Case({**KEYS, "refresher_time_zone": "Europe/Berlin"}),
    "a nickname": Case({**KEYS, "refresher_schedule": "@hourly"}),
    "every 6 hours": Case(
        {**KEYS, "refresher_schedule": "17 */6 * * *"},
        warned=(SECOND_CHANCE, "6.0 hours ('17 */6 * * *' in Etc/UTC)", "up to 6.3 hours", "is 8h", "'17 */2 * * *'"),
    ),
    "every 6 hours, with summer time": Case(
        {**KEYS, "refresher_schedule": "17 */6 * * *", "refresher_time_zone": "Europe/Berlin"},
        warned=("7.0 hours", "Europe/Berlin", "up to 7.3 hours"),
    ),
    "every 8 hours": Case(
        {**KEYS, "refresher_schedule": "17 */8 * * *"},
        refused=(
            "8.0 hours ('17 */8 * * *' in Etc/UTC)",
            "up to 8.3 hours",
            "pull_secret_renew_before (8h)",
            "more often",
        ),
    ),
    "working hours": Case({**KEYS, "refresher_schedule": "0 8-18 * * mon-fri"}, refused=("62.0 hours",)),
    "every 8 hours, renewed earlier": Case(
        {**KEYS, "refresher_schedule": "17 */8 * * *", "renew_before": "10h"}, warned=(SECOND_CHANCE,)
    ),
    "every 2 hours, renewed too late": Case({**KEYS, "renew_before": "2h20m"}, refused=("up to 2.3 hours",)),
    "every 2 hours, renewed late": Case({**KEYS, "renew_before": "4h19m"}, warned=(SECOND_CHANCE,)),
    "every 2 hours, renewed just in time": Case({**KEYS, "renew_before": "4h20m"}),
    "a long deadline": Case({**KEYS, "refresher_active_deadline": 21600}, refused=("21600 for its work",)),
    "each minute of some hours": Case({**KEYS, "refresher_schedule": "* */6 * * *"}, refused=("each minute", "17 */6")),
    "each minute of some hours, by another star": Case(
        {**KEYS, "refresher_schedule": "?/1 3 * * *"}, refused=("each minute",)
    ),
    "each minute": Case({**KEYS, "refresher_schedule": "* * * * *"}),
    "four fields": Case({**KEYS, "refresher_schedule": "17 * * *"}, refused=("has 4 fields",)),
    "Sunday as 7": Case({**KEYS, "refresher_schedule": "0 * * * 7"}, refused=("numbers go up from 0 to 6",)),
    "no such time zone": Case({**KEYS, "refresher_time_zone": "Mars/Base"}, refused=("no time zone 'Mars/Base'",)),
}

COMMON = {
    "the defaults, and all else": Case(KEYS),
    "no access": Case({}, refused=("AWS access of its own", "web_identity")),
    "no schedule is asked for in push mode": Case({**PUSH, "refresher_schedule": "0 0 1 1 *"}),
    "nor to remove": Case({"state": "absent", "refresher_schedule": "0 0 1 1 *"}),
    # --- When a token is given up
    "push mode without a next run": Case(
        {"refresher": "none"}, refused=("more than the time until then", "pulls break 12 hours after the last one")
    ),
    "push mode that gives nothing up": Case({"refresher": "none", "fail_open": False}),
    "push mode that gives up too early": Case({**PUSH, "fail_open_before": "8h"}, refused=("(8h) must be less than",)),
    "later than the next run": Case({**KEYS, "fail_open_before": "2h20m"}),
    "sooner than the next run": Case(
        {**KEYS, "fail_open_before": "2h19m"}, refused=("(2h19m)", "8400 seconds that may pass")
    ),
    "sooner than the next run, which gives nothing up": Case({**KEYS, "fail_open_before": "1h", "fail_open": False}),
    "no duration until the next run": Case({**KEYS, "fail_open_before": "3"}, refused=("'3' is not a duration",)),
    "no duration": Case({**KEYS, "renew_before": "8 hours"}, refused=("'8 hours' is not a duration",)),
    "a selector": Case({**KEYS, "namespace_selector": "a=b,c!=d, e in (f, g),h notin (i),example.com/j,!k, l==m"}),
    "selectors": Case({**KEYS, "namespace_selector": ["a=b", "c"], "namespaces": ["team-*", "[a-c]?[!x]"]}),
    "a selector that no policy knows": Case({**KEYS, "namespace_selector": "a>1"}, refused=("kubectl -l", "not a>1")),
    "no selector": Case({**KEYS, "namespace_selector": "a in b"}, refused=("kubectl -l",)),
    "a glob that no policy knows": Case(
        {**KEYS, "namespace_selector": "a=b", "exclude_namespaces": ["team-{a,b}"]}, refused=("[!a-z]",)
    ),
    "less than a second": Case({**KEYS, "renew_before": "10ms"}, refused=("at least a second",)),
}

AWS = {
    "no keys": Case({"refresher_aws_auth": "secret"}, refused=("AKIA",)),
    "temporary keys": Case({**KEYS, "refresher_aws_access_key": "ASIA" + "A" * 16}, refused=("Temporary keys",)),
    "no name of the secret": Case({"refresher_aws_auth": "existing_secret"}, refused=("existing_secret",)),
    "a secret of their own": Case({"refresher_aws_auth": "existing_secret", "refresher_aws_existing_secret": "keys"}),
    "web identity": Case({"refresher_aws_auth": "web_identity", "refresher_role_arn": ARN}),
    "web identity without a role": Case({"refresher_aws_auth": "web_identity"}, refused=("refresher_role_arn",)),
    "irsa": Case({"refresher_aws_auth": "irsa", "refresher_role_arn": ARN, "refresher_audience": "my-audience"}),
    "irsa without a role": Case({"refresher_aws_auth": "irsa"}, refused=("refresher_role_arn",)),
    "pod identity": Case({"refresher_aws_auth": "pod_identity"}),
    "ambient": Case({"refresher_aws_auth": "ambient"}),
    "a role with an external ID": Case({**KEYS, "refresher_role_arn": ARN, "refresher_external_id": "partner"}),
    "China": Case({**KEYS, "refresher_role_arn": ARN.replace("aws", "aws-cn")}, refused=("in the partition aws",)),
    "a role in two lines": Case({**KEYS, "refresher_role_arn": f"{ARN}\nregion = x"}, refused=("refresher_role_arn",)),
    "an external ID without a role": Case({**KEYS, "refresher_external_id": "partner"}, refused=("external_id",)),
    "an external ID in two lines": Case(
        {**KEYS, "refresher_role_arn": ARN, "refresher_external_id": "a\nb"}, refused=("external_id",)
    ),
    "an external ID with web identity": Case(
        {"refresher_aws_auth": "web_identity", "refresher_role_arn": ARN, "refresher_external_id": "partner"},
        refused=("in the role's trust policy",),
    ),
    "no audience": Case({**KEYS, "refresher_audience": ""}, refused=("sts.amazonaws.com",)),
}

POD = {
    "a mirror by digest": Case({**KEYS, "refresher_image": f"registry.example.com:5000/a/b@sha256:{'0' * 64}"}),
    "a tag and a digest": Case({**KEYS, "refresher_image": f"public.ecr.aws/a/b:1.0@sha256:{'0' * 64}"}),
    "Docker Hub": Case({**KEYS, "refresher_image": "amazon/aws-cli:2.36.7"}),
    "neither a tag nor a digest": Case(
        {**KEYS, "refresher_image": "public.ecr.aws/a/b"}, refused=("a tag or a digest",)
    ),
    "half a digest": Case({**KEYS, "refresher_image": "a/b@sha256:0123"}, refused=("64 hexadecimal digits",)),
    "another pull secret": Case({**KEYS, "refresher_image_pull_secrets": ["mirror"]}),
    "its own pull secret": Case(
        {**KEYS, "refresher_image_pull_secrets": ["mirror", "ecr-public-secret"]},
        refused=("could not start to renew it",),
    ),
    "a proxy": Case({**KEYS, "refresher_proxy": "http://proxy.example.com:3128", "refresher_no_proxy": "a,b"}),
    "a proxy by address": Case({**KEYS, "refresher_proxy": "http://[fd00::1]:3128/"}),
    "a proxy with a password": Case(
        {**KEYS, "refresher_proxy": "http://me:never-said@proxy.example.com"}, refused=("without a user name",)
    ),
    "a proxy without a scheme": Case({**KEYS, "refresher_proxy": "proxy.example.com"}, refused=("such as http://",)),
    "authorities": Case({**KEYS, "refresher_ca_bundle": CERTIFICATE}),
    "a file's name": Case({**KEYS, "refresher_ca_bundle": "/etc/ca.pem"}, refused=("not the name of a file",)),
    "a private key": Case(
        {**KEYS, "refresher_ca_bundle": CERTIFICATE + "-----BEGIN PRIVATE KEY-----\nnever-said\n"},
        refused=("no private key",),
    ),
}

# By the file of tasks that is run: all of them in every case would take minutes.
FILES = {"validate": COMMON, "validate_schedule": SCHEDULE, "validate_aws": AWS, "validate_pod": POD}
CASES = {name: (file, case) for file, cases in FILES.items() for name, case in cases.items()}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """For each case the refusal, and all output of its tasks."""
    tasks: list[dict[str, Any]] = []
    for name, (file, case) in CASES.items():
        check = {"name": "freshpull.ecr_public.pull_secret", "tasks_from": file}
        refusal = {"said": "{{ said | default({}) | combine({case: ansible_failed_result.msg}) }}"}
        tasks += [
            {"name": f"Case: {name}.", "ansible.builtin.debug": {"msg": ""}},
            {
                "name": "Validate",
                "vars": {"case": name, **{f"pull_secret_{key}": value for key, value in case.variables.items()}},
                "block": [{"name": "Check", "ansible.builtin.include_role": check}],
                "rescue": [{"name": "Keep it", "ansible.builtin.set_fact": refusal}],
            },
        ]
    tasks.append({"name": "Case: end.", "ansible.builtin.set_fact": {"said": "{{ said | default({}) }}"}})
    tasks.append({"name": "Show", "ansible.builtin.debug": {"var": "said"}, "register": "shown"})
    run = Ansible(tmp_path_factory.mktemp("validate"), kubeconfig="").tasks(tasks).ok()
    outputs = dict(part.split(".]", 1) for part in run.stdout.split("TASK [Case: ")[1:])
    refusals = run.results["shown"]["said"]
    assert "never-said" not in run.output
    return {name: (refusals.get(name, ""), outputs[name]) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, said: dict[str, tuple[str, str]]) -> None:
    _file, case = CASES[name]
    refusal, output = said[name]
    assert bool(refusal) == bool(case.refused), refusal
    assert [words for words in case.refused if words not in refusal] == [], refusal
    warning = output.partition("WARNING")[2]
    assert bool(warning) == bool(case.warned), output
    assert [words for words in case.warned if words not in warning] == [], warning
