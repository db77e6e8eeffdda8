# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which repositories a key of a pull secret matches. Private to this collection.

Source: URLsMatchStr in k8s.io/kubernetes/pkg/credentialprovider v1.37.2, and filepath.Match of Go.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config

LONGEST_LABEL = 63
"""Characters of a part of a host name in DNS. No glob is tried on a longer part: no such registry exists."""
# Only in the first form is the port split off. An IPv6 address without a port keeps its brackets, which make it a glob.
_HOST_AND_PORT = re.compile(r"(?:([^:\[\]]*)|\[([^\[\]]*)\]):([0-9]*)")
_CLASS_OR_STAR = re.compile(r"\[[^\]]*\]?|\*")
_CLASS = re.compile(r"\[([^\]]*)(\]?)")
_RANGE = re.compile(r"([^-])(?:-([^-]))?|-", re.DOTALL)


class Address(t.NamedTuple):
    """A normalised key, whose host can be a glob, or the repository of an image."""

    host: str
    port: str
    path: str


def address(url: str) -> Address | None:
    """Return the parts of a normalised key or a repository. None if the kubelet cannot parse it: nothing matches then.

    Source: SplitURL, which calls net.SplitHostPort.
    """
    parsed = _docker_config.kubelet_address(url)
    if parsed is None:
        return None
    host, path = parsed
    found = _HOST_AND_PORT.fullmatch(host)
    return Address(found[1] or found[2] or "", found[3], path) if found else Address(host, "", path)


def matches(pattern: Address, target: Address) -> bool:
    """Whether the ports are equal, the path begins with that of the key, and the host matches part by part.

    A path is a plain prefix: a key for public.ecr.aws/team matches public.ecr.aws/teams/app.
    """
    return (
        pattern.port == target.port
        and target.path.startswith(pattern.path)
        and pattern.host.count(".") == target.host.count(".")
        and all(_matches_part(*parts) for parts in zip(pattern.host.split("."), target.host.split(".")))
    )


def _matches_part(glob: str, text: str) -> bool:
    """Whether a glob matches a whole text. A host has no "?", "^", "\\" or "/", so `*` and classes are all there is."""
    if "*" not in glob and "[" not in glob:
        return glob == text
    if len(text) > LONGEST_LABEL:
        return False
    chunks = _chunks(glob)
    position = 0
    for number, chunk in enumerate(chunks):
        parsed = _parse_chunk(chunk)
        if parsed is None:
            return False
        length, pattern = parsed
        # The first chunk is at the beginning, the last one at the end, and the others as early as possible.
        start = max(position, len(text) - length) if number == len(chunks) - 1 else position
        end = len(text) if number else length
        if pattern:
            found = pattern.search(text, start, end)
            position = found.start() if found else -1
        else:
            position = text.find(chunk, start, end)
        if position < 0:
            return False
        position += length
    return True


def _chunks(glob: str) -> list[str]:
    """Split a glob at each `*` outside classes."""
    chunks = []
    position = 0
    for found in _CLASS_OR_STAR.finditer(glob):
        if found[0] == "*":
            chunks.append(glob[position : found.start()])
            position = found.end()
    return [*chunks, glob[position:]]


def _parse_chunk(chunk: str) -> tuple[int, re.Pattern[str] | None] | None:
    """Return the length of the texts that match, and a pattern if there are classes. None if Go finds the glob bad."""
    if "[" not in chunk:
        return len(chunk), None
    pieces = []
    position = length = 0
    for found in _CLASS.finditer(chunk):
        literal = chunk[position : found.start()]
        ranges = _parse_class(found[1])
        if not found[2] or not ranges:
            return None
        pieces += [re.escape(literal), f"[{ranges}]"]
        length += len(literal) + 1
        position = found.end()
    rest = chunk[position:]
    return length + len(rest), re.compile("".join([*pieces, re.escape(rest)]))


def _parse_class(text: str) -> str:
    """Return the ranges of a class for a pattern. "" if Go finds it bad, or if nothing matches."""
    ranges = []
    for found in _RANGE.finditer(text):
        low = found[1]
        if not low:
            return ""
        high = found[2] or low
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return "".join(ranges)
