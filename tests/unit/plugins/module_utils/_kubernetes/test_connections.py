# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for failed connections. test_transport.py and test_tls.py have real ones."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl

import pytest
import urllib3

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import connections

WHERE = "api.example:6443"


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] text (_ssl.c:1)")
    error.reason = reason
    return error


ERRORS: dict[str, tuple[BaseException, str, bool]] = {
    "no such name": (socket.gaierror(socket.EAI_NONAME, "Name not known"), f"{WHERE} cannot be resolved: ", True),
    "no name server": (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "cannot be resolved: Temporary", False),
    "slow": (TimeoutError("timed out"), f"no response in {connections.READ_SECONDS} s", False),
    "refused": (system(errno.ECONNREFUSED), f"nothing listens at {WHERE} (connection refused)", False),
    "no TLS": (tls("WRONG_VERSION_NUMBER"), f"{WHERE} does not speak TLS: use its TLS port, or http://", True),
    "TLS alert": (tls("TLSV1_ALERT_INTERNAL_ERROR"), "no TLS connection to api.example:6443: TLSV1_ALERT", False),
    "cut": (http.client.RemoteDisconnected("x"), f"the connection to {WHERE} was cut (RemoteDisconnected)", False),
    "reset": (system(errno.ECONNRESET), f"the connection to {WHERE} was cut (Connection reset by peer)", False),
    "no route": (system(errno.EHOSTUNREACH), f"no connection to {WHERE}: No route to host", False),
    "tunnel": (OSError("Tunnel connection failed: 407 Login"), "does not connect to the API server: 407 Login", True),
    "busy tunnel": (OSError("Tunnel connection failed: 503 Busy"), "not connect to the API server: 503 Busy", False),
    "another": (RuntimeError(), f"the connection to {WHERE} was cut (RuntimeError)", False),
    "compared names": (ssl.CertificateError("hostname 'a' doesn't match 'b'"), "is rejected: hostname 'a' ", True),
}


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_is_described(case: str, wrapped: bool) -> None:
    cause, words, final = ERRORS[case]
    error = urllib3.exceptions.ProtocolError("Connection aborted.", cause) if wrapped else cause
    described = connections.no_response(error, WHERE)
    if case == "another" and wrapped:
        words = "Connection aborted."
    assert words in str(described)
    assert described.final is final


def test_a_connection_that_takes_too_long_is_named() -> None:
    described = connections.no_response(TimeoutError(), WHERE, connecting=True)
    assert str(described) == f"no connection to {WHERE} in {connections.CONNECT_SECONDS} s"


def test_all_causes_are_found_once() -> None:
    cause, context = ValueError("cause"), KeyError("context")
    cause.__context__ = context
    error = RuntimeError("text", cause)
    error.__cause__ = cause
    context.__context__ = error
    assert connections.causes(error) == [error, cause, context]


def test_only_the_key_identifiers_are_not_needed() -> None:
    others = ssl.create_default_context().verify_flags & ~ssl.VERIFY_X509_STRICT
    context = connections.context()
    assert context.verify_flags == others
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_any_certificate_is_accepted_on_request() -> None:
    context = connections.context(verifies=False)
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
