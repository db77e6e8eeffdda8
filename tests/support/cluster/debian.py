# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Debian suite and mirror of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_LISTS = Path("/etc/apt")
_RELEASE = Path("/etc/os-release")


def codename() -> str | None:
    """Return the Debian suite of this machine, such as bookworm; None if it is not Debian."""
    lines = _RELEASE.read_text(encoding="utf-8").splitlines()
    values = {name: value.strip('"') for name, _equals, value in (line.partition("=") for line in lines)}
    return values.get("VERSION_CODENAME") if values.get("ID") == "debian" else None


def mirror(suite: str | None) -> str | None:
    """Return the mirror of this machine for its own suite; None if there is none or it is not Debian."""
    if suite is None:
        return None
    one_line = [_LISTS / "sources.list", *sorted((_LISTS / "sources.list.d").glob("*.list"))]
    deb822 = sorted((_LISTS / "sources.list.d").glob("*.sources"))
    for path in (*deb822, *one_line):
        if path.exists():
            text = path.read_text(encoding="utf-8")
            found = find_mirror(text, suite) if path in deb822 else find_mirror_in_lines(text.splitlines(), suite)
            if found:
                return found
    return None


def find_mirror(text: str, suite: str) -> str | None:
    """Return the first URI of the suite in a deb822 file (paragraphs of "Field: value")."""
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#") and ":" in line]
        fields = {name.lower(): value.split() for name, _colon, value in (line.partition(":") for line in lines)}
        if "deb" in fields.get("types", []) and suite in fields.get("suites", []) and fields.get("uris"):
            return fields["uris"][0]
    return None


def find_mirror_in_lines(lines: Iterable[str], suite: str) -> str | None:
    """Return the first URI of the suite in a one-line-style file ("deb [options] URI suite component")."""
    for line in lines:
        before, bracket, after = line.partition("]")
        words = [*before.partition("[")[0].split(), *after.split()] if bracket else line.split()
        if len(words) > 2 and words[0] == "deb" and words[2] == suite:
            return words[1]
    return None
