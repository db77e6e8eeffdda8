# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain kubeconfig: one file or dict with a server, its authority, and a token or a client certificate. Private to
this collection.

It is read without the client library, since importing the library takes longer than a task with nothing to do.
Whatever is not plain, or cannot be used, is left to the library: credential plugins, proxies, other connection options,
and all errors.
"""

from __future__ import annotations

import base64
import dataclasses
import os
import re
import ssl
import tempfile
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import connections, tls
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.http_transport import HttpTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.kubeconfig import DEFAULT

_PREFIX = "K8S_AUTH_"
_READ = ("kubeconfig", "context")
"""The only connection options of a plain connection."""
_SERVER = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9./_-]*)?")
_TOKEN = re.compile(r"[!-~]+")
_PEM = re.compile(r"-----BEGIN ")


@dataclasses.dataclass(frozen=True)
class Plain:
    """What a plain kubeconfig has. server: a URL without a "/" at its end. token: or "". certificate: PEM, or ""."""

    server: str
    tls: ssl.SSLContext
    token: str = dataclasses.field(repr=False)
    certificate: str = dataclasses.field(repr=False)


def transport(module: Module, options: t.Iterable[str], environment: t.Mapping[str, str]) -> HttpTransport | None:
    """Return a connection to the server of a plain kubeconfig, or None.

    options: the names of all connection options.
    """
    found = read(module.params, options, environment)
    if not found:
        return None
    warning = tls.expiry_warning(found.server, found.certificate)
    if warning:
        module.warn(warning)
    authorization = f"Bearer {found.token}" if found.token else ""
    return HttpTransport(
        found.server,
        tls=found.tls,
        authorization=lambda: authorization,
        describe=tls.describer(lambda: [found.token] if found.token else []),
    )


def read(params: t.Mapping[str, t.Any], options: t.Iterable[str], environment: t.Mapping[str, str]) -> Plain | None:
    """Return the content of a plain kubeconfig, or None. params: the options that are given."""
    if any(params.get(name) is not None for name in options if name not in _READ) or _needs_library(environment):
        return None
    variables = [environment.get(f"{_PREFIX}{name.upper()}") for name in _READ]
    values = [variable if params.get(name) is None else params[name] for name, variable in zip(_READ, variables)]
    if "" in values or (not any(values) and environment.get("KUBERNETES_SERVICE_HOST")):
        # The library has a rule of its own for an empty value, and may use the service account of a pod.
        return None
    given, context = values
    try:
        return _plain(_content(given or environment.get("KUBECONFIG", DEFAULT)), context)
    except (ImportError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _needs_library(environment: t.Mapping[str, str]) -> bool:
    """Whether variables name a proxy or further connection options."""
    read_here = {f"{_PREFIX}{name.upper()}" for name in _READ}
    others = any(name.startswith(_PREFIX) and name not in read_here for name in environment)
    return others or bool(_proxies.of_environment(environment))


def _content(given: t.Any) -> t.Any:
    """Return the content of a file, or the dict that is given."""
    if not isinstance(given, str):
        return given
    # A requirement of the client library, which states what is missing.
    import yaml

    with open(os.path.expanduser(given), encoding="utf-8") as file:
        text = file.read()
    try:
        # The loader in C takes a tenth of the time.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as exc:
        raise ValueError("no YAML") from exc


def _plain(config: t.Any, name: str | None) -> Plain:
    """Raises one of many errors for what is not plain."""
    context = _named(config, "contexts", "context", name or config["current-context"])
    cluster = _fields(_named(config, "clusters", "cluster", context["cluster"]), "server", "certificate-authority")
    user = _fields(_named(config, "users", "user", context["user"]), "token", "client-certificate", "client-key")
    server = cluster["server"].rstrip("/")
    if not _SERVER.fullmatch(server):
        raise ValueError("another kind of address")
    context_of_tls = connections.context(ca_data=_pem(cluster, "certificate-authority"))
    certificate = ""
    if user.keys() - {"token"}:
        certificate, key = (_pem(user, field) for field in ("client-certificate", "client-key"))
        _load(context_of_tls, certificate, key)
    token = user.get("token", "")
    if not (_TOKEN.fullmatch(token) or (certificate and not token)):
        raise ValueError("no credentials, or a token that HTTP does not allow")
    return Plain(server, context_of_tls, token, certificate)


def _named(config: t.Any, field: str, kind: str, name: t.Any) -> t.Any:
    """Return the only entry with this name."""
    (found,) = [entry[kind] for entry in config[field] if entry["name"] == name]
    return found


def _fields(entry: t.Mapping[str, t.Any], *names: str) -> dict[str, str]:
    """Return an entry, if it has no other fields than these, or these with -data, and all values are texts."""
    known = {*names, *(f"{name}-data" for name in names)}
    if not (entry.keys() <= known and all(isinstance(value, str) and value for value in entry.values())):
        raise ValueError("other fields")
    return dict(entry)


def _pem(entry: t.Mapping[str, str], field: str) -> str:
    """Return the content of a field, which is a path or has the content itself."""
    if f"{field}-data" in entry:
        if field in entry:
            raise ValueError("a path and its content")
        found = base64.b64decode(entry[f"{field}-data"], validate=True).decode("ascii")
    else:
        if not os.path.isabs(entry[field]):
            raise ValueError("a path that depends on where the kubeconfig is")
        with open(entry[field], encoding="ascii") as file:
            found = file.read()
    if not _PEM.search(found):
        raise ValueError("no PEM")
    return found


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a client certificate. OpenSSL reads files only: this one has the mode 0600 and lives as long as the call."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(file.name, password="")
