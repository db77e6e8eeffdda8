# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the arguments of each task to a file, as the task gets them: after templating, and before its action runs."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record_arguments
type: notification
short_description: Write the arguments of each task to a file
description: For tests. A line of JSON for each task, in the file that FRESHPULL_RECORD names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_arguments"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record(result)

    def v2_runner_on_failed(self, result: Any, **_: Any) -> None:
        self._record(result)

    def _record(self, result: Any) -> None:
        fields = result._task_fields
        line = {
            "host": result._host.get_name(),
            "task": fields["name"],
            "arguments": fields["args"],
            "message": str(result._result.get("msg", "")),
        }
        with open(os.environ["FRESHPULL_RECORD"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str, sort_keys=True) + "\n")
