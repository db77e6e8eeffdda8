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
    """Give the demo and return the exit status."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit("stopped"))
    show = Show()
    confirmed = os.environ.get("CONFIRM")
    try:
        if confirmed:
            give(own_cluster(confirmed), show, remove=True)
        else:
            with test_cluster() as place:
                give(place, show, remove=False)
    except DemoError as error:
        if isinstance(error.__context__, DemoError):  # what failed first, before the removal failed too
            print(f"\nThe demo failed. {error.__context__}", file=sys.stderr)
        print(f"\nThe demo failed. {error}", file=sys.stderr)
        return 1
    return 0


def give(place: Place, show: Show, *, remove: bool) -> None:
    """All steps; with remove what was made is taken away, whatever happens."""
    show.say("Fresh pull secrets for Amazon ECR Public: what this collection does, step by step.")
    show.say(f"It works on {place.title}.")
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(place, show, Path(folder))
        try:
            demo.run()
        finally:
            if remove:
                # Whatever ends us, what was made in somebody's cluster is removed.
                for number in SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                demo.remove()


if __name__ == "__main__":
    sys.exit(main())
