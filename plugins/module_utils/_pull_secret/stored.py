# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pull secret as it is stored in the cluster. Private to this collection."""

from __future__ import annotations

import datetime as dt
import functools
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

Secret = dict[str, t.Any]
"""A v1 Secret as the API returns it."""


class _Content(t.NamedTuple):
    """The Docker config of a secret. malformed: what is wrong with it, or ""."""

    text: str = ""
    config: t.Mapping[str, t.Any] = {}
    malformed: str = ""


class Stored:
    """The properties of one stored secret. Reading them never raises. The Docker config is parsed when it is needed."""

    def __init__(self, secret: Secret, registries: t.Iterable[str] = ()) -> None:
        """registries: count as managed entries if no annotation lists them, as in a copy with its labels only."""
        metadata = secret["metadata"]
        self.namespace: str = metadata.get("namespace", "")
        self.terminating: bool = bool(metadata.get("deletionTimestamp"))
        self.finalizers: list[str] = metadata.get("finalizers") or []
        self.references: bool = bool(metadata.get("ownerReferences") or self.finalizers)
        self.labels: dict[str, str] = metadata.get("labels") or {}
        self.annotations: dict[str, str] = metadata.get("annotations") or {}
        self.type: str = secret.get("type") or "Opaque"
        self.immutable: bool = bool(secret.get("immutable"))
        self.data: dict[str, str] = secret.get("data") or {}
        labelled = self.labels.get(managed_metadata.MANAGED_LABEL) == "true"
        written_for = self.annotations.get(managed_metadata.NAMESPACE, self.namespace)
        self.copied_from = written_for if labelled and written_for != self.namespace else ""
        self.managed = labelled and not self.copied_from
        self.owner: str = self.labels.get(managed_metadata.OWNER_LABEL, "")
        self.created = self.annotations.get(managed_metadata.CREATED) == "true"
        listed = self.annotations.get(managed_metadata.REGISTRIES)
        self.registries = tuple(registries) if listed is None else tuple(filter(None, listed.split(",")))

    @functools.cached_property
    def _content(self) -> _Content:
        try:
            text = _docker_config.decode(self.data.get(self._key, ""))
            if self.type == _docker_config.LEGACY_TYPE:
                return _Content(config={"auths": _docker_config.parse_legacy(text)})
            return _Content(text, _docker_config.parse(text))
        except _docker_config.DockerConfigError as exc:
            return _Content(malformed=str(exc))

    @property
    def text(self) -> str:
        """The text of the Docker config. "" if it is malformed or in the legacy format."""
        return self._content.text

    @property
    def _key(self) -> str:
        return _docker_config.LEGACY_DATA_KEY if self.type == _docker_config.LEGACY_TYPE else _docker_config.DATA_KEY

    @property
    def has_config(self) -> bool:
        """Whether there is a Docker config, even a malformed one. A secret of another type may have none."""
        return bool(self.data.get(self._key))

    @property
    def malformed(self) -> str:
        """What is wrong with the Docker config, or ""."""
        return self._content.malformed

    @property
    def auths(self) -> dict[str, _docker_config.Entry]:
        """The entries of the Docker config, by registry."""
        auths: dict[str, _docker_config.Entry] = self._content.config.get("auths", {})
        return auths

    @functools.cached_property
    def managed_entries(self) -> dict[str, _docker_config.Entry]:
        """The managed entries that are still in the secret, by registry."""
        return {registry: self.auths[registry] for registry in self.registries if registry in self.auths}

    def spellings(self, registries: t.Collection[str]) -> list[str]:
        """Return the keys of the entries that the kubelet uses for one of these registries."""
        return [key for key in self.auths if _docker_config.kubelet_key(key) in registries]

    @functools.cached_property
    def unmodified(self) -> bool:
        """Whether the managed entries are those that this collection wrote, so that the annotations describe them."""
        return _docker_config.fingerprint(self.managed_entries) == self.annotations.get(managed_metadata.FINGERPRINT)

    def _time(self, annotation: str) -> dt.datetime | None:
        try:
            return parse_time(self.annotations.get(annotation, ""))
        except TimeError:
            return None

    @property
    def renewed_at(self) -> str:
        """When the token was written, as the annotation states it; "" if there is none."""
        return self.annotations.get(managed_metadata.RENEWED_AT, "")

    @property
    def renewed_time(self) -> dt.datetime | None:
        """renewed_at as a time. None if it is not one."""
        return self._time(managed_metadata.RENEWED_AT)

    @functools.cached_property
    def expires_at(self) -> dt.datetime | None:
        """The recorded expiry. None if there is none, or if the managed entries were modified."""
        return self._time(managed_metadata.EXPIRES_AT) if self.managed_entries and self.unmodified else None

    @property
    def failed_open(self) -> bool:
        """Whether the managed entries were removed because no token was available."""
        return not self.managed_entries and managed_metadata.FAILED_OPEN_AT in self.annotations

    @property
    def lifetime(self) -> dt.timedelta | None:
        """The whole lifetime of the stored token, if the annotations record it."""
        expires_at, renewed_at = self._time(managed_metadata.EXPIRES_AT), self._time(managed_metadata.RENEWED_AT)
        if expires_at is None or renewed_at is None or renewed_at >= expires_at:
            return None
        return expires_at - renewed_at

    @property
    def only_managed(self) -> bool:
        """Whether the secret holds nothing but managed entries."""
        return (
            set(self.data) <= {_docker_config.DATA_KEY}
            and set(self._content.config) <= {"auths"}
            and self.managed_entries == self.auths
        )
