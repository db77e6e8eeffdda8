# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ecr_public_refresher: rejections, warnings, and the resulting settings."""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import (
    Installation,
    Removal,
)
from support.program import FILES
from support.refresher_settings import ANYWHERE, KEYS, SIDECAR_IMAGE, SIDECAR_RESOURCES
from support.refresher_settings import CASES as SETTINGS

YEAR = 2026
HOST = "https://cluster.example"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"
SECOND_CHANCE = "no second chance"


@dataclasses.dataclass(frozen=True)
class Case:
    """Options; words of the error or of the warning, if there is one."""

    options: dict[str, Any]
    rejected: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


SCHEDULE = {
    "the defaults": Case(KEYS),
    "every 2 hours, with summer time": Case({**KEYS, "time_zone": "Europe/Berlin"}),
    "a nickname": Case({**KEYS, "schedule": "@hourly"}),
    "every 6 hours": Case(
        {**KEYS, "schedule": "17 */6 * * *"},
        warned=(SECOND_CHANCE, "6.0 hours ('17 */6 * * *' in Etc/UTC)", "up to 6.3 hours", "is 8h", "'17 */2 * * *'"),
    ),
    "every 6 hours, with summer time": Case(
        {**KEYS, "schedule": "17 */6 * * *", "time_zone": "Europe/Berlin"},
        warned=("7.0 hours", "Europe/Berlin", "up to 7.3 hours"),
    ),
    "every 8 hours": Case(
        {**KEYS, "schedule": "17 */8 * * *"},
        rejected=(
            "8.0 hours ('17 */8 * * *' in Etc/UTC)",
            "up to 8.3 hours",
            "renew_before (8h)",
            "more often",
        ),
    ),
    "working hours": Case({**KEYS, "schedule": "0 8-18 * * mon-fri"}, rejected=("62.0 hours",)),
    "every 8 hours, renewed earlier": Case(
        {**KEYS, "schedule": "17 */8 * * *", "renew_before": "10h"}, warned=(SECOND_CHANCE,)
    ),
    "every 2 hours, renewed too late": Case({**KEYS, "renew_before": "2h20m"}, rejected=("up to 2.3 hours",)),
    "every 2 hours, renewed late": Case({**KEYS, "renew_before": "4h19m"}, warned=(SECOND_CHANCE,)),
    "every 2 hours, renewed just in time": Case({**KEYS, "renew_before": "4h20m"}),
    "a long deadline": Case({**KEYS, "active_deadline": 7199, "renew_before": "4h9m"}, rejected=("7199 for its work",)),
    "a deadline after the next run": Case(
        {**KEYS, "active_deadline": 7200}, rejected=("only 7200 seconds apart", "active_deadline (7200 seconds)")
    ),
    "every 10 minutes": Case({**KEYS, "schedule": "*/10 * * * *"}, rejected=("only 600 seconds apart", "less often")),
    "every 10 minutes, and a shorter deadline": Case({**KEYS, "schedule": "*/10 * * * *", "active_deadline": 599}),
    "two runs close to each other": Case({**KEYS, "schedule": "0,5 */2 * * *"}, rejected=("only 300 seconds apart",)),
    "each minute of some hours": Case({**KEYS, "schedule": "* */6 * * *"}, rejected=("each minute", "17 */6")),
    "each minute of some hours, by another star": Case({**KEYS, "schedule": "?/1 3 * * *"}, rejected=("each minute",)),
    "each minute": Case({**KEYS, "schedule": "* * * * *"}, rejected=("only 60 seconds apart",)),
    "four fields": Case({**KEYS, "schedule": "17 * * *"}, rejected=("has 4 fields",)),
    "Sunday as 7": Case({**KEYS, "schedule": "0 * * * 7"}, rejected=("numbers range from 0 to 6",)),
    "no such time zone": Case({**KEYS, "time_zone": "Mars/Base"}, rejected=("no time zone 'Mars/Base'",)),
}

