# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials that the kubelet's own code finds in pull secrets, and those that this collection finds."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import (
    DATA_KEY,
    DOCKERCONFIG_TYPE,
    LEGACY_DATA_KEY,
    LEGACY_TYPE,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Keyring, PullSecret

from .go_program import kubernetes_program

MAIN = Path(__file__).parent / "keyring" / "main.go"
INVALID_NAME, BLOCKED = "invalid name", "blocked"

Credential = tuple[str, bytes, bytes]
"""The name of the secret, the user name and the password."""


@dataclass(frozen=True)
class StoredSecret:
    """The type and the data of a Secret."""

    type: str
    data: dict[str, bytes]

    @classmethod
    def of(cls, text: bytes | str, *, legacy: bool = False) -> StoredSecret:
        """Return a secret with this Docker config. legacy: in the format of ~/.dockercfg.

        A surrogate of the text is a byte that is not UTF-8.
        """
        content = text.encode(errors="surrogateescape") if isinstance(text, str) else text
        return cls(LEGACY_TYPE if legacy else DOCKERCONFIG_TYPE, {LEGACY_DATA_KEY if legacy else DATA_KEY: content})

    @property
    def encoded(self) -> dict[str, str]:
        return {key: base64.b64encode(value).decode() for key, value in self.data.items()}


@dataclass(frozen=True)
class Case:
    """The pull secrets of a pod, which are named s0, s1 and so on, and its images."""

    secrets: tuple[StoredSecret, ...]
    images: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What is found for one image: the repository, and the credentials in order. Those in one group have no order."""

    repository: str
    credentials: tuple[tuple[Credential, ...], ...]


def ask_kubelet(cases: Sequence[Case]) -> list[list[Answer] | str]:
    """Return the kubelet's answers for each image of each case. BLOCKED if a secret is malformed.

    Each group has one credential.
    """
    questions = (
        {
            "Secrets": [
                {"metadata": {"name": f"s{number}"}, "type": secret.type, "data": secret.encoded}
                for number, secret in enumerate(case.secrets)
            ],
            "Images": case.images,
        }
        for case in cases
    )
    done = subprocess.run(
        [kubernetes_program(MAIN, "the kubelet's code")],
        input="".join(json.dumps(question) + "\n" for question in questions),
        capture_output=True,
        text=True,
        check=True,
    )
    return [_kubelet_answers(json.loads(line)) for line in done.stdout.splitlines()]


def _kubelet_answers(answer: dict[str, Any]) -> list[Answer] | str:
    if answer["Error"]:
        return BLOCKED
    return [
        Answer(one["Repository"] or INVALID_NAME, tuple((_credential(found),) for found in one["Credentials"]))
        for one in answer["Images"]
    ]


def _credential(found: dict[str, str]) -> Credential:
    return found["Secret"], base64.b64decode(found["Username"] or ""), base64.b64decode(found["Password"] or "")


def ask_module(case: Case) -> list[Answer] | str:
    """Return this collection's answers."""
    keyring = Keyring(
        PullSecret.read(f"s{number}", secret.type, secret.encoded) for number, secret in enumerate(case.secrets)
    )
    return BLOCKED if keyring.blocked else [_module_answer(keyring, image) for image in case.images]


def _module_answer(keyring: Keyring, image: str) -> Answer:
    try:
        repository = image_name.repository(image)
    except image_name.ImageNameError:
        return Answer(INVALID_NAME, ())
    return Answer(repository, tuple(_groups(keyring, image)))


def _groups(keyring: Keyring, image: str) -> Iterator[tuple[Credential, ...]]:
    candidates = keyring.candidates(image)
    for (place, _key, unordered), group in groupby(
        candidates, key=lambda one: (one.place, one.entry.normalised_key, one.unordered)
    ):
        found = [(f"s{place}", _bytes(one.entry.username), _bytes(one.entry.password)) for one in group]
        assert unordered == (len(found) > 1)
        yield tuple(sorted(found))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def same(kubelet: list[Answer] | str, module: list[Answer] | str) -> bool:
    """Whether the answers are the same, apart from the order in a group of the module's."""
    if isinstance(kubelet, str) or isinstance(module, str):
        return kubelet == module
    return len(kubelet) == len(module) and all(map(_same_answer, kubelet, module))


def _same_answer(kubelet: Answer, module: Answer) -> bool:
    found = [credential for group in kubelet.credentials for credential in group]
    ordered: list[Credential] = []
    for group in module.credentials:
        ordered += sorted(found[len(ordered) : len(ordered) + len(group)])
    expected = [credential for group in module.credentials for credential in group]
    return kubelet.repository == module.repository and len(found) == len(expected) and ordered == expected
