# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search the output, files, processes and objects of a run for secrets."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PIECE = 24
"""Characters that identify a token, also a truncated one."""

POD_USER = 65532
"""The user ID of the refresher's pods."""


def forms(password: str, username: str = "AWS") -> set[str]:
    """Return texts that show a token: the password, the password with its user name, a Docker config, each in base64.

    Each form is represented by pieces of its start, middle and end; base64 by pieces of all three alignments.
    """
    pieces = {piece for text in (password,) for piece in _cut(text)}
    wrapped = json.dumps({"auths": {"public.ecr.aws": {"username": username, "password": password}}})
    for text in (password, f"{username}:{password}", wrapped):
        for shift in range(3):
            # The first and last characters depend on the text around.
            pieces.update(_cut(base64.b64encode(text.encode()[shift:])[4:-4].decode()))
    # The structure of a Docker config is no secret.
    return {piece for piece in pieces if piece not in base64.b64encode(wrapped.encode()).decode()[:60]}


def _cut(text: str) -> Iterator[str]:
    for start in (0, len(text) // 2, max(len(text) - PIECE, 0)):
        yield text[start : start + PIECE]


def find(text: str, needles: Iterable[str]) -> list[str]:
    """Return the 60 characters before each needle that is in the text, without the needle."""
    return [text[max(text.index(needle) - 60, 0) : text.index(needle)] for needle in needles if needle in text]


def find_in_files(directory: Path, needles: Iterable[str]) -> list[str]:
    """Return the files below the directory that contain one of the needles."""
    wanted = [needle.encode() for needle in needles]
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path) for path in files if any(needle in path.read_bytes() for needle in wanted)]


def cluster_objects(kubeconfig: str) -> Iterator[dict[str, Any]]:
    """Yield every object of every kind that can be listed in the cluster."""
    kubectl = ("kubectl", "--kubeconfig", kubeconfig)
    listed = subprocess.run(
        (*kubectl, "api-resources", "--verbs=list", "-o", "name"), capture_output=True, text=True, check=True
    )
    kinds = ",".join(name for name in listed.stdout.split() if not name.startswith("componentstatuses"))
    got = subprocess.run((*kubectl, "get", kinds, "-A", "-o", "json"), capture_output=True, text=True, check=True)
    yield from json.loads(got.stdout)["items"]


@contextmanager
def watched_processes() -> Iterator[set[str]]:
    """Collect the command lines of all processes on this machine, except very short ones.

    For processes of the refresher's pods also collect the environment. The environment of a play contains test input.
    """
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.03):
            for directory in Path("/proc").glob("[0-9]*"):
                try:
                    names = ["cmdline", "environ"] if directory.stat().st_uid == POD_USER else ["cmdline"]
                    seen.update(
                        (directory / name).read_bytes().replace(b"\0", b" ").decode(errors="replace") for name in names
                    )
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
