# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A day of `make soak`: one outage shorter than a token's lifetime, and one longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from soak.plan import THROTTLED, UNREACHABLE, Outage
from soak.run import Soak
from support.aws import FakeAws

pytestmark = pytest.mark.node
JOBS = 10
OUTAGES = [Outage(3.5, 2, THROTTLED), Outage(7, 10.5, UNREACHABLE)]


def test_no_pull_is_ever_rejected(
    kubeconfig: str, aws: FakeAws, tmp_path: Path, make_namespaces: Callable[..., list[str]]
) -> None:
    names = make_namespaces("a", "b")
    soak = Soak(kubeconfig, aws, tmp_path, names, names[0].removesuffix("a") + "refresher")
    lines: list[str] = []
    with soak.role:
        soak.install()
        assert soak.run(JOBS, OUTAGES, lines.append) == [], "\n".join(lines)
    outcome = soak.outcome
    assert outcome["jobs"] == JOBS
    # The outage was too long for some tokens, and the entries were restored.
    assert soak.actions["failed_open"] == len(names)
    assert soak.actions["renewed"] >= 2 * len(names)
    assert outcome["pulls"] > 30
    assert outcome["manifests served with a token"] > 0
    assert outcome["manifests served anonymously"] > 0
