# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest client with the refresher's requests, to measure: bare_loop.py SERVER AUTHORITY read|write.

It reads `namespaces`, `secret.json` and `token` in the working directory. Over one connection of http.client it sends a
GET of the secret in each namespace, and with `write` a PATCH. It decides nothing.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit


def main(server: str, authority: str, mode: str) -> None:
    address = urlsplit(server)
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, context=context)
    headers = {"Authorization": f"Bearer {Path('token').read_text()}", "Accept": "application/json"}
    written = json.loads(Path("secret.json").read_text())
    name = written["metadata"]["name"]
    for namespace in Path("namespaces").read_text().split():
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        connection.request("GET", path, headers=headers)
        found = json.loads(connection.getresponse().read())
        if mode == "write":
            metadata = {field: found["metadata"][field] for field in ("uid", "resourceVersion")}
            body = {
                "metadata": {**metadata, "annotations": written["metadata"]["annotations"]},
                "data": found["data"],
            }
            kind = {"Content-Type": "application/merge-patch+json"}
            connection.request("PATCH", path, body=json.dumps(body), headers={**headers, **kind})
            connection.getresponse().read()


if __name__ == "__main__":
    main(*sys.argv[1:])
