# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of cases for decide()."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata

DEFAULT_NOW = "2026-01-01T06:00:00Z"
OLD, NEW, THEIRS = "old", "new", "theirs"


@dataclasses.dataclass(frozen=True)
class Case:
    """One row. `secret` is a v1 Secret as the API returns it."""

    name: str
    now: str
    policy: dict[str, Any]
    secret: dict[str, Any] | None
    token: dict[str, str] | None
    outage: bool
    clocks_agree: bool
    expect: dict[str, Any]


def load() -> list[Case]:
    rows = yaml.safe_load(Path(__file__).with_name("decide.yml").read_text())
    return [_case(row) for row in rows]


def _case(row: dict[str, Any]) -> Case:
    unknown = set(row) - {"name", "now", "policy", "secret", "token", "outage", "clocks_agree", "expect"}
    assert not unknown, f"{row['name']}: unknown keys {unknown}"
    token = row.get("token")
    if token:
        entry = _docker_config.auth_entry("AWS", NEW)
        token = {"username": "AWS", "password": NEW, "authorization_token": entry["auth"], **token}
    return Case(
        name=row["name"],
        now=row.get("now", DEFAULT_NOW),
        policy=row.get("policy", {}),
        secret=None if row["secret"] is None else secret(**row["secret"]),
        token=token,
        outage=row.get("outage", False),
        clocks_agree=row.get("clocks_agree", True),
        expect=row["expect"],
    )


def secret(
    *,
    managed: bool = True,
    type: str = _docker_config.DOCKERCONFIG_TYPE,
    immutable: bool = False,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    auths: dict[str, str] | None = None,
    raw: str | None = None,
    registries: list[str] | None = None,
    expires_at: str | None = "2026-01-01T12:00:00Z",
    renewed_at: str | None = "2026-01-01T00:00:00Z",
    created: bool = True,
    fingerprint: str = "match",
    namespace: str = "team-a",
    name: str = "ecr-public-secret",
    owner: str = "",
    written_for: str | None = None,
    terminating: bool = False,
) -> dict[str, Any]:
    """Build a v1 Secret from the table's short form."""
    passwords = {_docker_config.DEFAULT_REGISTRY: OLD} if auths is None else auths
    entries = {registry: _docker_config.auth_entry("AWS", password) for registry, password in passwords.items()}
    text = json.dumps({"auths": entries}) if raw is None else raw
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": "5f0c5a2e-0000-4000-8000-000000000001",
        "resourceVersion": "100",
        "labels": dict(labels or {}),
        "annotations": dict(annotations or {}),
    }
    if managed:
        metadata["labels"][managed_metadata.MANAGED_LABEL] = "true"
        if owner:
            metadata["labels"][managed_metadata.OWNER_LABEL] = owner
        managed_registries = list(entries) if registries is None else registries
        managed_entries = {registry: entries[registry] for registry in managed_registries if registry in entries}
        written = {
            managed_metadata.NAMESPACE: namespace if written_for is None else written_for,
            managed_metadata.REGISTRIES: ",".join(managed_registries),
            managed_metadata.EXPIRES_AT: expires_at,
            managed_metadata.RENEWED_AT: renewed_at,
            managed_metadata.FINGERPRINT: {"match": _docker_config.fingerprint(managed_entries), "none": None}.get(
                fingerprint, fingerprint
            ),
            managed_metadata.CREATED: "true" if created else None,
        }
        if created:
            metadata["labels"][managed_metadata.MANAGED_BY_LABEL] = managed_metadata.MANAGED_BY
        metadata["annotations"].update({key: value for key, value in written.items() if value is not None})
    body: dict[str, Any] = {"metadata": metadata, "type": type}
    body["data"] = {_docker_config.DATA_KEY: base64.b64encode(text.encode()).decode()}
    if terminating:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        metadata["finalizers"] = ["example.com/held"]
    if immutable:
        body["immutable"] = True
    return body