COMMON = {
    "the defaults, and all else": Case(KEYS),
    "no access": Case({}, rejected=("AWS access of its own", "web_identity")),
    "no schedule is asked for to remove": Case({"state": "absent", "schedule": "0 0 1 1 *"}),
    # --- When a token is removed
    "later than the next run": Case({**KEYS, "fail_open_before": "2h20m"}),
    "sooner than the next run": Case(
        {**KEYS, "fail_open_before": "2h19m"}, rejected=("fail_open_before: 2h19m", "8400 seconds that may pass")
    ),
    "sooner than the next run, which gives nothing up": Case({**KEYS, "fail_open_before": "1h", "fail_open": False}),
    "no duration until the next run": Case({**KEYS, "fail_open_before": "3"}, rejected=("'3' is not a duration",)),
    "no duration": Case({**KEYS, "renew_before": "8 hours"}, rejected=("'8 hours' is not a duration",)),
    "a selector": Case({**KEYS, "namespace_selector": "a=b,c!=d, e in (f, g),h notin (i),example.com/j,!k, l==m"}),
    "selectors": Case({**KEYS, "namespace_selector": ["a=b", "c"], "namespaces": ["team-*", "[a-c]?[!x]"]}),
    "a selector that a policy cannot check": Case(
        {**KEYS, "namespace_selector": "a>1"}, rejected=("kubectl -l", "not a>1")
    ),
    "no selector": Case({**KEYS, "namespace_selector": "a in b"}, rejected=("kubectl -l",)),
    "a glob that a policy cannot check": Case(
        {**KEYS, "namespace_selector": "a=b", "exclude_namespaces": ["team-{a,b}*"]},
        rejected=("exclude_namespaces: 'team-{a,b}*' cannot be a namespace", "[!a-z]"),
    ),
    "no namespace": Case({**KEYS, "namespace": "Team"}, rejected=("namespace: 'Team'",)),
    "a namespace too long, to remove": Case({"state": "absent", "namespace": "a" * 64}, rejected=("at most 63",)),
    "the record only, and it is kept": Case(
        {"state": "absent", "keep_record": True, "record_only": True}, rejected=("Remove one of the two.",)
    ),
    "no name": Case({**KEYS, "name": "-a"}, rejected=("'-a'",)),
    "too many workers": Case({**KEYS, "workers": 257}, rejected=("from 1 to 256",)),
    "no registry": Case({**KEYS, "registries": []}, rejected=("registries is empty",)),
    "no namespaces": Case({**KEYS, "namespaces": []}, rejected=("namespaces is empty",)),
    "a reserved label": Case({**KEYS, "labels": {"ecr-public.freshpull/x": "y"}}, rejected=("which is reserved",)),
    "an annotation that is a number": Case({**KEYS, "annotations": {"a": 1}}, rejected=("must be a string",)),
    "a short deadline": Case({**KEYS, "active_deadline": 179}, rejected=("179 seconds are too few. Use 180 or more.",)),
    "no history": Case({**KEYS, "history": 0}, rejected=("history: 0 is too few. Use 1 or more.",)),
    "no program": Case({**KEYS, options.PROGRAM: {}}, rejected=("program is missing",)),
    "less than a second": Case(
        {**KEYS, "renew_before": "10ms"}, rejected=("renew_before: 10ms is too short. Use 1s or more.",)
    ),
}

ACCOUNTS = {
    "a glob of service accounts": Case(
        {**KEYS, "service_accounts": ["default", "ci-*"]}, warned=("names only, not ci-*.",)
    ),
    "no service accounts for the refresher": Case(
        {**KEYS, "service_accounts": ["default", "ci-*"], "attach_service_accounts": False}
    ),
    "an invalid name of a service account": Case(
        {**KEYS, "service_accounts": ["Default"]}, rejected=("service_accounts:",)
    ),
}

CASES = {**SCHEDULE, **COMMON, **ACCOUNTS}


