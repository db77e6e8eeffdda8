# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the failures of aws_failures.yml and the messages for them, as a table in Markdown:

    PYTHONPATH=tests .venv/bin/python -m unit.cases.aws_table

Words after the command select the failures whose cause contains all of them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader


def main(*words: str) -> None:
    init_plugin_loader()
    # Ansible does not find a collection that Python imported first.
    from support.aws import FakeAws
    from support.aws.fixtures import hide_settings
    from unit.cases import aws_sides

    def message(row: aws_sides.Failure, run: aws_sides.Side) -> str:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
            hide_settings(patch, Path(directory))
            error = run(place.prepare(row, patch, Path(directory)))
        return place.unfilled(str(error)).replace("|", "\\|")

    print("| cause | exception | message of the lookup | message of the refresher | fails open |")
    print("|---|---|---|---|---|")
    with FakeAws() as fake, aws_sides.servers(fake) as place:
        for row in aws_sides.FAILURES:
            if all(word in row.cause for word in words):
                lookup = "-" if row.lookup is None else message(row, aws_sides.run_lookup)
                refresher = "-" if row.refresher is None else message(row, aws_sides.run_refresher)
                if refresher == lookup:
                    refresher = "the same"
                print(f"| {row.cause} | {row.error} | {lookup} | {refresher} | {row.fails_open} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
