# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the plan happen on a real node, and finds what went wrong in it."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.aws import FakeAws
from support.playbook import Ansible
from support.repeated import Repeated
from support.role import Role
from support.secret_watcher import SecretWatcher, lifetimes_at_removal, seconds_past_expiry
from support.workloads import CONFIG, CRONJOB, FinishedJob, Pull, Workloads

from .plan import DEADLINE, GAP, HEALTHY, LIFE, Outage, down_between, hours, outage_at, scaled, seconds

NAME = "ecr-public-secret"
IMAGE = "soak/pause"
TICK = 0.1
"""Seconds between two looks at the plan."""


@dataclass(frozen=True)
class JobRun:
    """One Job: when it began and ended, in hours of the plan, and how."""

    start: float
    end: float
    ended: FinishedJob

    @property
    def summary(self) -> dict[str, int]:
        """Action to the number of namespaces; empty for a Job that was ended from outside."""
        last = self.ended.log.splitlines()[-1:]
        return dict(json.loads(last[0]).get("summary", {})) if last else {}


class Soak:
    """The role in some namespaces, its CronJob suspended; the Jobs are made here, after a clock of our own."""

    def __init__(self, kubeconfig: str, aws: FakeAws, folder: Path, namespaces: Sequence[str], home: str) -> None:
        """namespaces: there already. home: the refresher's, which the role makes. folder: for the play's files."""
        self._kubeconfig = kubeconfig
        self._aws = aws
        self._namespaces = list(namespaces)
        self._home = home
        self.role = Role(Ansible(folder, kubeconfig), aws, namespaces, home)
        self._workloads = Workloads(kubeconfig)
        self._began = 0.0
        self.jobs: list[JobRun] = []
        self.pulls: list[Pull] = []

    def hour(self) -> float:
        """What the clock of the plan shows."""
        return hours(time.monotonic() - self._began)

    def install(self) -> None:
        """Run the role, and then do to its CronJob and ConfigMap what makes their times faster."""
        self._aws.behave(life=seconds(LIFE))
        self.role.run(test_run="never", refresher_active_deadline=DEADLINE).ok()
        core, batch = self._workloads.core, self._workloads.batch
        policy = json.loads(core.read_namespaced_config_map(CONFIG, self._home).data["policy.json"])
        self.policy = scaled(policy)
        core.patch_namespaced_config_map(CONFIG, self._home, {"data": {"policy.json": json.dumps(self.policy)}})
        deadline: dict[str, Any] = {"activeDeadlineSeconds": round(seconds(DEADLINE / 3600))}
        deadline["template"] = {"spec": dict(deadline)}
        batch.patch_namespaced_cron_job(CRONJOB, self._home, {"spec": {"jobTemplate": {"spec": deadline}}})
        self._workloads.suspend(self._home)
        image = {"/pause": Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])}
        self._aws.add_image(IMAGE, "1", image, ["/pause"])

    def run(self, jobs: int, outages: Sequence[Outage], show: Callable[[str], None]) -> list[str]:
        """So many Jobs, while AWS comes and goes and pods pull. Returns what went wrong, in words."""
        self._outages = outages
        self._began = time.monotonic()
        with ExitStack() as stack:
            watcher = stack.enter_context(SecretWatcher(self._kubeconfig, NAME))
            for action in (self._weather, self._pull):
                stack.enter_context(Repeated(action))
            for number in range(jobs):
                self._wait(number * GAP)
                self._job()
                show(self._line(watcher))
            # So long is what the last one did meant to hold.
            self._wait(jobs * GAP)
            until = time.time()
        return self._wrong(watcher, until)

    def _wait(self, hour: float) -> None:
        time.sleep(max(0.0, seconds(hour - self.hour())))

    def _weather(self) -> None:
        outage = outage_at(self.hour(), self._outages)
        self._aws.behave(**{**HEALTHY, **(outage.behaviour if outage else {})})
        time.sleep(TICK)

    def _pull(self) -> None:
        namespace = self._namespaces[len(self.pulls) % len(self._namespaces)]
        self.pulls.append(self._workloads.pull(namespace, f"public.ecr.aws/{IMAGE}:1", [NAME]))

    def _job(self) -> None:
        start = self.hour()
        ended = self._workloads.refresh(self._home, force=False)
        self.jobs.append(JobRun(start, self.hour(), ended))

    def _line(self, watcher: SecretWatcher) -> str:
        run = self.jobs[-1]
        weather = "down" if down_between(run.start, run.end, self._outages) else "up"
        left = [hours(ends - time.time()) for ends in watcher.expiries.values() if ends]
        tokens = f"tokens have {min(left):4.1f} h left" if left else "no tokens, pulls are anonymous"
        did = ", ".join(f"{count} {action}" for action, count in run.summary.items()) or "ended from outside"
        refused = sum(not pull.pulled for pull in self.pulls)
        return (
            f"day {int(run.start // 24) + 1} {run.start % 24:04.1f} h  AWS {weather:<4}  {did:<14}  {tokens}; "
            f"{len(self.pulls)} pulls, {refused} refused"
        )

    def _wrong(self, watcher: SecretWatcher, until: float) -> list[str]:
        wrong = [f"a pull was refused: {pull}" for pull in self.pulls if not pull.pulled]
        for run in self.jobs:
            if not run.ended.succeeded and not down_between(run.start, run.end, self._outages):
                wrong.append(f"the Job at {run.start:.1f} h failed although AWS was up: {run.ended.message}")
            if run.end - run.start > GAP:
                wrong.append(f"the Job at {run.start:.1f} h took {run.end - run.start:.1f} h")
        # The annotation has no fractions of a second.
        limit = self.policy["fail_open_before"] + 1
        early = [left for left in lifetimes_at_removal(watcher.observations) if left > limit]
        wrong += [f"a token was taken out {left:.1f} s before its end" for left in early]
        wrong += [
            f"a token stood {late:.1f} s after its end in {namespace}"
            for namespace, late in seconds_past_expiry(watcher.observations, until).items()
        ]
        return wrong

    @property
    def actions(self) -> Counter[str]:
        """In how many namespaces each action was the Jobs' answer."""
        return sum((Counter(run.summary) for run in self.jobs), Counter())

    @property
    def outcome(self) -> dict[str, Any]:
        """The figures of the run."""
        manifests = [each for each in self._aws.registry_requests if "/manifests/" in each["path"]]
        served = [each["authenticated"] for each in manifests if each["status"] == 200]
        return {
            "jobs": len(self.jobs),
            "jobs that failed": sum(not run.ended.succeeded for run in self.jobs),
            "namespaces by action": dict(self.actions),
            "pulls": len(self.pulls),
            "pulls refused": sum(not pull.pulled for pull in self.pulls),
            "manifests served with a token": sum(served),
            "manifests served to anybody": len(served) - sum(served),
        }
