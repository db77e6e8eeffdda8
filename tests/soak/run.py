# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the plan on a real node, and find errors."""

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

from .plan import DEADLINE, GAP, HEALTHY, LIFETIME, Outage, down_between, hours, outage_at, scaled, seconds

NAME = "ecr-public-secret"
IMAGE = "soak/pause"
TICK = 0.1
"""Seconds between two updates of the fake AWS."""


@dataclass(frozen=True)
class JobRun:
    """One Job: its start and end in hours of the plan, and its result."""

    start: float
    end: float
    result: FinishedJob

    @property
    def summary(self) -> dict[str, int]:
        """The number of namespaces by action; empty for a Job that was stopped."""
        last = self.result.log.splitlines()[-1:]
        return dict(json.loads(last[0]).get("summary", {})) if last else {}


class Soak:
    """The role in some namespaces, with a suspended CronJob. This class creates the Jobs, by the clock of the plan."""

    def __init__(self, kubeconfig: str, aws: FakeAws, directory: Path, namespaces: Sequence[str], home: str) -> None:
        """namespaces: existing ones. home: the refresher's, created by the role. directory: for files of the play."""
        self._kubeconfig = kubeconfig
        self._aws = aws
        self._namespaces = list(namespaces)
        self._home = home
        self.role = Role(Ansible(directory, kubeconfig), aws, namespaces, home)
        self._workloads = Workloads(kubeconfig)
        self._began = 0.0
        self.jobs: list[JobRun] = []
        self.pulls: list[Pull] = []

    def hour(self) -> float:
        """Return the current hour of the plan."""
        return hours(time.monotonic() - self._began)

    def install(self) -> None:
        """Run the role, and then scale the durations in its CronJob and ConfigMap."""
        self._aws.behave(life=seconds(LIFETIME))
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
        """Run Jobs while AWS is up and down and pods pull. Return the errors, in words."""
        self._outages = outages
        self._began = time.monotonic()
        with ExitStack() as stack:
            watcher = stack.enter_context(SecretWatcher(self._kubeconfig, NAME))
            for action in (self._update_aws, self._pull):
                stack.enter_context(Repeated(action))
            for number in range(jobs):
                self._wait(number * GAP)
                self._job()
                show(self._line(watcher))
            # The tokens of the last Job must be valid until the next one.
            self._wait(jobs * GAP)
            until = time.time()
        return self._errors(watcher, until)

    def _wait(self, hour: float) -> None:
        time.sleep(max(0.0, seconds(hour - self.hour())))

    def _update_aws(self) -> None:
        outage = outage_at(self.hour(), self._outages)
        self._aws.behave(**{**HEALTHY, **(outage.behaviour if outage else {})})
        time.sleep(TICK)

    def _pull(self) -> None:
        namespace = self._namespaces[len(self.pulls) % len(self._namespaces)]
        self.pulls.append(self._workloads.pull(namespace, f"public.ecr.aws/{IMAGE}:1", [NAME]))

    def _job(self) -> None:
        start = self.hour()
        result = self._workloads.refresh(self._home, force=False)
        self.jobs.append(JobRun(start, self.hour(), result))

    def _line(self, watcher: SecretWatcher) -> str:
        run = self.jobs[-1]
        aws = "down" if down_between(run.start, run.end, self._outages) else "up"
        remaining = [hours(expiry - time.time()) for expiry in watcher.expiries.values() if expiry]
        tokens = f"tokens expire in {min(remaining):4.1f} h" if remaining else "no tokens, pulls are anonymous"
        actions = ", ".join(f"{count} {action}" for action, count in run.summary.items()) or "stopped"
        failed = sum(not pull.pulled for pull in self.pulls)
        return (
            f"day {int(run.start // 24) + 1} {run.start % 24:04.1f} h  AWS {aws:<4}  {actions:<14}  {tokens}; "
            f"{len(self.pulls)} pulls, {failed} failed"
        )

    def _errors(self, watcher: SecretWatcher, until: float) -> list[str]:
        errors = [f"a pull failed: {pull}" for pull in self.pulls if not pull.pulled]
        for run in self.jobs:
            if not run.result.succeeded and not down_between(run.start, run.end, self._outages):
                errors.append(f"the Job at {run.start:.1f} h failed although AWS was up: {run.result.message}")
            if run.end - run.start > GAP:
                errors.append(f"the Job at {run.start:.1f} h took {run.end - run.start:.1f} h")
        # Annotations have no fractions of a second.
        limit = self.policy["fail_open_before"] + 1
        early = [each for each in lifetimes_at_removal(watcher.observations) if each > limit]
        errors += [f"a token was removed {remaining:.1f} s before its expiry" for remaining in early]
        errors += [
            f"{namespace} had an expired token for {late:.1f} s"
            for namespace, late in seconds_past_expiry(watcher.observations, until).items()
        ]
        return errors

    @property
    def actions(self) -> Counter[str]:
        """The number of namespaces by action, over all Jobs."""
        return sum((Counter(run.summary) for run in self.jobs), Counter())

    @property
    def outcome(self) -> dict[str, Any]:
        """The figures of the run."""
        manifests = [each for each in self._aws.registry_requests if "/manifests/" in each["path"]]
        served = [each["authenticated"] for each in manifests if each["status"] == 200]
        return {
            "jobs": len(self.jobs),
            "jobs that failed": sum(not run.result.succeeded for run in self.jobs),
            "namespaces by action": dict(self.actions),
            "pulls": len(self.pulls),
            "pulls failed": sum(not pull.pulled for pull in self.pulls),
            "manifests served with a token": sum(served),
            "manifests served anonymously": len(served) - sum(served),
        }
