# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a run and its termination message."""

from __future__ import annotations

import io
import json

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import Tokens
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.results import Results


def test_the_summary_counts_and_names_the_first_that_failed() -> None:
    out = io.StringIO()
    results = Results(Tokens(outage="AWS is down"), out, "ecr-public-secret")
    for number in range(12):
        results.add(Outcome(f"team-{number:02}", Plan("failed", "token_unavailable", "No token.")))
    results.add(Outcome("good", Plan("unchanged", "fresh")))
    words = results.conclude().splitlines()
    assert words[0] == "12 failed, 1 unchanged"
    assert words[1] == "team-00: token_unavailable: No token. AWS is down"
    assert (len(words), words[-1]) == (12, "(the log has the others)")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[-1] == {"summary": {"failed": 12, "unchanged": 1}, "expires_at": None}
    failed = {"namespace": "team-00", "action": "failed", "reason": "token_unavailable", "expires_at": None}
    assert lines[0] == {**failed, "msg": "No token. AWS is down"}
