# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pull secret holds, read by the tests' own means and not by the code that they test."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


def auths_of(data: Mapping[str, str]) -> dict[str, Any]:
    """The entries by registry. data: a pull secret's, as the API gives it."""
    return dict(json.loads(base64.b64decode(data[".dockerconfigjson"]))["auths"])
