# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find mistakes in AWS access keys before a request. Private to this collection.

AWS's own error for each of them is about an unknown key or a wrong signature.
"""

from __future__ import annotations

import re
import typing as t

NAMES = {"access_key": "AWS access key", "secret_key": "AWS secret key", "session_token": "session token"}


class Mistake(t.NamedTuple):
    """names: the keys that are wrong, of NAMES. text: what is wrong and the next step, without any value."""

    names: tuple[str, ...]
    text: str


def find(values: t.Mapping[str, t.Any], origin: t.Callable[[str], str]) -> Mistake | None:
    """Return the first mistake in keys. values: by NAMES; a key without a value is missing. origin: of a name."""
    present = {name: str(values[name]) for name in NAMES if values.get(name)}
    for name, value in present.items():
        described = f"The {NAMES[name]} from {origin(name)}"
        if re.search(r"\s", value):
            return Mistake((name,), f"{described} contains a space or a line break. Remove it.")
        if value[0] in "'\"" or value[-1] in "'\"":
            return Mistake((name,), f"{described} has quotes around it. Remove them.")
    if present.get("access_key", "").startswith("AKIA") and "session_token" in present:
        return Mistake(
            ("access_key", "session_token"),
            f"The AWS access key from {origin('access_key')} is that of a user (AKIA...), which has no session token, "
            f"but there is one from {origin('session_token')}. Remove the session token: AWS rejects the two together.",
        )
    return None
