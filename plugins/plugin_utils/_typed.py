# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert variables that may be texts, as those of -e key=value and of surveys are. Private to this collection."""

from __future__ import annotations

import re
import typing as t

import yaml
from ansible.module_utils.parsing.convert_bool import boolean

Type = t.Literal["bool", "int", "list", "selector", "dict"]
TYPES: tuple[Type, ...] = t.get_args(Type)


class TypedError(Exception):
    """A value that cannot be converted. The message names the variable, and shows no value that may be secret."""


def convert(value: t.Any, kind: Type, name: str, default: t.Any = None) -> t.Any:
    """Return the value as this type. Raises TypedError.

    A text becomes a list as JSON or YAML if it begins with "[", otherwise by commas and line breaks; a dict as JSON or
    YAML. A selector is a list of texts with commas, so a text is its one element. An empty text, or none, is the
    default, except for a bool and an int.
    """
    if kind not in ("bool", "int") and (value is None or (isinstance(value, str) and not value.strip())):
        return ({} if kind == "dict" else []) if default is None else default
    converted = _CONVERSIONS[kind](value)
    if converted is None:
        raise TypedError(f"{name}: {_WANTED[kind]}{_shown(value, kind)}.")
    return converted


_WANTED = {
    "bool": "must be true or false, not ",
    "int": "must be a whole number, not ",
    "list": "must be a list, a text with commas or line breaks, or a text in JSON or YAML that begins with [, not ",
    "selector": "must be a text in the syntax of kubectl -l or a list of such texts, not ",
    "dict": "must be a dict, or a text in JSON or YAML, not ",
}


def _shown(value: t.Any, kind: Type) -> str:
    if kind in ("bool", "int") and isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:40]}...")
    return f"a value of type {type(value).__name__}" if not isinstance(value, str) else "this text"


def _bool(value: t.Any) -> bool | None:
    try:
        return bool(boolean(value))
    except TypeError:
        return None


def _int(value: t.Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: t.Any) -> list[t.Any] | None:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _parsed(value)
    elif isinstance(value, str):
        return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]
    return list(value) if isinstance(value, (list, tuple)) else None


def _selector(value: t.Any) -> list[t.Any] | None:
    return [value] if isinstance(value, str) and not value.lstrip().startswith("[") else _list(value)


def _dict(value: t.Any) -> dict[t.Any, t.Any] | None:
    if isinstance(value, str):
        value = _parsed(value)
    return dict(value) if isinstance(value, t.Mapping) else None


def _parsed(text: str) -> t.Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


_CONVERSIONS: dict[Type, t.Callable[[t.Any], t.Any]] = {
    "bool": _bool,
    "int": _int,
    "list": _list,
    "selector": _selector,
    "dict": _dict,
}
