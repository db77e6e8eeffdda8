# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translate label selectors and globs, as pure functions. Private to this collection.

A label selector becomes requirements, which an admission policy checks in CEL. Globs become a regular expression with
the same meaning in RE2 (used by CEL) and Python.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

# One part of a selector in the syntax of kubectl -l:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
_PART = re.compile(
    r"\s*(?P<negation>!?)\s*(?P<key>[A-Za-z0-9_./-]+)"
    r"(?:\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9_.-]*)"
    r"|\s+(?P<membership>in|notin)\s*\((?P<values>[A-Za-z0-9_., -]*)\))?\s*(?:,|$)"
)


class SelectorError(CollectionError):
    """A selector is invalid. str() is the invalid part."""


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A label whose value must be one of values, or that must exist if values is empty. negate: the opposite."""

    key: str
    values: tuple[str, ...] = ()
    negate: bool = False


def requirements(selector: str) -> tuple[Requirement, ...]:
    """Return the parts of a selector, all of which must hold. Raises SelectorError."""
    found = []
    position = 0
    if selector.rstrip().endswith(","):
        raise SelectorError(selector)
    while position < len(selector):
        part = _PART.match(selector, position)
        if not part or (part["negation"] and (part["operator"] or part["membership"])):
            raise SelectorError(selector[position:])
        if part["operator"]:
            found.append(Requirement(part["key"], (part["value"],), negate=part["operator"] == "!="))
        elif part["membership"]:
            values = tuple(part["values"].replace(" ", "").split(","))
            found.append(Requirement(part["key"], values, negate=part["membership"] == "notin"))
        else:
            found.append(Requirement(part["key"], negate=bool(part["negation"])))
        position = part.end()
    return tuple(found)


def pattern(globs: t.Sequence[str]) -> str:
    """Return a regular expression for whole names. Without globs it matches no name."""
    alternatives = "|".join(globs).replace(".", "[.]").replace("[!", "[^").replace("?", ".").replace("*", ".*")
    return f"^({alternatives})$"
