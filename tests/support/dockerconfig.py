# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of a pull secret, read without the code under test."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


def auths_of(data: Mapping[str, str]) -> dict[str, Any]:
    """Return the entries by registry. data: of a pull secret, as the API returns it."""
    return dict(json.loads(base64.b64decode(data[".dockerconfigjson"]))["auths"])
