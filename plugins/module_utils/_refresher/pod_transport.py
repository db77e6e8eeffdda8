# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's connection to the API server, as the pod's service account. Private to this collection."""

from __future__ import annotations

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import connections
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.http_transport import HttpTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError


class PodTransport(HttpTransport):
    """Sends requests with the service account's token."""

    def __init__(self, host: str, port: int, *, token_file: str, ca_file: str) -> None:
        """host: a name, an IPv4 or an IPv6 address. token_file: read for each request, since the kubelet replaces it.

        Raises NoResponseError if ca_file holds no certificate.
        """
        try:
            tls = connections.context(ca_file=ca_file)
        except (OSError, ValueError) as exc:
            raise NoResponseError(
                f"{ca_file} contains no certificate of the API server's authority: {exc}", final=True
            ) from exc
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__(
            f"https://{where}", tls=tls, authorization=self._bearer_token, user_agent="freshpull-refresher"
        )
        self._token_file = token_file

    def _bearer_token(self) -> str:
        try:
            with open(self._token_file, encoding="ascii") as file:
                token = file.read().strip()
        except (OSError, ValueError) as exc:
            raise NoResponseError(f"the token of the service account cannot be read: {exc}", final=True) from exc
        if len(token.split()) != 1:
            # http.client would quote the text in an error.
            raise NoResponseError(f"{self._token_file} contains no token of the service account", final=True)
        return f"Bearer {token}"
