# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the guide to permissions: the roles that it shows, and the roles that each way of use needs."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

GUIDE = Path(__file__).parents[2] / "docs/docsite/rst/guide_permissions.rst"

Rules = list[dict[str, Any]]


def ways() -> dict[str, tuple[list[str], list[str]]]:
    """Return the rows of the table: way of use to the roles in each namespace and the roles in the cluster."""
    names = r"((?: ``\S+``,?)*)"
    rows = re.findall(rf"^   \* - (.+)\n     -{names}\n     -{names}$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return {way: (_names(namespaced), _names(everywhere)) for way, namespaced, everywhere in rows}


def rules(way: str) -> tuple[Rules, Rules]:
    """Return the rules of the roles of a way of use, in each namespace and in the cluster."""
    shown = roles()
    namespaced, everywhere = ([rule for name in names for rule in shown[name]] for names in ways()[way])
    return namespaced, everywhere


def _names(cell: str) -> list[str]:
    return re.findall(r"``(\S+)``", cell)


def roles() -> dict[str, Rules]:
    """Return the rules of the ClusterRoles in the guide, by name."""
    blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?: +.*\n|\n)+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = [yaml.safe_load(textwrap.dedent(block)) for block in blocks]
    return {role["metadata"]["name"]: role["rules"] for role in shown}
