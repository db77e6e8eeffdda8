# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options as pull_secret_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import TokenError

TOKEN = {"username": "AWS", "password": "hunter2", "expires_at": "2026-01-01T00:00:00Z"}

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no worker": ({"workers": 0}, "workers"),
    "too many workers": ({"workers": 257}, "workers"),
    "a name with a slash": ({"name": "a/b"}, "name"),
    "a name that is too long": ({"name": "a" * 254}, "name"),
    "no registry": ({"registries": []}, "registries is empty"),
    "a registry with a scheme": ({"registries": ["https://public.ecr.aws"]}, "registries"),
    "a registry with a path": ({"registries": ["public.ecr.aws/x"]}, "registries"),
    "a registry with a comma": ({"registries": ["a,b"]}, "registries"),
    "an account that cannot be": ({"service_accounts": ["a/b"]}, "service_accounts: 'a/b' is neither"),
    "an account without a name": ({"service_accounts": [""]}, "service_accounts: '' is neither"),
    "accounts in one text": ({"service_accounts": ["default, build-*"]}, "service_accounts: 'default, build-[*]' is"),
    "accounts as JSON": ({"service_accounts": ['["default"']}, "service_accounts: .* is neither"),
    "a list in a list": ({"service_accounts": ["['default']"]}, "service_accounts: .* is neither"),
    "a label that is no string": ({"labels": {"a": 1}}, "labels: the value of 'a' must be a string"),
    "a key that cannot be": ({"labels": {"a/b/c": "x"}}, "labels: 'a/b/c' cannot be a key"),
    "a key with a long name": ({"annotations": {"a" * 64: "x"}}, "annotations: 'a+' cannot be a key"),
    "an upper-case domain": ({"labels": {"Example.com/a": "x"}}, "labels: 'Example.com/a' cannot be a key"),
    "a value that is too long": ({"labels": {"a": "b" * 64}}, "labels: 'b+' cannot be the value of 'a'"),
    "a label with a space": ({"labels": {"team": "a b"}}, "labels: 'a b' cannot be the value of 'team'"),
    "a label in two lines": ({"labels": {"team": "a\n"}}, r"labels: 'a\\n' cannot be the value of 'team'"),
    "a label's key with a space": ({"labels": {"a team": "b"}}, "labels: 'a team' cannot be a key"),
    "a label's key without a name": ({"labels": {"example.com/": "b"}}, "labels: 'example.com/' cannot be a key"),
    "an annotation without a key": ({"annotations": {"": "b"}}, "annotations: '' cannot be a key"),
    "an annotation's key in two lines": ({"annotations": {"a\n": "b"}}, "annotations: .* cannot be a key"),
    "the reserved prefix": ({"annotations": {"ecr-public.freshpull/x": "1"}}, "annotations: .* which is reserved"),
    "a bad duration": ({"renew_before": "8 hours"}, "renew_before: '8 hours' is not a duration such as 8h"),
    "a long duration": ({"renew_before": "9000h"}, "renew_before: the duration '9000h' must be more than 0 and less"),
    "a bad fail_open_before": ({"fail_open_before": "1"}, "fail_open_before: '1' is not a duration such as 8h"),
    "an owner that cannot be": ({"owner": "team a"}, "owner: 'team a' cannot be the value of a label"),
    "removed before it is renewed": ({"fail_open_before": "8h"}, r"fail_open_before \(8h\) must be less"),
    "prune and absent without an owner": ({"prune": True, "state": "absent"}, "prune: true needs owner"),
    "a token and none": (
        {"token": TOKEN, "token_unavailable": "AWS is down."},
        "token_unavailable cannot be used with token",
    ),
    "placeholder and absent": ({"placeholder": True, "state": "absent"}, "cannot be used with state: absent"),
    "a namespace that cannot be": ({"namespaces": ["A"]}, "cannot be a namespace"),
    "an exclusion that cannot be": ({"exclude_namespaces": ["a b"]}, "exclude_namespaces: 'a b' cannot be a namespace"),
    "no namespace": ({"namespaces": []}, "namespaces is empty"),
    "a token without a password": ({"token": {**TOKEN, "password": ""}}, "password"),
    "a token without an expiry": ({"token": {**TOKEN, "expires_at": None}}, "expires_at"),
    "a token with a bad expiry": ({"token": {**TOKEN, "expires_at": "soon"}}, "not a time"),
}


def params(**options: Any) -> dict[str, Any]:
    defaults = {name: spec.get("default") for name, spec in pull_secret_options.PULL_SECRET.items()}
    return {**defaults, **options}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    options, words = BAD[case]
    with pytest.raises((OptionError, TokenError), match=words) as caught:
        pull_secret_options.read(params(**options))
    assert "hunter2" not in str(caught.value)
    # Its name is the first word.
    assert str(caught.value).partition(" ")[0].rstrip(":") in options


def test_defaults() -> None:
    task = pull_secret_options.read(params())
    assert task.selection.namespaces == ("default",)
    assert task.policy.renew_before == dt.timedelta(hours=8)
    assert task.policy.registries == ("public.ecr.aws",)
    assert (task.policy.fail_open, task.policy.fail_open_before) == (True, dt.timedelta(hours=1))
    assert (task.token, task.outage, task.prune) == (None, "", False)


@pytest.mark.parametrize("options", [{"fail_open": False}, {"state": "absent"}], ids=["off", "absent"])
def test_a_renewal_can_be_late_if_no_entry_is_removed(options: dict[str, Any]) -> None:
    assert pull_secret_options.read(params(renew_before="30m", **options)).policy.renew_before == dt.timedelta(
        minutes=30
    )


def test_the_action_plugin_states_why_there_is_no_token() -> None:
    assert pull_secret_options.read(params(token_unavailable="AWS is down.")).outage == "AWS is down."


def test_a_selector_alone_selects_all_that_match() -> None:
    task = pull_secret_options.read(params(namespace_selector=["a=b", "c in (d,e)"]))
    assert task.selection.namespaces == ("*",)
    assert task.selection.selector == "a=b,c in (d,e)"
    # The default without a selector, if it is given, is no default beside a selector.
    for name in ("x", "default"):
        named = pull_secret_options.read(params(namespace_selector=["a=b"], namespaces=[name]))
        assert (named.selection.namespaces, named.selection.selector) == ((name,), "a=b")


def test_metadata_in_the_syntax_of_kubernetes() -> None:
    keys = ("a", "A.b_c-1", "example.com/A", "a" * 63, f"{'a' * 253}/{'b' * 63}")
    labels = dict.fromkeys(keys, "") | {"x": "A.b_c-1", "y": "a" * 63}
    annotations = dict.fromkeys(keys, "any text \u00fc\n") | {"Example.com/a": ""}
    policy = pull_secret_options.read(params(labels=labels, annotations=annotations)).policy
    assert (policy.labels, policy.annotations) == (labels, annotations)


def test_service_accounts_are_taken_once_each() -> None:
    task = pull_secret_options.read(params(service_accounts=["default", "build-*", "default"]))
    assert task.policy.service_accounts == ("default", "build-*")


def test_registries_are_written_once_each() -> None:
    task = pull_secret_options.read(params(registries=["public.ecr.aws", "ecr-public.aws.com", "public.ecr.aws"]))
    assert task.policy.registries == ("public.ecr.aws", "ecr-public.aws.com")
