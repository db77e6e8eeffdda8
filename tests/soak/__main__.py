# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: six days of the refresher on a real node. Started by `python -m support.cluster run --node`."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from kubernetes import client, config

from support.aws import FakeAws

from .plan import FACTOR, GAP, JOBS, LIFETIME, OUTAGES, seconds
from .run import Soak

NAMESPACES = ("soak-a", "soak-b", "soak-c")


def main() -> int:
    """Run the plan, print the results, and return 1 if there was an error."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("stopped"))
    started = time.monotonic()
    kubeconfig = os.environ["FRESHPULL_TEST_KUBECONFIG"]
    core = client.CoreV1Api(config.new_client_from_config(kubeconfig))
    for name in NAMESPACES:
        core.create_namespace({"metadata": {"name": name}})
    down = sum(outage.hours for outage in OUTAGES)
    print(
        f"{JOBS} Jobs, {JOBS * GAP / 24:g} days of the schedule, {FACTOR} times faster; a Job each {seconds(GAP):g} s, "
        f"a token lifetime of {seconds(LIFETIME):g} s. AWS is down for {down:g} of {JOBS * GAP:g} hours.",
        flush=True,
    )
    port = int(os.environ["FRESHPULL_TEST_REGISTRY_PORT"])
    with (
        tempfile.TemporaryDirectory() as directory,
        FakeAws(host=os.environ["FRESHPULL_TEST_ADDRESS"], registry_port=port) as aws,
    ):
        soak = Soak(kubeconfig, aws, Path(directory), NAMESPACES, "soak-refresher")
        soak.install()
        errors = soak.run(JOBS, OUTAGES, lambda line: print(line, flush=True))
        for name, figure in soak.outcome.items():
            print(f"{name}: {figure}")
    for error in errors:
        print(f"ERROR: {error}")
    print(f"\nmake soak took {(time.monotonic() - started) / 60:.1f} min: {'FAILED' if errors else 'no errors'}.")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
