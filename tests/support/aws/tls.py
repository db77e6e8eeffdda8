# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS for the servers of the fake, with a CA of their own."""

from __future__ import annotations

import ssl
from pathlib import Path

from support.cluster.pki import Authority, write_private


def server_context(directory: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """Return the TLS context of a server with these names and addresses, and the file with its CA certificate."""
    authority = Authority()
    certificate, key = authority.issue("freshpull tests", addresses=names).write(directory, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, write_private(directory / "authority.crt", authority.certificate)
