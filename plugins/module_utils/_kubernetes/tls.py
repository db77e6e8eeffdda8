# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the modules' connections, and its errors. Private to this collection."""

from __future__ import annotations

import datetime as dt
import os
import re
import ssl
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import connections
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

# Of X509_verify_cert in OpenSSL.
_OTHER_NAME = (62, 64)
_OTHER_TIME = (9, 10)
# A certificate contains few pairs of times: the first is its validity (RFC 5280, 4.1.2.5), as UTCTime or
# GeneralizedTime.
_TIME = rb"(?:\x17\x0d(?:[0-9]{12})Z|\x18\x0f(?:[0-9]{14})Z)"
_VALIDITY = re.compile(_TIME + rb"(" + _TIME + rb")")


def context_of(configuration: t.Any) -> ssl.SSLContext:
    """Return the context for a configuration of the client. Raises ClusterError if it names unusable files."""
    verifies = bool(configuration.verify_ssl)
    authority = configuration.ssl_ca_cert if verifies else None
    try:
        context = connections.context(ca_file=os.path.expanduser(authority) if authority else None, verifies=verifies)
    except OSError as exc:
        raise ClusterError(
            "no_cluster",
            f"The certificate authority of the cluster cannot be used: {authority} {_problem(exc)}. It comes from "
            "ca_cert, K8S_AUTH_SSL_CA_CERT, or certificate-authority or certificate-authority-data of the kubeconfig.",
        ) from None
    if configuration.cert_file:
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(configuration.cert_file, configuration.key_file, password="")
        except OSError as exc:
            raise ClusterError(
                "no_cluster",
                f"The client certificate for the cluster cannot be used: {configuration.cert_file} with the key "
                f"{configuration.key_file or 'in the same file'} {_problem(exc)}. They come from client_cert and "
                "client_key, or from the user in the kubeconfig.",
            ) from None
    return context


def describer(secrets: t.Callable[[], t.Sequence[str]]) -> t.Callable[..., NoResponseError]:
    """Return no_response() with the next step, and without secrets.

    secrets: returns the values that errors must not show. It is called for errors only, since it reads the kubeconfig
    again.
    """

    def describe(exc: BaseException, where: str, *, connecting: bool = False) -> NoResponseError:
        error = connections.no_response(exc, where, connecting=connecting)
        text = f"{masked(str(error), secrets())}{advice(connections.causes(exc))}"
        return NoResponseError(text, final=error.final)

    return describe


def advice(causes: t.Iterable[BaseException]) -> str:
    """Return the next step if a certificate was rejected, else ""."""
    rejected = connections.rejected_certificate(causes)
    if not rejected:
        return ""
    code = getattr(rejected, "verify_code", None)
    if code in _OTHER_NAME or "doesn't match" in str(rejected):
        return ". Use an address that the certificate names, or set tls-server-name in the kubeconfig"
    if code in _OTHER_TIME:
        return ". Check the clock of the target host, or renew the certificate"
    return ". Give the authority of this server as ca_cert, or as certificate-authority in the kubeconfig"


def expiry_warning(host: str, certificate: str) -> str:
    """Return the warning that a client certificate has expired, or "". certificate: in PEM format."""
    expired = _expired_at(certificate)
    if not expired:
        return ""
    return f"The client certificate for {host} expired at {format_time(expired)}. Use a new kubeconfig."


def _expired_at(certificate: str) -> dt.datetime | None:
    """Return when the first certificate of a text in PEM format expired, or None: it did not, or that is unknown."""
    try:
        start = certificate.index("-----BEGIN CERTIFICATE-----")
        end_mark = "-----END CERTIFICATE-----"
        der = ssl.PEM_cert_to_DER_cert(certificate[start : certificate.index(end_mark, start) + len(end_mark)])
    except ValueError:
        return None
    found = _VALIDITY.search(der)
    if not found:
        return None
    kind, digits = found.group(1)[0], found.group(1)[2:-1].decode()
    if kind == 0x17:
        # RFC 5280, 4.1.2.5.1: 50 to 99 are years of the last century.
        digits = ("19" if digits >= "50" else "20") + digits
    try:
        moment = dt.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=dt.timezone.utc)
    except ValueError:
        return None
    return moment if moment < dt.datetime.now(dt.timezone.utc) else None


def _problem(exc: OSError) -> str:
    """Return what is wrong with a file of certificates or keys."""
    if not isinstance(exc, ssl.SSLError):
        return f"cannot be read ({exc.strerror})"
    if exc.reason in ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE"):
        return "contains no certificate in PEM format"
    if exc.reason == "KEY_VALUES_MISMATCH":
        return "does not fit: the key belongs to another certificate"
    return f"is not valid ({exc.reason or 'OpenSSL cannot read it'})"
