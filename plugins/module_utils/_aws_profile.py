# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the variables and files from which the AWS SDK gets its settings and keys. Private to this collection.

Mistakes in them are found before a request: AWS's own error would name another cause.
"""

from __future__ import annotations

import configparser
import dataclasses
import os
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_keys

_VARIABLES = {
    "access_key": "AWS_ACCESS_KEY_ID",
    "secret_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
}
_SETTINGS = {name: variable.lower() for name, variable in _VARIABLES.items()}
# Variables with the names of the files, by precedence.
_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}
_FIPS = "AWS_USE_FIPS_ENDPOINT"
_Environment = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Keys:
    """AWS access keys. values: by the names of _aws_keys. origin: the section and the file, "" for variables."""

    values: t.Mapping[str, str]
    origin: str = ""

    @property
    def mistake(self) -> str:
        """What is wrong with the keys, and the next step; "" if nothing is."""
        found = _aws_keys.find(self.values, lambda name: self.origin or f"the environment variable {_VARIABLES[name]}")
        return found.text if found else ""


def keys(environment: _Environment) -> Keys:
    """Read the keys with which the SDK sends its first request, to AWS or to STS."""
    in_variables = _named(environment, _VARIABLES)
    if "access_key" in in_variables:
        return Keys(in_variables)
    files = _files(environment)
    name, seen = _profile(environment), set()
    while name not in seen:
        seen.add(name)
        name = _settings(files.values(), name).get("source_profile") or name
    for file, sections in files.items():
        found = _named(sections.get(name, {}), _SETTINGS)
        if found:
            return Keys(found, f"[{name}] in {file}")
    return Keys({})


def fips_setting(environment: _Environment) -> str:
    """Return the setting that asks for FIPS endpoints, or ""."""
    if environment.get(_FIPS):
        return f"The environment variable {_FIPS}" if environment[_FIPS].lower() == "true" else ""
    name = _profile(environment)
    used = _settings(_files(environment).values(), name).get("use_fips_endpoint", "").lower() == "true"
    return f"use_fips_endpoint of the AWS profile {name}" if used else ""


def _profile(environment: _Environment) -> str:
    return environment.get("AWS_PROFILE") or "default"


def _settings(files: t.Iterable[t.Mapping[str, t.Mapping[str, str]]], profile: str) -> dict[str, str]:
    """Return the settings of a profile. Those in the first file win."""
    settings: dict[str, str] = {}
    for sections in files:
        settings = {**sections.get(profile, {}), **settings}
    return settings


def _named(settings: t.Mapping[str, str], names: t.Mapping[str, str]) -> dict[str, str]:
    return {name: settings[setting] for name, setting in names.items() if settings.get(setting)}


def _files(environment: _Environment) -> dict[str, dict[str, dict[str, str]]]:
    """Read the files that can be read; the SDK reports others. Return their sections by file and profile."""
    files = {}
    for variable, default in _FILES.items():
        path = os.path.expanduser(environment.get(variable) or default)
        parser = configparser.RawConfigParser(strict=False, default_section="")
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                parser.read_file(file)
        except (OSError, configparser.Error):
            continue
        files[path] = {name.partition("profile ")[2].strip() or name: dict(parser[name]) for name in parser.sections()}
    return files
