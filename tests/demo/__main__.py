# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the whole collection at work, in a minute or two."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from .places import Place, own_cluster, test_cluster
from .showing import DemoError, Show
from .steps import Demo

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the demo and return the exit status."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit("stopped"))
    show = Show()
    confirmed = os.environ.get("CONFIRM")
    try:
        if confirmed:
            run_steps(own_cluster(confirmed), show, remove=True)
        else:
            with test_cluster() as place:
                run_steps(place, show, remove=False)
    except DemoError as error:
        if isinstance(error.__context__, DemoError):  # the first failure, if the removal failed too
            print(f"\nThe demo failed. {error.__context__}", file=sys.stderr)
        print(f"\nThe demo failed. {error}", file=sys.stderr)
        return 1
    return 0


def run_steps(place: Place, show: Show, *, remove: bool) -> None:
    """Run all steps. With remove, remove everything that was created, even after a failure."""
    show.say("Fresh pull secrets for Amazon ECR Public: what this collection does, step by step.")
    show.say(f"It works on {place.title}.")
    with tempfile.TemporaryDirectory() as directory:
        demo = Demo(place, show, Path(directory))
        try:
            demo.run()
        finally:
            if remove:
                # Signals must not stop the removal from the user's cluster.
                for number in SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                demo.remove()


if __name__ == "__main__":
    sys.exit(main())
