# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, shell globs, and the short form of a list of names for messages. Private to this collection."""

from __future__ import annotations

import fnmatch
import re
import typing as t

SHOWN = 10
"""Names that a message lists."""
LONGEST = 200
"""Characters that a message shows of one text in the cluster, which may have a million."""

_GLOB = re.compile(r"[*?\[]")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# Each has the same meaning in Python and in RE2, which an admission policy uses.
_NAMESPACE_GLOB = re.compile(r"([-a-z0-9*?]|\[!?([a-z0-9]|[a-z0-9]-[a-z0-9])+\])+")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_OBJECT_GLOB = re.compile(r"([-a-z0-9.*?]|\[!?[-a-z0-9.]+\])+")


def is_dns_label(name: str) -> bool:
    """Return whether it can be the name of a namespace."""
    return bool(_DNS_LABEL.fullmatch(name))


def is_dns_subdomain(name: str) -> bool:
    """Return whether it can be the name of an object such as a secret."""
    return bool(_DNS_SUBDOMAIN.fullmatch(name))


def matches_namespaces(pattern: str) -> bool:
    """Return whether it is the name of a namespace or a glob of such names."""
    return bool((_NAMESPACE_GLOB if is_glob(pattern) else _DNS_LABEL).fullmatch(pattern))


def matches_objects(pattern: str) -> bool:
    """Return whether it is the name of an object or a glob of such names."""
    return bool((_OBJECT_GLOB if is_glob(pattern) else _DNS_SUBDOMAIN).fullmatch(pattern))


def is_glob(pattern: str) -> bool:
    """Return whether it is a shell glob such as team-*, not a name."""
    return bool(_GLOB.search(pattern))


def names_of(patterns: t.Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that are names, in order and once each."""
    return tuple(dict.fromkeys(pattern for pattern in patterns if not is_glob(pattern)))


def globs_of(patterns: t.Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that are globs, in order and once each."""
    return tuple(dict.fromkeys(pattern for pattern in patterns if is_glob(pattern)))


def matches(name: str, patterns: t.Iterable[str]) -> bool:
    """Return whether one of the names and globs matches. Case counts on every platform."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def some(names: t.Sequence[str]) -> str:
    """Return the first names and the number of the others, such as "a, b and 3 more"."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def shortened(text: str) -> str:
    """Return the text, or its beginning and its length."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
