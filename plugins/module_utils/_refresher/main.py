# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that the CronJob runs: its start and its end. Private to this collection.

It uses the standard library alone, and decides and writes as the module ecr_public_pull_secret does. It prints a line
of JSON for each namespace and a summary, and exits with another status than 0 if any namespace failed. Its last words
are also the pod's termination message.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import threading
import traceback
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import Tokens
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.aws_cli import SECONDS, AwsCli
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.pod_transport import PodTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.refresher import Refresher, again
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.results import Results, print_line
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import (
    DEADLINE_STATUS,
    SettingsError,
    read,
)

LONGEST_MESSAGE = 4000
"""Bytes of the termination message. The kubelet keeps 4096."""
SECONDS_ONCE_STOPPED = 4.0
"""For what is under way. The pod has 10 s from SIGTERM to its end, and the last words take a moment, too."""
DEADLINE = "the deadline"
"""What stops a run that takes too long, in messages."""


def run(environment: t.Mapping[str, str], out: t.TextIO) -> tuple[int, str]:
    """One run with these variables; the exit status and the last words, in which no secret is."""
    try:
        settings = read(environment.get("FRESHPULL_CONFIG", "/etc/freshpull"), bool(environment.get("FORCE_RENEW")))
        transport = _transport(environment)
    except (SettingsError, NoResponseError) as exc:
        return 1, _tell(out, str(exc))
    patience = RetryBudget()
    patience.listen()
    cluster = Cluster(transport, patience)
    # Where TMPDIR says, though it may be full: tempfile would first try to write there.
    with tempfile.TemporaryDirectory(dir=environment.get("TMPDIR") or None) as home:
        cli = AwsCli(
            settings.aws_auth,
            settings.aws_endpoint_url,
            environment.get("AWS_ROLE_ARN", ""),
            home,
            # What is left is for the secrets, which may have to fail open.
            seconds=min(SECONDS, settings.deadline * 2 / 3),
        )
        tokens = Tokens(fetch=cli.token)
        results = Results(tokens, out)
        problem = _in_time(Refresher(settings, cluster, tokens, results).run, patience, settings.deadline)
    if patience.stopped_by == DEADLINE:
        problem = f"Stopped after {settings.deadline} s, before the end, by its deadline: see active_deadline."
    elif patience.stopped_by:
        problem = (
            f"Stopped by {patience.stopped_by} before the end, as a deadline, a deletion or the drain of a node does."
        )
    problem = _tell(out, " ".join(filter(None, [problem, cluster.clocks.problem])))
    words = f"{problem} {results.conclude()}".strip() or "no namespace"
    if patience.stopped_by == DEADLINE:
        return DEADLINE_STATUS, words
    return (1 if problem or results.failures else 0), words


def _transport(environment: t.Mapping[str, str]) -> PodTransport:
    """Raises SettingsError or NoResponseError."""
    access = environment.get("FRESHPULL_API_ACCESS", "/var/run/secrets/freshpull")
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host:
        raise SettingsError("KUBERNETES_SERVICE_HOST is not set: this program runs in a pod.")
    try:
        port = int(environment.get("KUBERNETES_SERVICE_PORT") or 443)
    except ValueError as exc:
        raise SettingsError("KUBERNETES_SERVICE_PORT is not a number.") from exc
    return PodTransport(host, port, f"{access}/token", f"{access}/ca.crt")


def _tell(out: t.TextIO, problem: str) -> str:
    """Print what concerns the whole run, if there is anything."""
    if problem:
        print_line(out, {"problem": problem})
    return problem


def _in_time(work: t.Callable[[], None], patience: RetryBudget, deadline: float) -> str:
    """Why the work could not be done, or "". Once it is asked to stop it has a moment: workers may hang.

    deadline: seconds from now.
    """
    problems: list[str] = []

    def step() -> None:
        try:
            work()
        except ClusterError as exc:
            problems.append(again(exc))
        except Exception as exc:  # noqa: BLE001
            problems.append(_mistake(exc))

    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    stops, ends = patience.now() + deadline, math.inf
    while thread.is_alive() and patience.now() < ends:
        thread.join(0.1)
        if patience.now() > stops:
            patience.stop(DEADLINE)
        if patience.stopped_by:
            ends = min(ends, patience.now() + SECONDS_ONCE_STOPPED)
    return " ".join(problems)


def _mistake(exc: Exception) -> str:
    """Its text may hold a secret; its kind and its place do not."""
    place = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}, line {place.lineno}"
    return f"The refresher failed by a mistake of its own: {type(exc).__name__} in {where}."


def main() -> None:
    try:
        status, words = run(os.environ, sys.stdout)
    except Exception as exc:  # noqa: BLE001
        status, words = 1, _tell(sys.stdout, _mistake(exc))
    shown = words.encode()[:LONGEST_MESSAGE].decode(errors="ignore")
    try:
        with open(os.environ.get("FRESHPULL_TERMINATION_LOG", "/dev/termination-log"), "w", encoding="utf-8") as file:
            file.write(shown + "\n")
    except OSError:
        # The log has it, too.
        pass
    # Workers that hang do not outlast it.
    os._exit(status)


if __name__ == "__main__":
    main()
