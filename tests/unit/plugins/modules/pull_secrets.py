# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull secrets and service accounts as the API server stores them, and the calls that read and write them."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import auth_entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import decide as cases
from unit.plugins.modules.scripted import API_KEY, Call, error

NAME = "ecr-public-secret"
REGISTRY = "public.ecr.aws"
NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
OLD, NEW, OTHER = "old-never-shown", "new-never-shown", "other-never-shown"
TOKEN = Token(NOW + dt.timedelta(hours=12), "AWS", NEW).to_mapping()
SECRETS = [
    API_KEY,
    *(text for password in (OLD, NEW, OTHER) for text in (password, auth_entry("AWS", password)["auth"])),
]


def hours(left: float) -> str:
    return format_time(NOW + dt.timedelta(hours=left))


def secret(left: float = 11, namespace: str = "default", **changes: Any) -> dict[str, Any]:
    """Build a managed secret with this many hours of remaining lifetime."""
    fields: dict[str, Any] = {"auths": {REGISTRY: OLD}, "renewed_at": hours(left - 12), **changes}
    return cases.secret(namespace=namespace, expires_at=hours(left), **fields)


def path(namespace: str = "default", name: str = NAME) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


def accounts(namespace: str = "default", name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/serviceaccounts" + (f"/{name}" if name else "")


def account(name: str, *secrets: str, namespace: str = "default") -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
    return {"metadata": metadata, "imagePullSecrets": [{"name": each} for each in secrets]}


def reads(stored: dict[str, Any] | None, namespace: str = "default") -> tuple[Call, Call]:
    """Build the calls that read a namespace and its secret."""
    found = error("GET", path(namespace), 404) if stored is None else Call("GET", path(namespace), body=stored)
    return Call("GET", f"/api/v1/namespaces/{namespace}", body={"metadata": {"name": namespace}}), found


def created(namespace: str = "default") -> Call:
    return Call("POST", f"/api/v1/namespaces/{namespace}/secrets", 201)


def patched(namespace: str = "default") -> Call:
    return Call("PATCH", path(namespace))


def entries(body: Any) -> dict[str, Any]:
    """Return the entries that a request writes."""
    return json.loads(base64.b64decode(body["data"][".dockerconfigjson"]))["auths"]
