# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options of ecr_public_pull_secret and ecr_public_pull_secret_info. Private to this collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import is_dns_subdomain, matches_objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN, read_duration, read_registries
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

PULL_SECRET: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "default": "ecr-public-secret"},
    "owner": {"type": "str", "default": ""},
    "namespaces": {"type": "list", "elements": "str", "aliases": ["namespace"]},
    "exclude_namespaces": {"type": "list", "elements": "str", "default": []},
    "namespace_selector": {"type": "list", "elements": "str", "aliases": ["label_selectors"]},
    "renew_before": {"type": "str", "default": "8h"},
    "force_renew": {"type": "bool", "default": False},
    "registries": {"type": "list", "elements": "str", "default": [_docker_config.DEFAULT_REGISTRY]},
    "service_accounts": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "adopt": {"type": "bool", "default": False},
    "recreate": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "find_orphans": {"type": "bool", "default": False},
    "placeholder": {"type": "bool", "default": False},
    "workers": {"type": "int", "default": 32},
    "token": TOKEN,
    "token_shared": {"type": "bool", "default": False, "no_log": False},
    "token_unavailable": {"type": "str", "default": "", "no_log": False},
    "expired_only": {"type": "bool", "default": False},
    "aws": {"type": "dict", "default": {}},
    "verify": {"type": "bool", "default": False},
    "fail_open": {"type": "bool", "default": True},
    "fail_open_before": {"type": "str", "default": "1h"},
}
"""The options of ecr_public_pull_secret and of ecr_public_pull_secret_info: one dict serves both."""

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
# A key's name has the syntax of a value.
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of one task. outage: why no token is available, or ""."""

    policy: Policy
    selection: Selection
    token: Token | None
    outage: str
    prune: bool
    find_orphans: bool
    workers: int


def read(params: t.Mapping[str, t.Any]) -> Options:
    """Raises OptionError or TokenError."""
    check_workers(params["workers"])
    check_name(params["name"])
    if params["placeholder"] and params["state"] == "absent":
        raise OptionError("placeholder: true cannot be used with state: absent. Remove one of the two.")
    check_owner(params["owner"])
    if params["prune"] and not params["owner"]:
        raise OptionError(
            "prune: true needs owner. Without one this task cannot tell its own secrets from those of other tasks with "
            "the same name. Set owner to a name for these secrets, such as that of the team."
        )
    policy = Policy(
        name=params["name"],
        owner=params["owner"],
        state=params["state"],
        registries=read_registries(params["registries"]),
        renew_before=read_duration("renew_before", params["renew_before"]),
        force_renew=params["force_renew"],
        fail_open=params["fail_open"],
        expired_only=params["expired_only"],
        fail_open_before=read_duration("fail_open_before", params["fail_open_before"]),
        labels=read_metadata("labels", params["labels"]),
        annotations=read_metadata("annotations", params["annotations"]),
        adopt=params["adopt"],
        recreate=params["recreate"],
        placeholder=params["placeholder"],
        service_accounts=read_service_accounts(params["service_accounts"]),
    )
    if policy.state == "present" and policy.fail_open and policy.fail_open_before >= policy.renew_before:
        raise OptionError(
            f"fail_open_before ({params['fail_open_before']}) must be less than renew_before "
            f"({params['renew_before']}): a renewal must be tried before the token is removed. Or set fail_open: false."
        )
    token = Token.from_mapping(params["token"]) if params.get("token") else None
    outage = params["token_unavailable"]
    if token and outage:
        raise OptionError("token_unavailable cannot be used with token. Remove one of the two.")
    return Options(
        policy, read_selection(params), token, outage, params["prune"], params["find_orphans"], params["workers"]
    )


def check_workers(workers: int) -> None:
    """Raises OptionError."""
    if not 1 <= workers <= 256:
        raise OptionError(f"workers: must be from 1 to 256, not {workers}.")


def check_name(name: str) -> None:
    """Check the name of a secret. Raises OptionError."""
    if not is_dns_subdomain(name):
        raise OptionError(
            f"name: {name!r} cannot be the name of a secret. Use lower-case letters, digits, '-' and '.'."
        )


def check_owner(owner: str) -> None:
    """Check an owner, which is the value of a label. Raises OptionError."""
    if owner and not _LABEL_VALUE.fullmatch(owner):
        raise OptionError(
            f"owner: {owner!r} cannot be the value of a label. Use at most 63 letters, digits, '-', '_' and '.', the "
            "first and the last one a letter or a digit."
        )


def read_selection(params: t.Mapping[str, t.Any]) -> Selection:
    """Read the options that select namespaces. Raises OptionError."""
    selectors = [selector for selector in params["namespace_selector"] or [] if selector]
    namespaces = params["namespaces"]
    if namespaces is None:
        namespaces = ["*"] if selectors else ["default"]
    return Selection(tuple(namespaces), tuple(params["exclude_namespaces"]), ",".join(selectors))


def read_service_accounts(accounts: t.Sequence[str]) -> tuple[str, ...]:
    """Return the names and globs, once each. Raises OptionError."""
    for account in accounts:
        if not matches_objects(account):
            raise OptionError(
                f"service_accounts: {account!r} is neither the name of a service account nor a glob. "
                "Use lower-case letters, digits, '-' and '.', and '*', '?' and '[]' in globs."
            )
    return tuple(dict.fromkeys(accounts))


def read_metadata(option: str, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Read an option for labels or annotations, by its name. Raises OptionError."""
    for key in values:
        if key.startswith(managed_metadata.PREFIX):
            raise OptionError(
                f"{option}: {key!r} has the prefix {managed_metadata.PREFIX}, which is reserved. Use another key."
            )
        prefix, slash, name = key.rpartition("/")
        # Kubernetes ignores the case of an annotation's prefix.
        prefix = prefix if option.endswith("labels") else prefix.lower()
        if not _LABEL_VALUE.fullmatch(name) or (slash and not is_dns_subdomain(prefix)):
            raise OptionError(
                f"{option}: {key!r} cannot be a key. Use at most 63 letters, digits, '-', '_' and '.', the first and "
                "the last one a letter or a digit, and a domain with '/' before it if there is one."
            )
    found = read_strings(option, values)
    for key, value in found.items():
        if option.endswith("labels") and value and not _LABEL_VALUE.fullmatch(value):
            raise OptionError(
                f"{option}: {value!r} cannot be the value of {key!r}. Use at most 63 letters, digits, '-', '_' and "
                "'.', the first and the last one a letter or a digit, or use an annotation."
            )
    return found


def read_strings(option: str, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Read an option whose values must be strings, as in Kubernetes. Raises OptionError."""
    for key, value in values.items():
        if not isinstance(value, str):
            raise OptionError(f"{option}: the value of {key!r} must be a string. Quote it.")
    return dict(values)
