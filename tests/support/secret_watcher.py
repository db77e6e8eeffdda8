# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the pull secrets of a cluster as kubelets do, and report when their tokens were replaced or removed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import urllib3
from kubernetes import client, config, watch

from support.dockerconfig import auths_of
from support.repeated import Repeated

EXPIRES_AT = "ecr-public.freshpull/expires-at"


@dataclass(frozen=True)
class Observation:
    """The state of a secret from `at` until the next observation of the same namespace. Times are epoch seconds.

    expiry: of its token; None for a secret without a token, with which pulls are anonymous.
    """

    at: float
    namespace: str
    expiry: float | None


class SecretWatcher(Repeated):
    """A context manager that fills C(observations), in the order of time."""

    def __init__(self, kubeconfig: str, name: str) -> None:
        self.observations: list[Observation] = []
        self._name = name
        self._core = client.CoreV1Api(config.new_client_from_config(kubeconfig))
        self._watch = watch.Watch()
        super().__init__(self._poll)

    def _poll(self) -> None:
        """Watch for a second."""
        options = {"field_selector": f"metadata.name={self._name}", "timeout_seconds": 1}
        try:
            for event in self._watch.stream(self._core.list_secret_for_all_namespaces, **options):
                self._record(event["object"])
        except (urllib3.exceptions.HTTPError, client.ApiException):
            time.sleep(0.1)

    def _record(self, secret: Any) -> None:
        observation = Observation(time.time(), secret.metadata.namespace, token_expiry(secret))
        if observation.expiry != self.expiries.get(observation.namespace, ""):
            self.observations.append(observation)

    @property
    def expiries(self) -> dict[str, float | None]:
        """The expiry of the current token of each namespace."""
        return {observation.namespace: observation.expiry for observation in self.observations}


def token_expiry(secret: Any) -> float | None:
    """Return the expiry of the token in a secret, from its annotation; None for a secret without a token."""
    expiry = (secret.metadata.annotations or {}).get(EXPIRES_AT)
    return datetime.fromisoformat(expiry).timestamp() if auths_of(secret.data) and expiry else None


def token_changes(observations: Iterable[Observation]) -> list[tuple[Observation, Observation]]:
    """Return each observation of a token with the next one of the same namespace."""
    last: dict[str, Observation] = {}
    found = []
    for observation in observations:
        if (before := last.get(observation.namespace)) and before.expiry is not None:
            found.append((before, observation))
        last[observation.namespace] = observation
    return found


def lifetimes_at_removal(observations: Iterable[Observation]) -> list[float]:
    """Return the remaining lifetime in seconds of each token that was removed and not replaced."""
    return [
        before.expiry - after.at
        for before, after in token_changes(observations)
        if before.expiry and after.expiry is None
    ]


def seconds_past_expiry(observations: Sequence[Observation], until: float) -> Mapping[str, float]:
    """Return the seconds for which each namespace had an expired token; namespaces without one are left out."""
    still = [
        (observation, Observation(until, namespace, None))
        for namespace, observation in _latest(observations).items()
        if observation.expiry
    ]
    late: dict[str, float] = {}
    for before, after in [*token_changes(observations), *still]:
        if before.expiry and after.at > before.expiry:
            late[before.namespace] = late.get(before.namespace, 0) + after.at - before.expiry
    return late


def _latest(observations: Iterable[Observation]) -> dict[str, Observation]:
    return {observation.namespace: observation for observation in observations}
