# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try pulls on their registry. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _registry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Entry

PARALLEL = 8
"""Pulls that are tried at a time. Amazon ECR Public allows 10 authenticated pulls per second.

Source: https://docs.aws.amazon.com/AmazonECR/latest/public/public-service-quotas.html
"""

Verdict = t.Literal["accepted", "rejected", "no_such_image", "throttled", "unverified"]


@dataclasses.dataclass(frozen=True)
class Attempt:
    """The result of a pull that was tried. msg: the reason if it is not accepted; it holds no secret."""

    verdict: Verdict
    msg: str = ""

    @property
    def accepts(self) -> bool:
        """Whether the registry accepts the credential."""
        return self.verdict in ("accepted", "no_such_image")


TryPull = t.Callable[[str, t.Optional[Entry]], Attempt]
"""Tries the pull of an image with an entry, or without credentials if that is None."""


class PullVerifier:
    """Safe to use from many threads. The same pull is tried once, and a registry that does not respond only once."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, Entry | None], concurrent.futures.Future[Attempt]] = {}
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(PARALLEL)
        self._silent: dict[str, str] = {}

    def try_pull(self, image: str, entry: Entry | None) -> Attempt:
        key = (image, entry and dataclasses.replace(entry, key="", normalised_key=None))
        with self._lock:
            known = self._attempts.get(key)
            attempt = self._attempts.setdefault(key, concurrent.futures.Future())
        if known is None:
            try:
                with self._slots:
                    attempt.set_result(self._try(image, entry))
            except BaseException as exc:
                attempt.set_exception(exc)
                raise
        return attempt.result()

    def _try(self, image: str, entry: Entry | None) -> Attempt:
        registry, _slash, path = image_name.repository(image).partition("/")
        if registry in self._silent:
            return Attempt("unverified", self._silent[registry])
        try:
            _registry.try_pull(registry, path, image_name.reference(image), entry)
        except _registry.RejectedError as exc:
            return Attempt("rejected", str(exc))
        except _registry.MissingImageError as exc:
            return Attempt("no_such_image", str(exc))
        except _registry.ThrottledError as exc:
            return Attempt("throttled", str(exc))
        except _registry.NoResponseError as exc:
            self._silent[registry] = str(exc)
            return Attempt("unverified", str(exc))
        except _registry.UnverifiedError as exc:
            return Attempt("unverified", str(exc))
        return Attempt("accepted")