def read(given: dict[str, Any]) -> Installation | Removal:
    """Read options as the module does."""
    result = ArgumentSpecValidator(options.SPEC).validate({options.PROGRAM: FILES, **copy.deepcopy(given)})
    assert result.error_messages == []
    return options.read(result.validated_parameters, YEAR)


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    if case.rejected:
        with pytest.raises(OptionError) as caught:
            read(case.options)
        assert [words for words in case.rejected if words not in str(caught.value)] == [], caught.value
        assert "never-said" not in str(caught.value)
        # The names of the options are the first words.
        assert re.match(r"(\w+ and )?(\w+)(:| is empty| cannot be used)", str(caught.value))
        assert str(caught.value).partition(" ")[0].rstrip(":") in options.SPEC
        return
    found = read(case.options)
    warnings = found.warnings if isinstance(found, Installation) else ()
    assert bool(warnings) == bool(case.warned)
    assert [words for words in case.warned if words not in " ".join(warnings)] == []


# --- The settings

GIVEN: dict[str, dict[str, Any]] = {
    "listed": KEYS,
    "selector": {**KEYS, "namespace_selector": "ecr-public=enabled"},
    "web-identity": {"aws_auth": "web_identity", "role_arn": ARN},
    "service-accounts": {**KEYS, "service_accounts": ["default"], "attach_service_accounts": True},
    "existing-secret": {"aws_auth": "existing_secret", "aws_existing_secret": "theirs"},
    "roles-anywhere": {
        **ANYWHERE,
        "roles_anywhere_image": SIDECAR_IMAGE,
        "roles_anywhere_resources": SIDECAR_RESOURCES,
        "aws_proxy": SETTINGS["everything"].pod.proxy,
        "ca_bundle": SETTINGS["everything"].pod.ca_bundle,
    },
    "proxy": {
        **KEYS,
        "aws_proxy": SETTINGS["everything"].pod.proxy,
        "ca_bundle": SETTINGS["everything"].pod.ca_bundle,
    },
    "everything": {
        "state": "suspended",
        "namespaces": ["team-*"],
        "exclude_namespaces": ["team-x"],
        "namespace_selector": "ecr-public=enabled,tier notin (sandbox)",
        "registries": ["public.ecr.aws", "ecr-public.aws.com"],
        "labels": {"team": "a"},
        "annotations": {"note": "b"},
        "service_accounts": ["default", "builder", "default", "ci-*"],
        "aws_auth": "irsa",
        "role_arn": ARN,
        "schedule": "0 */2 * * *",
        "time_zone": "Europe/Berlin",
        "image": SETTINGS["everything"].pod.image,
        "image_pull_policy": "Always",
        "image_pull_secrets": ["mirror"],
        "resources": SETTINGS["everything"].pod.resources,
        "node_selector": SETTINGS["everything"].pod.node_selector,
        "tolerations": list(SETTINGS["everything"].pod.tolerations),
        "affinity": SETTINGS["everything"].pod.affinity,
        "priority_class": SETTINGS["everything"].pod.priority_class,
        "run_as_user": str(SETTINGS["everything"].pod.run_as_user),
        "env": list(SETTINGS["everything"].pod.env),
        "volumes": list(SETTINGS["everything"].pod.volumes),
        "volume_mounts": list(SETTINGS["everything"].pod.volume_mounts),
        "object_labels": SETTINGS["everything"].metadata.labels,
        "object_annotations": SETTINGS["everything"].metadata.annotations,
        "pod_labels": SETTINGS["everything"].metadata.pod_labels,
        "pod_annotations": SETTINGS["everything"].metadata.pod_annotations,
        "allowed_metadata": list(SETTINGS["everything"].metadata.allowed),
        "aws_proxy": SETTINGS["everything"].pod.proxy,
        "aws_no_proxy": SETTINGS["everything"].pod.no_proxy,
        "ca_bundle": SETTINGS["everything"].pod.ca_bundle,
        "history": 1,
        "active_deadline": 300,
    },
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name: str) -> None:
    found = read(GIVEN[name])
    assert isinstance(found, Installation)
    assert found.settings(HOST, ["team-b", "team-a"], SETTINGS[name].renewal.owner) == SETTINGS[name]


def test_every_option_is_among_the_settings() -> None:
    """The options in `elsewhere` change no settings, or have a row of their own above."""
    elsewhere = {"name", "namespace", "workers", "test_run", "renew_before", "fail_open", "fail_open_before"}
    elsewhere |= {
        "owner",
        "adopt",
        "keep_record",
        "record_only",
        "unreadable_is_absent",
        "external_id",
        "audience",
        "aws_endpoint_url",
        options.PROGRAM,
    }
    assert {option for given in GIVEN.values() for option in given} | elsewhere == set(options.SPEC)


