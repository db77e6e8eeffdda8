# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ecr_public_pull_secret and its _info, and how they are read. Private to this collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection, is_glob
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, parse_duration

TOKEN: dict[str, t.Any] = {
    "type": "dict",
    # Only the secret parts: no_log on the whole would mask "AWS" and the expiry all over the result.
    "no_log": False,
    "options": {
        "registry": {"type": "str"},
        "username": {"type": "str", "default": "AWS"},
        "password": {"type": "str", "required": True, "no_log": True},
        "authorization_token": {"type": "str", "no_log": True},
        "expires_at": {"type": "str", "required": True},
        "dockerconfigjson": {"type": "str", "no_log": True},
    },
}

_SHARED: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "default": "ecr-public-secret"},
    "namespaces": {"type": "list", "elements": "str", "aliases": ["namespace"]},
    "exclude_namespaces": {"type": "list", "elements": "str", "default": []},
    "namespace_selector": {"type": "list", "elements": "str", "aliases": ["label_selectors"]},
    "renew_before": {"type": "str", "default": "8h"},
    "force_renew": {"type": "bool", "default": False},
    "registries": {"type": "list", "elements": "str", "default": [managed_metadata.DEFAULT_REGISTRY]},
    "service_accounts": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "adopt": {"type": "bool", "default": False},
    "recreate": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "placeholder": {"type": "bool", "default": False},
    "workers": {"type": "int", "default": 32},
}

# What a token comes from: only the module that writes needs one.
PULL_SECRET: dict[str, t.Any] = {
    **_SHARED,
    "token": TOKEN,
    "aws": {"type": "dict", "default": {}},
    "verify": {"type": "bool", "default": False},
    "fail_open": {"type": "bool", "default": True},
    "fail_open_before": {"type": "str", "default": "1h"},
}
PULL_SECRET_INFO = _SHARED

OUTAGE = "outage"
"""The one key that the module may find in `aws`: why AWS gave no token, in words. The action plugin takes the user's
`aws`, asks AWS itself, and hands this to the module. Where another host has asked for a whole fleet, the role hands it
to the action plugin, so that AWS is not asked again.
"""

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_REGISTRY = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?")


class ArgumentError(ValueError):
    """An option that cannot be used, named in the message with what it should be."""


@dataclasses.dataclass(frozen=True)
class Task:
    """All that the options say. outage: why AWS gave no token; "" where it did, or was not asked."""

    policy: Policy
    selection: Selection
    token: Token | None
    outage: str
    prune: bool
    workers: int


def read(params: t.Mapping[str, t.Any]) -> Task:
    """Raises ArgumentError, TokenError or SelectionError."""
    check_workers(params["workers"])
    check_name(params["name"])
    for option in ("placeholder", "prune"):
        if params[option] and params["state"] == "absent":
            raise ArgumentError(f"{option} and state: absent contradict each other")
    policy = Policy(
        name=params["name"],
        state=params["state"],
        registries=read_registries(params["registries"]),
        renew_before=parse_duration(params["renew_before"]),
        force_renew=params["force_renew"],
        # The module that only looks asks for no token, so that it has none to do without.
        fail_open=params.get("fail_open", False),
        fail_open_before=parse_duration(params.get("fail_open_before", "1h")),
        labels=read_metadata("labels", params["labels"]),
        annotations=read_metadata("annotations", params["annotations"]),
        adopt=params["adopt"],
        recreate=params["recreate"],
        placeholder=params["placeholder"],
        service_accounts=read_service_accounts(params["service_accounts"]),
    )
    if policy.state == "present" and policy.fail_open and policy.fail_open_before >= policy.renew_before:
        raise ArgumentError(
            f"fail_open_before ({params['fail_open_before']}) must be less than renew_before "
            f"({params['renew_before']}): a token is renewed first and given up last. Or set fail_open: false."
        )
    token = Token.from_mapping(params["token"]) if params.get("token") else None
    outage = str(params.get("aws", {}).get(OUTAGE, ""))
    return Task(policy, read_selection(params), token, outage, params["prune"], params["workers"])


def check_workers(workers: int) -> None:
    """Raises ArgumentError."""
    if not 1 <= workers <= 256:
        raise ArgumentError(f"workers must be from 1 to 256, not {workers}")


def check_name(name: str) -> None:
    """Of a secret. Raises ArgumentError."""
    if not _DNS_SUBDOMAIN.fullmatch(name):
        raise ArgumentError(f"name {name!r} cannot be a secret's: use lower-case letters, digits, '-', '.'")


def read_selection(params: t.Mapping[str, t.Any]) -> Selection:
    """Of namespaces. Raises SelectionError."""
    selectors = [selector for selector in params["namespace_selector"] or [] if selector]
    namespaces = params["namespaces"]
    if namespaces is None:
        namespaces = ["*"] if selectors else ["default"]
    return Selection(tuple(namespaces), tuple(params["exclude_namespaces"]), ",".join(selectors))


def read_registries(registries: t.Sequence[str]) -> tuple[str, ...]:
    """Each of them once. Raises ArgumentError."""
    for registry in registries:
        if not _REGISTRY.fullmatch(registry):
            raise ArgumentError(
                f"registries: {registry!r} is not a registry's host such as {managed_metadata.DEFAULT_REGISTRY}: "
                "no scheme, path or upper case"
            )
    if not registries:
        raise ArgumentError(
            "registries is empty, so that there is nothing to serve: use state: absent to take away what there is"
        )
    return tuple(dict.fromkeys(registries))


def read_service_accounts(accounts: t.Sequence[str]) -> tuple[str, ...]:
    """Names and globs, each of them once. Raises ArgumentError."""
    for account in accounts:
        if not account or not (is_glob(account) or _DNS_SUBDOMAIN.fullmatch(account)):
            raise ArgumentError(
                f"service_accounts: {account!r} cannot be a service account's name, nor is it a glob: "
                "use lower-case letters, digits, '-', '.', and '*', '?', '[]' in globs"
            )
    return tuple(dict.fromkeys(accounts))


def read_metadata(option: str, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Labels or annotations of the user's. Raises ArgumentError."""
    for key in values:
        if key.startswith(managed_metadata.PREFIX):
            raise ArgumentError(
                f"{option}: {key!r} has our own prefix {managed_metadata.PREFIX}, which the module sets itself"
            )
    return read_strings(option, values)


def read_strings(option: str, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Values as Kubernetes takes them. Raises ArgumentError."""
    for key, value in values.items():
        if not isinstance(value, str):
            raise ArgumentError(f"{option}: the value of {key!r} must be a string; quote it")
    return dict(values)
