# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the arguments that tasks get in a run of ansible-playbook."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A task that has run on a host: its arguments after templating, and the message of its result."""

    host: str
    task: str
    arguments: dict[str, Any]
    message: str


class Recorder:
    """Writes to a file. `environment` is for the run that is recorded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.environment = {
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins")),
            "ANSIBLE_CALLBACKS_ENABLED": "record_arguments",
            "FRESHPULL_RECORD": str(path),
        }

    @property
    def tasks(self) -> list[Recorded]:
        """The tasks that were not skipped, in the order in which they ended."""
        return [Recorded(**json.loads(line)) for line in self._path.read_text(encoding="utf-8").splitlines()]
