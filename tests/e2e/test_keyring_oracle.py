# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials that this collection finds in pull secrets are those that the kubelet's own code finds.

Each difference that this test has found is a named case of the unit tests of keyring.py.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from support.keyring_cases import Generator
from support.kubelet_oracle import BLOCKED, INVALID_NAME, Answer, ask_kubelet, ask_module, same

FIXED, NEW = 20_000, 5_000
SEEDS = {"fixed seeds": 0, "new seeds": random.SystemRandom().randrange(FIXED, 10**9)}


@pytest.mark.parametrize("kind", SEEDS)
def test_the_module_finds_what_the_kubelet_finds(kind: str) -> None:
    first = SEEDS[kind]
    seeds = range(first, first + (NEW if first else FIXED))
    cases = [Generator(seed).case() for seed in seeds]
    answers = ask_kubelet(cases)
    counts: Counter[str] = Counter()
    different = []
    for seed, case, kubelet in zip(seeds, cases, answers, strict=True):
        counts.update(kinds(kubelet))
        module = ask_module(case)
        if not same(kubelet, module):
            different.append((seed, case, kubelet, module))
    print(f"{len(cases)} cases from seed {first}, {len(different)} differences, {dict(sorted(counts.items()))}")
    assert not different, different[:3]
    # Each kind of answer is there often enough to mean something.
    assert min(counts[kind] for kind in (BLOCKED, INVALID_NAME, "none", "one", "several")) > len(cases) / 20


def kinds(answers: list[Answer] | str) -> list[str]:
    if isinstance(answers, str):
        return [answers]
    return [
        INVALID_NAME
        if answer.repository == INVALID_NAME
        else ("none", "one", "several")[min(len(answer.credentials), 2)]
        for answer in answers
    ]
