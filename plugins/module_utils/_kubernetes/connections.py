# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both transports do in the same way: TLS, time limits, and the words for a failed connection.

Private to this collection. It uses only the standard library, since a part of it runs in the refresher's pod.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError

CONNECT_SECONDS = 10
READ_SECONDS = 30
"""The longest pause within a response."""
_Error = t.TypeVar("_Error", bound=BaseException)
# Errors which mean that the name does not exist, not that the name server failed.
_NO_SUCH_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}
# OpenSSL's names for a peer that does not speak TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
# What http.client says if a proxy does not connect to the server.
_NO_TUNNEL = re.compile(r"^Tunnel connection failed: ((\d+).*)")
_TUNNEL_MAY_PASS = ("408", "429", "500", "502", "503", "504")


def context(*, ca_file: str | None = None, ca_data: str | None = None, verifies: bool = True) -> ssl.SSLContext:
    """Return a context that trusts these certificates in PEM format, or without any those of the system.

    verifies: False to accept any certificate. Raises OSError or ValueError for unusable certificates.
    """
    found = ssl.create_default_context(cafile=ca_file, cadata=ca_data)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 sets a flag that rejects authorities without key identifiers, as those of some clusters are. kubectl
    # trusts them. The chain, the dates and the name are still checked.
    found.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verifies:
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    return found


def causes(exc: BaseException) -> list[BaseException]:
    """Return an exception and all that led to it. urllib3 keeps some of them in its own ways."""
    found: list[BaseException] = []
    left: list[t.Any] = [exc]
    while left:
        each = left.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            left += [getattr(each, "reason", None), *each.args, each.__cause__, each.__context__]
    return found


def rejected_certificate(found: t.Iterable[BaseException]) -> BaseException | None:
    """Return the exception of a certificate that was rejected, or None."""
    for each in found:
        if isinstance(each, ssl.SSLCertVerificationError) or type(each).__name__ == "CertificateError":
            return each
    return None


def no_response(exc: BaseException, where: str, *, connecting: bool = False) -> NoResponseError:
    """Describe an error, and whether a retry would fail in the same way. The text quotes nothing of the request.

    where: host and port. connecting: whether there was no connection yet.
    """
    found = causes(exc)

    def first(kind: type[_Error]) -> _Error | None:
        return next((each for each in found if isinstance(each, kind)), None)

    certificate = rejected_certificate(found)
    if certificate:
        # ssl itself gives a verify_message, urllib3 1 does not, which compares names by itself.
        why = getattr(certificate, "verify_message", "") or ", ".join(map(str, certificate.args))
        return NoResponseError(f"the certificate of {where} is rejected: {why.rstrip('.')}", final=True)
    unresolved = first(socket.gaierror)
    if unresolved:
        return NoResponseError(
            f"{where} cannot be resolved: {unresolved.strerror}", final=unresolved.errno in _NO_SUCH_NAME
        )
    if first(socket.timeout):
        what = f"no connection to {where} in {CONNECT_SECONDS} s" if connecting else f"no response in {READ_SECONDS} s"
        return NoResponseError(what)
    if any(isinstance(each, OSError) and each.errno == errno.ECONNREFUSED for each in found):
        return NoResponseError(f"nothing listens at {where} (connection refused)")
    tls = first(ssl.SSLError)
    if tls and tls.reason in _NO_TLS:
        return NoResponseError(f"{where} does not speak TLS: use its TLS port, or http:// in its address", final=True)
    if tls:
        return NoResponseError(f"no TLS connection to {where}: {tls.reason or tls}")
    tunnel = next(filter(None, (_NO_TUNNEL.match(str(each)) for each in found)), None)
    if tunnel:
        return NoResponseError(
            f"{where} does not connect to the API server: {tunnel.group(1)}",
            final=tunnel.group(2) not in _TUNNEL_MAY_PASS,
        )
    cut = first(http.client.HTTPException)
    if cut:
        # The text of these errors is often empty, or only the name of a method.
        return NoResponseError(f"the connection to {where} was cut ({type(cut).__name__})")
    reset = first(ConnectionError)
    if reset:
        return NoResponseError(f"the connection to {where} was cut ({reset.strerror or type(reset).__name__})")
    system = first(OSError)
    if system and system.strerror:
        return NoResponseError(f"no connection to {where}: {system.strerror}")
    text = " ".join(str(getattr(exc, "reason", None) or exc).split())
    return NoResponseError(text or f"the connection to {where} was cut ({type(exc).__name__})")
