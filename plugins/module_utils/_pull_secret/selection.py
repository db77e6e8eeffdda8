# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select the namespaces of a task, as pure functions. Private to this collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Namespace
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import (
    globs_of,
    matches,
    matches_namespaces,
    names_of,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason


@dataclasses.dataclass(frozen=True)
class Selection:
    """The options that select namespaces.

    namespaces, exclude: names and shell globs. selector: in the syntax of kubectl -l, "" for none.
    """

    namespaces: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    selector: str = ""

    def __post_init__(self) -> None:
        if not self.namespaces:
            raise OptionError("namespaces is empty. Name at least one namespace, or use '*' for all.")
        for option, patterns in (("namespaces", self.namespaces), ("exclude_namespaces", self.exclude)):
            for pattern in patterns:
                if not matches_namespaces(pattern):
                    raise OptionError(
                        f"{option}: {pattern!r} cannot be a namespace. Use at most 63 lower-case letters, digits and "
                        "'-', and '*', '?', [a-z] and [!a-z] in globs."
                    )

    @property
    def names(self) -> tuple[str, ...]:
        return names_of(self.namespaces)

    @property
    def globs(self) -> tuple[str, ...]:
        return globs_of(self.namespaces)

    @property
    def needs_list(self) -> bool:
        """Whether the namespaces of the cluster must be listed."""
        return bool(self.globs or self.selector)

    def excludes(self, name: str) -> bool:
        return matches(name, self.exclude)


@dataclasses.dataclass(frozen=True)
class Selected:
    """The result of select().

    namespaces: name -> why the task cannot work in it, or None. skipped: terminating namespaces that a glob matches.
    """

    namespaces: t.Mapping[str, Reason | None]
    skipped: tuple[str, ...] = ()
    unmatched_globs: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.namespaces or name in self.skipped

    @property
    def usable(self) -> list[str]:
        """The namespaces in which the task can work."""
        return [name for name, problem in self.namespaces.items() if not problem]


def select(selection: Selection, present: t.Mapping[str, Namespace] | None) -> Selected:
    """Return the namespaces that are named or matched by a glob, match the selector, and are not excluded.

    present: the namespaces that exist and match the selector. None if that could not be read: then named namespaces
    count as present until a write fails.
    """
    selected: dict[str, Reason | None] = {}
    for name in selection.names:
        if not selection.excludes(name):
            selected[name] = None if present is None else _problem(name, present, selection)
    skipped: dict[str, None] = {}
    unmatched = []
    for glob in selection.globs:
        found = [name for name in present or {} if matches(name, [glob])]
        if not found:
            unmatched.append(glob)
        for name in found:
            if name in selected or selection.excludes(name):
                continue
            if (present or {})[name].terminating:
                skipped[name] = None
            else:
                selected[name] = None
    return Selected(selected, tuple(skipped), tuple(unmatched))


def _problem(name: str, present: t.Mapping[str, Namespace], selection: Selection) -> Reason | None:
    if name not in present:
        return "not_selected" if selection.selector else "missing_namespace"
    return "terminating" if present[name].terminating else None
