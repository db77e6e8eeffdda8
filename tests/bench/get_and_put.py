# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client to measure, which writes one namespace after the other: get_and_put.py KUBECONFIG.

It reads `namespaces` and `secret.json` in the working directory. It uses one connection and does nothing else, so no
client of this kind is faster.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kubernetes import client, config

NOT_FOUND = 404


def main(kubeconfig: str) -> None:
    settings = client.Configuration()
    config.load_kube_config(kubeconfig, client_configuration=settings)
    pool = client.ApiClient(settings).rest_client.pool_manager
    body = json.loads(Path("secret.json").read_text())
    for namespace in Path("namespaces").read_text().split():
        body["metadata"]["namespace"] = namespace
        collection = f"{settings.host}/api/v1/namespaces/{namespace}/secrets"
        path = f"{collection}/{body['metadata']['name']}"
        missing = pool.request("GET", path).status == NOT_FOUND
        method, path = ("POST", collection) if missing else ("PUT", path)
        headers = {"Content-Type": "application/json"}
        done = pool.request(method, path, body=json.dumps(body), headers=headers)
        if done.status not in (200, 201):
            sys.exit(f"{method} {path}: {done.status}")


if __name__ == "__main__":
    main(sys.argv[1])
