# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert variables that may be texts, as those of -e key=value and of surveys are. Private to this collection."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
import typing as t
import warnings

import yaml
from ansible.module_utils.parsing.convert_bool import boolean

Type = t.Literal["bool", "int", "list", "dicts", "selector", "dict"]
TYPES: tuple[Type, ...] = t.get_args(Type)

DEEPEST = 32
"""Levels of lists and dicts in a text. No option has as many, and Ansible fails without a name at a few hundred."""


class TypedError(Exception):
    """A value that cannot be converted. The message names the variable, and shows no value that may be secret."""


def convert(value: t.Any, kind: Type, name: str, default: t.Any = None) -> t.Any:
    """Return the value as this type. Raises TypedError.

    A text becomes a list as JSON or YAML if it begins with "[", otherwise by commas and line breaks; a list of dicts
    and a dict as JSON or YAML. A selector is a list of texts with commas, so a text is its one element. An empty text,
    or none, is the default, except for a bool and an int.
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
    "list": "must be a list of texts, a text with commas or line breaks, or a text in JSON or YAML that begins with [, "
    "not ",
    "dicts": "must be a list of dicts, or a text in JSON or YAML, not ",
    "selector": "must be a text in the syntax of kubectl -l or a list of such texts, not ",
    "dict": "must be a dict, or a text in JSON or YAML, not ",
}
# A number, a boolean or a time in a list is a text without quotes. The modules read it as one.
_TEXTS = (str, int, float, dt.date)
_ELEMENTS: dict[Type, tuple[type, ...]] = {"list": _TEXTS, "selector": _TEXTS, "dicts": (t.Mapping,)}


def _shown(value: t.Any, kind: Type) -> str:
    if isinstance(value, str):
        short = value if len(value) <= 40 else f"{value[:40]}..."
        return repr(short) if kind in ("bool", "int") else "this text"
    if isinstance(value, (list, tuple)):
        wrong = [each for each in value if not isinstance(each, _ELEMENTS.get(kind, ()))]
        return f"a list with a value of type {_type_of(wrong[0])}" if wrong else "a list"
    return f"a value of type {_type_of(value)}"


def _type_of(value: t.Any) -> str:
    """Return the name of a type in YAML. Ansible has types of its own for the same values."""
    for name, kind in (("bool", bool), ("int", int), ("float", float), ("text", str), ("dict", t.Mapping)):
        if isinstance(value, kind):
            return name
    return "null" if value is None else type(value).__name__


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
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
        return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]
    return _elements(value, _TEXTS)


def _selector(value: t.Any) -> list[t.Any] | None:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        text = value.strip()
        return None if "\n" in text else [text]
    return _elements(value, _TEXTS)


def _dicts(value: t.Any) -> list[t.Any] | None:
    return _elements(value, (t.Mapping,))


def _elements(value: t.Any, kinds: tuple[type, ...]) -> list[t.Any] | None:
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, kinds) for each in value):
        return None
    return list(value)


def _dict(value: t.Any) -> dict[t.Any, t.Any] | None:
    if isinstance(value, str):
        value = _parsed(value)
    return dict(value) if isinstance(value, t.Mapping) else None


class _Loader(yaml.SafeLoader):
    """Reads YAML without aliases, which can make a small text a value that is endless or too large."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias", self.peek_event().start_mark)
        return super().compose_node(parent, index)


def _parsed(text: str) -> t.Any:
    """Read JSON or YAML. None if it is neither, or a value that the modules could not get, or only in another form."""
    try:
        try:
            # Not all JSON is YAML: YAML has no tabs between values, and no characters in two parts (\ud83d\ude00).
            value = json.loads(text)
        except ValueError:
            value = yaml.load(text, _Loader)  # noqa: S506 a SafeLoader
            if _is_other_in_python(text, value):
                return None
        # Rejects binary values, sets, dicts with lists as keys, infinite numbers and characters that are halves.
        json.dumps(value, ensure_ascii=False, allow_nan=False, default=dt.date.isoformat).encode()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None
    return value if _is_flat(value) else None


def _is_other_in_python(text: str, value: t.Any) -> bool:
    r"""Whether the text has another meaning in Python, as {'a': None} and ['a\nb'] have. A template may print these."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(ast.literal_eval(text.strip()) != value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _is_flat(value: t.Any, levels: int = DEEPEST) -> bool:
    if not isinstance(value, (list, dict)):
        return True
    children = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(each, levels - 1) for each in children)


_CONVERSIONS: dict[Type, t.Callable[[t.Any], t.Any]] = {
    "bool": _bool,
    "int": _int,
    "list": _list,
    "dicts": _dicts,
    "selector": _selector,
    "dict": _dict,
}
