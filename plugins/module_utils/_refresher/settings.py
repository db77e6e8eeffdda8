# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the settings of the refresher from its ConfigMap. Private to this collection."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy

POLICY, NAMESPACES = "policy.json", "namespaces"
"""The files of the ConfigMap: the settings as JSON, and the listed namespaces, one in each line."""

DEADLINE_STATUS = 3
"""The exit status of a run that its own deadline stopped. The Job does not retry it."""


class SettingsError(CollectionError):
    """The settings cannot be used."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a run.

    policy: for the secrets. workers: parallel requests. deadline: seconds for one run. names: the listed namespaces; ()
    with a selector. selector: kubectl -l syntax, "" if the namespaces are listed. included, excluded: patterns of names
    with a selector.
    """

    policy: Policy
    workers: int
    deadline: int
    names: tuple[str, ...]
    selector: str
    included: re.Pattern[str]
    excluded: re.Pattern[str]
    aws_auth: str
    aws_endpoint_url: str

    def selects(self, namespace: str) -> bool:
        """Whether the patterns select the name of a namespace. The selector is not checked here."""
        return bool(self.included.search(namespace)) and not self.excluded.search(namespace)


# Key -> its type, and its default, or _REQUIRED.
_REQUIRED = object()
_KEYS: dict[str, tuple[type | tuple[type, ...], t.Any]] = {
    "name": (str, _REQUIRED),
    "owner": (str, ""),
    "registries": (list, _REQUIRED),
    "renew_before": ((int, float), _REQUIRED),
    "fail_open": (bool, _REQUIRED),
    "fail_open_before": ((int, float), _REQUIRED),
    "workers": (int, _REQUIRED),
    "deadline": (int, _REQUIRED),
    "aws_endpoint_url": (str, ""),
    "aws_auth": (str, ""),
    "selector": (str, ""),
    "namespaces": (str, "^(.*)$"),
    "excluded": (str, "^()$"),
    "service_accounts": (list, []),
    "labels": (dict, {}),
    "annotations": (dict, {}),
}


def read(directory: str, force_renew: bool = False) -> Settings:
    """Read the settings from a mounted ConfigMap. Raises SettingsError."""
    given = _values(_text(directory, POLICY))
    selector = given["selector"]
    try:
        included, excluded = re.compile(given["namespaces"]), re.compile(given["excluded"])
    except re.error as exc:
        raise SettingsError(f"{POLICY}: not a regular expression: {exc}. Run the role again.") from exc
    policy = Policy(
        name=given["name"],
        owner=given["owner"],
        registries=tuple(map(str, given["registries"])),
        renew_before=dt.timedelta(seconds=given["renew_before"]),
        force_renew=force_renew,
        fail_open=given["fail_open"],
        fail_open_before=dt.timedelta(seconds=given["fail_open_before"]),
        labels=given["labels"],
        annotations=given["annotations"],
        service_accounts=tuple(map(str, given["service_accounts"])),
        actor="cronjob",
        keep_metadata=True,
    )
    return Settings(
        policy,
        max(1, given["workers"]),
        max(1, given["deadline"]),
        () if selector else tuple(dict.fromkeys(_text(directory, NAMESPACES).split())),
        selector,
        included,
        excluded,
        given["aws_auth"],
        given["aws_endpoint_url"],
    )


def _text(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{os.path.join(directory, name)} cannot be read: {exc}. Run the role again.") from exc


def _values(text: str) -> dict[str, t.Any]:
    try:
        given = json.loads(text)
    except ValueError as exc:
        raise SettingsError(f"{POLICY} is not JSON: {exc}. Run the role again.") from exc
    if not isinstance(given, dict):
        raise SettingsError(f"{POLICY} is not a JSON object. Run the role again.")
    unknown = sorted(given.keys() - _KEYS.keys())
    if unknown:
        raise SettingsError(f"{POLICY}: unknown settings: {', '.join(unknown)}. Run the role again.")
    values = {key: given.get(key, default) for key, (_kind, default) in _KEYS.items()}
    for key, (kind, _default) in _KEYS.items():
        if values[key] is _REQUIRED:
            raise SettingsError(f"{POLICY}: {key} is missing. Run the role again.")
        # In Python a boolean is also a number.
        if not isinstance(values[key], kind) or (isinstance(values[key], bool) and kind is not bool):
            raise SettingsError(f"{POLICY}: {key} has a value of the wrong type. Run the role again.")
    return values
