# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the fake for other processes until SIGTERM, or until its standard input is closed."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from .fake import API_HOSTS, FakeAws
from .tls import server_context


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m support.aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port of ECR Public; 0 for a free one")
    parser.add_argument("--registry-port", type=int, default=0, help="port of the registry; 0 for a free one")
    parser.add_argument("--public-registry-url", help="URL of the registry in its challenge")
    parser.add_argument(
        "--ready-file", type=Path, required=True, help="JSON file, written (0600) when all servers listen"
    )
    parser.add_argument(
        "--tls",
        action="store_true",
        help="serve ECR Public and STS over TLS, through the proxy also by their real names",
    )
    options = parser.parse_args()

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    tls = authority = None
    if options.tls:
        names = [name.removesuffix(":443") for name in API_HOSTS]
        tls, authority = server_context(options.ready_file.parent, options.host, *names)
    with FakeAws(options.host, options.port, options.registry_port, options.public_registry_url, tls=tls) as fake:
        _write_ready(options.ready_file, fake, authority)
        stop.wait()


def _wait_for_end_of_input(stop: threading.Event) -> None:
    # os.read, not sys.stdin: Python aborts at its end if a thread waits in a buffered reader.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def _write_ready(path: Path, fake: FakeAws, authority: Path | None) -> None:
    """Write the file in one step, readable only by its owner, since it contains a secret key."""
    names = ("endpoint_url", "sts_url", "registry_url", "proxy_url", "access_key", "secret_key")
    values = {name: getattr(fake, name) for name in names} | {"ca_file": authority and str(authority)}
    temporary = path.with_name(path.name + ".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as ready:
        json.dump(values, ready)
    temporary.replace(path)


if __name__ == "__main__":
    main()