@pytest.mark.parametrize(
    ("option", "value", "part", "field"),
    [
        ("name", "other", "renewal", "secret"),
        ("workers", 4, "renewal", "workers"),
        ("fail_open", False, "renewal", "fail_open"),
        ("external_id", "partner", "aws", "external_id"),
        ("audience", "other", "aws", "audience"),
        ("aws_endpoint_url", "https://vpce.example", "aws", "endpoint_url"),
    ],
)
def test_an_option_sets_its_field(option: str, value: Any, part: str, field: str) -> None:
    found = read({**KEYS, "role_arn": ARN, option: value})
    assert isinstance(found, Installation)
    assert getattr(getattr(found.settings(HOST, ["a"], "o"), part), field) == value


def test_the_owner_is_read_and_checked() -> None:
    found = read({**KEYS, "owner": "team-a", "adopt": True})
    assert isinstance(found, Installation)
    assert (found.unplaced.renewal.owner, found.adopt) == ("team-a", True)
    with pytest.raises(OptionError, match="owner: 'team a' cannot be the value of a label"):
        read({**KEYS, "owner": "team a"})


@pytest.mark.parametrize(
    ("former", "kept"),
    [("", False), ("7 */2 * * *", True), ("59 */2 * * *", True), ("7 */3 * * *", False), ("60 */2 * * *", False)],
)
def test_the_minute_of_the_default_schedule_stays(former: str, kept: bool) -> None:
    """The URL of the API server, on which the first choice depends, can differ between control nodes."""
    found = read(KEYS)
    assert isinstance(found, Installation)
    first = found.settings("https://10.0.0.1:6443", ["a"], "o").schedule.schedule
    assert found.settings(HOST, ["a"], "o", first).schedule.schedule == first
    assert (found.settings(HOST, ["a"], "o", former).schedule.schedule == former) is kept
    own = read({**KEYS, "schedule": "5 * * * *"})
    assert isinstance(own, Installation)
    assert own.settings(HOST, ["a"], "o", former).schedule.schedule == "5 * * * *"


def test_durations_become_seconds() -> None:
    found = read({**KEYS, "renew_before": "10h", "fail_open_before": "3h"})
    assert isinstance(found, Installation)
    renewal = found.settings(HOST, ["a"], "o").renewal
    assert (renewal.renew_before, renewal.fail_open_before) == (36000, 10800)


def test_a_removal_needs_nothing_but_names() -> None:
    assert read({"state": "absent", "namespace": "n", "name": "s"}) == Removal(
        "n", "s", owner="", adopt=False, keep_record=False, record_only=False, unreadable_is_absent=False, workers=32
    )
    given: dict[str, Any] = {"owner": "o", "adopt": True, "keep_record": True, "record_only": False}
    given["unreadable_is_absent"] = True
    assert read({"state": "absent", "namespace": "n", "name": "s", **given}) == Removal("n", "s", **given, workers=32)


# --- The size of a ConfigMap


def names(count: int, length: int) -> list[str]:
    return [f"{number:0{length}}" for number in range(count)]


@pytest.mark.parametrize(("count", "length", "fits"), [(20_000, 40, True), (16_000, 63, True), (17_000, 63, False)])
def test_so_many_names_fit(count: int, length: int, fits: bool) -> None:
    found = read(KEYS)
    assert isinstance(found, Installation)
    if fits:
        assert len(found.settings("https://cluster.example", names(count, length), "o").places.listed) == count
        return
    with pytest.raises(OptionError, match=f"the names of {count} namespaces need .* Use namespace_selector"):
        found.settings("https://cluster.example", names(count, length), "o")


def test_so_many_authorities_do_not() -> None:
    found = read({**KEYS, "ca_bundle": SETTINGS["proxy"].pod.ca_bundle * 20_000})
    assert isinstance(found, Installation)
    with pytest.raises(OptionError, match="ca_bundle: has "):
        found.settings("https://cluster.example", ["team-a"], "o")
