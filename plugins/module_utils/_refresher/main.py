# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry point of the program that the CronJob runs. Private to this collection.

The program uses only the standard library, and decides and writes as the module ecr_public_pull_secret does. It prints
a line of JSON for each namespace and a summary. If a namespace failed, the exit status is not 0. A summary in words is
the pod's termination message.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import threading
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import bug
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import Tokens
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.aws_cli import SECONDS, AwsCli
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.pod_transport import PodTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.refresher import Refresher, with_next_step
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.results import Results, print_line
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import (
    DEADLINE_STATUS,
    SettingsError,
    read,
)

LONGEST_MESSAGE = 4000
"""Bytes of the termination message. The kubelet keeps 4096 bytes."""
SECONDS_ONCE_STOPPED = 4.0
"""For requests in progress. After SIGTERM the pod has 10 s, which must suffice for the termination message too."""
DEADLINE = "the deadline"
"""What stopped a run that took too long, in messages."""


def run(environment: t.Mapping[str, str], out: t.TextIO) -> tuple[int, str]:
    """Run once. Return the exit status and the termination message, which contains no secret.

    environment: the variables of the container.
    """
    try:
        settings = read(environment.get("FRESHPULL_CONFIG", "/etc/freshpull"), bool(environment.get("FORCE_RENEW")))
        transport = _transport(environment)
    except (SettingsError, NoResponseError) as exc:
        return 1, _report(out, str(exc))
    retries = RetryBudget()
    retries.listen()
    cluster = Cluster(transport, retries=retries)
    # TMPDIR is used even if it is full: by default tempfile would first try to write there.
    with tempfile.TemporaryDirectory(dir=environment.get("TMPDIR") or None) as home:
        cli = AwsCli(
            settings.aws_auth,
            settings.aws_endpoint_url,
            environment.get("AWS_ROLE_ARN", ""),
            home,
            # The rest of the time is for the secrets, which may have to fail open.
            seconds=min(SECONDS, settings.deadline * 2 / 3),
        )
        tokens = Tokens(fetch=cli.token)
        results = Results(tokens, out, settings.policy.name)
        problem = _in_time(Refresher(settings, cluster, tokens, results).run, retries, settings.deadline)
    if retries.stopped_by == DEADLINE:
        problem = f"Stopped by its deadline after {settings.deadline} s, before the end: see active_deadline."
    elif retries.stopped_by:
        problem = (
            f"Stopped by {retries.stopped_by} before the end. Its pod was deleted, its node was drained, or a "
            "deadline passed."
        )
    problem = _report(out, " ".join(filter(None, [problem, cluster.clocks.problem])))
    message = f"{problem} {results.conclude()}".strip() or "no namespace"
    if retries.stopped_by == DEADLINE:
        return DEADLINE_STATUS, message
    return (1 if problem or results.failures else 0), message


def _transport(environment: t.Mapping[str, str]) -> PodTransport:
    """Connect to the API server as the pod's service account. Raises SettingsError or NoResponseError."""
    access = environment.get("FRESHPULL_API_ACCESS", "/var/run/secrets/freshpull")
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host:
        raise SettingsError("KUBERNETES_SERVICE_HOST is not set. Run this program in a pod.")
    try:
        port = int(environment.get("KUBERNETES_SERVICE_PORT") or 443)
    except ValueError as exc:
        raise SettingsError("KUBERNETES_SERVICE_PORT is not a number.") from exc
    return PodTransport(host, port, token_file=f"{access}/token", ca_file=f"{access}/ca.crt")


def _report(out: t.TextIO, problem: str) -> str:
    """Print and return a problem of the whole run, if there is one."""
    if problem:
        print_line(out, {"problem": problem})
    return problem


def _in_time(work: t.Callable[[], None], retries: RetryBudget, deadline: float) -> str:
    """Do the work until it ends or must stop. Return why it failed, or "".

    deadline: seconds from now. Work that must stop gets SECONDS_ONCE_STOPPED, since workers may hang.
    """
    problems: list[str] = []

    def step() -> None:
        try:
            work()
        except ClusterError as exc:
            problems.append(with_next_step(exc))
        except Exception as exc:  # noqa: BLE001
            problems.append(bug("The refresher", exc))

    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    stops, ends = retries.now() + deadline, math.inf
    while thread.is_alive() and retries.now() < ends:
        thread.join(0.1)
        if retries.now() > stops:
            retries.stop(DEADLINE)
        if retries.stopped_by:
            ends = min(ends, retries.now() + SECONDS_ONCE_STOPPED)
    return " ".join(problems)


def main() -> None:
    try:
        status, message = run(os.environ, sys.stdout)
    except Exception as exc:  # noqa: BLE001
        status, message = 1, _report(sys.stdout, bug("The refresher", exc))
    shown = message.encode()[:LONGEST_MESSAGE].decode(errors="ignore")
    try:
        with open(os.environ.get("FRESHPULL_TERMINATION_LOG", "/dev/termination-log"), "w", encoding="utf-8") as file:
            file.write(shown + "\n")
    except OSError:
        # The log has the message, too.
        pass
    # It also ends workers that hang.
    os._exit(status)


if __name__ == "__main__":
    main()
