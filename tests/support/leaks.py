# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search the output, files, processes and objects of a run for secrets, and the system log of its target host."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.playbook import INTERPRETER

PIECE = 24
"""Characters that identify a token, also a truncated one."""

POD_USER = 65532
"""The user ID of the refresher's pods."""


def forms(password: str, username: str = "AWS") -> set[str]:
    """Return texts that show a secret: itself, quoted as in a URL, with its user name and in a Docker config in base64.

    Each form is represented by pieces of its start, middle and end; base64 by pieces of all three alignments.
    """
    pieces = {piece for text in (password, quote(password, safe="")) for piece in _cut(text)}
    wrapped = json.dumps({"auths": {"public.ecr.aws": {"username": username, "password": password}}})
    for text in (password, f"{username}:{password}", wrapped):
        for shift in range(3):
            # The first and last characters depend on the text around.
            pieces.update(_cut(base64.b64encode(text.encode()[shift:])[4:-4].decode()))
    # The structure of a Docker config is no secret.
    return {piece for piece in pieces if piece not in base64.b64encode(wrapped.encode()).decode()[:60]}


# What Ansible's modules use of python-systemd. A record in the journal has more fields than a line of syslog.
_JOURNAL = """
import json

def send(MESSAGE, **fields):
    entry = {{"MESSAGE": MESSAGE, **{{name: str(value) for name, value in fields.items()}}}}
    with open({path!r}, "a", encoding="utf-8") as journal:
        print(json.dumps(entry), file=journal)

def sendv(*_fields):
    raise NotImplementedError
"""


class TargetHost:
    """The machine as a target host whose system log and standard error are files in a directory.

    Ansible shows the standard error of a module at -vvv for some connections, such as ssh.
    """

    def __init__(self, directory: Path) -> None:
        self.journal, self.errors, self.python = (directory / name for name in ("journal", "errors", "python"))
        package = directory / "packages" / "systemd"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "daemon.py").write_text("def booted():\n    return True\n")
        (package / "journal.py").write_text(_JOURNAL.format(path=str(self.journal)))
        start = f'PYTHONPATH={package.parent} exec {INTERPRETER} "$@" 2>>{self.errors}'
        self.python.write_text(f"#!/bin/sh\n{start}\n")
        self.python.chmod(0o700)


def _cut(text: str) -> Iterator[str]:
    for start in (0, len(text) // 2, max(len(text) - PIECE, 0)):
        yield text[start : start + PIECE]


def find(text: str, needles: Iterable[str]) -> list[str]:
    """Return the 60 characters before each needle that is in the text, without the needle."""
    return [text[max(text.index(needle) - 60, 0) : text.index(needle)] for needle in needles if needle in text]


def find_in_files(directory: Path, needles: Iterable[str], inputs: Sequence[Path] = ()) -> list[str]:
    """Return the files below the directory that contain one of the needles. inputs: files, directories to leave out."""
    wanted = [needle.encode() for needle in needles]
    left_out = set(inputs)
    found = []
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink() and left_out.isdisjoint((path, *path.parents)):
            content = path.read_bytes()
            if any(needle in content for needle in wanted):
                found.append(str(path))
    return found


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
