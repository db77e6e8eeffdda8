# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespaces are meant, as pure functions. Private to this collection."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Namespace

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_GLOB = re.compile(r"[*?\[]")


def is_glob(pattern: str) -> bool:
    """Whether it is a shell glob such as team-*, not a name."""
    return bool(_GLOB.search(pattern))


@dataclasses.dataclass(frozen=True)
class Selection:
    """namespaces and exclude: names and shell globs. selector: kubectl -l syntax, "" for none."""

    namespaces: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    selector: str = ""

    def __post_init__(self) -> None:
        if not self.namespaces:
            raise OptionError("namespaces is empty: name at least one, or use '*' for all")
        for name in self.names:
            if not _DNS_LABEL.fullmatch(name):
                raise OptionError(
                    f"{name!r} cannot be a namespace: names have lower-case letters, digits and '-', at most 63"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The namespaces that are named, in order and once each."""
        return tuple(dict.fromkeys(name for name in self.namespaces if not is_glob(name)))

    @property
    def globs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in self.namespaces if is_glob(name)))

    @property
    def needs_list(self) -> bool:
        """Whether only a list of the cluster's namespaces can tell which are meant."""
        return bool(self.globs or self.selector)

    def excludes(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.exclude)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """chosen: name -> why it cannot be served ("" if it can). skipped: terminating ones that a glob brought."""

    chosen: t.Mapping[str, str]
    skipped: tuple[str, ...] = ()
    unmatched_globs: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.chosen or name in self.skipped


def choose(selection: Selection, present: t.Mapping[str, Namespace] | None) -> Chosen:
    """Chosen = (named or matched by a glob) and (selected) and not (excluded).

    present: the namespaces that exist and match the selector; None where that could not be asked, so that a named
    namespace is taken to exist until a write says otherwise.
    """
    chosen: dict[str, str] = {}
    for name in selection.names:
        if not selection.excludes(name):
            chosen[name] = "" if present is None else _problem(name, present, selection)
    skipped = []
    unmatched = []
    for glob in selection.globs:
        found = fnmatch.filter(present or {}, glob)
        if not found:
            unmatched.append(glob)
        for name in found:
            if name in chosen or selection.excludes(name):
                continue
            if (present or {})[name].terminating:
                skipped.append(name)
            else:
                chosen[name] = ""
    return Chosen(chosen, tuple(dict.fromkeys(skipped)), tuple(unmatched))


def _problem(name: str, present: t.Mapping[str, Namespace], selection: Selection) -> str:
    if name not in present:
        return "not_selected" if selection.selector else "missing_namespace"
    return "terminating" if present[name].terminating else ""
