# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pull secret of the cluster tells about itself. Private to this collection."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

Secret = dict[str, t.Any]
"""A v1 Secret as the API gives it: a JSON object as a dict."""


class Stored:
    """What a secret of the cluster tells about itself. Reading it never raises."""

    def __init__(self, secret: Secret) -> None:
        metadata = secret["metadata"]
        self.labels: dict[str, str] = metadata.get("labels") or {}
        self.annotations: dict[str, str] = metadata.get("annotations") or {}
        self.type: str = secret.get("type") or "Opaque"
        self.immutable: bool = bool(secret.get("immutable"))
        self.data: dict[str, str] = secret.get("data") or {}
        self.ours = self.labels.get(managed_metadata.MANAGED_LABEL) == "true"
        self.created = self.annotations.get(managed_metadata.CREATED) == "true"
        self.registries = tuple(filter(None, self.annotations.get(managed_metadata.REGISTRIES, "").split(",")))
        self.malformed = ""
        self.text = ""
        self.config: dict[str, t.Any] = {}
        try:
            self.config = self._read_config()
        except _docker_config.DockerConfigError as exc:
            self.malformed = str(exc)
        self.auths: dict[str, _docker_config.Entry] = self.config.get("auths", {})

    def _read_config(self) -> dict[str, t.Any]:
        if self.type == _docker_config.LEGACY_TYPE:
            return {"auths": _docker_config.parse_base64(self.data.get(_docker_config.LEGACY_DATA_KEY, ""))}
        text = _docker_config.decode(self.data.get(_docker_config.DATA_KEY, ""))
        config = _docker_config.parse(text)
        self.text = text
        return config

    @property
    def entries(self) -> dict[str, _docker_config.Entry]:
        """Those of our entries that are still there."""
        return {registry: self.auths[registry] for registry in self.registries if registry in self.auths}

    @property
    def genuine(self) -> bool:
        """Whether our entries are what we wrote, so that our annotations speak of them."""
        return _docker_config.fingerprint(self.entries) == self.annotations.get(managed_metadata.FINGERPRINT)

    def _time(self, annotation: str) -> dt.datetime | None:
        try:
            return parse_time(self.annotations.get(annotation, ""))
        except TimeError:
            return None

    @property
    def expires_at(self) -> dt.datetime | None:
        """The believed expiry: None where there is none or where it does not speak of what is stored."""
        return self._time(managed_metadata.EXPIRES_AT) if self.entries and self.genuine else None

    @property
    def failed_open(self) -> bool:
        """Whether our entries were taken out because no token could be had."""
        return not self.entries and managed_metadata.FAILED_OPEN_AT in self.annotations

    def renew_before(self, wanted: dt.timedelta) -> dt.timedelta:
        """Never more than 2/3 of the token's whole life, or a short-lived token would be renewed without end."""
        return min(wanted, self._life * 2 / 3) if self._life else wanted

    def fail_open_before(self, wanted: dt.timedelta) -> dt.timedelta:
        """Never more than 1/3 of the token's whole life, so that a renewal is tried before."""
        return min(wanted, self._life / 3) if self._life else wanted

    @property
    def _life(self) -> dt.timedelta | None:
        """The token's whole life, as far as our annotations tell."""
        expires_at, renewed_at = self._time(managed_metadata.EXPIRES_AT), self._time(managed_metadata.RENEWED_AT)
        if expires_at is None or renewed_at is None or renewed_at >= expires_at:
            return None
        return expires_at - renewed_at

    @property
    def alone(self) -> bool:
        """Whether nothing but our entries is in it."""
        return (
            set(self.data) <= {_docker_config.DATA_KEY} and set(self.config) <= {"auths"} and self.entries == self.auths
        )
