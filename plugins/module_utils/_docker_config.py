# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker config format, which pull secrets and CI clients share. Private to this collection.

The clients and the kubelet read `auths`: https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
import math
import re
import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _json_text
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

Entry = dict[str, t.Any]

DEFAULT_REGISTRY = "public.ecr.aws"
DOCKERCONFIG_TYPE = "kubernetes.io/dockerconfigjson"
"""The type of a Secret that holds such a config."""
DATA_KEY = ".dockerconfigjson"
LEGACY_TYPE = "kubernetes.io/dockercfg"
"""The type of a Secret that holds only the value of `auths`."""
LEGACY_DATA_KEY = ".dockercfg"
MAX_DEPTH = 50
"""Levels of objects and lists. Python processes nested values by recursion, and clients need four levels."""
MAX_DIGITS = 1000
"""Digits of an integer. No client uses one."""
_TOO_DEEP = f"it has objects or lists nested deeper than {MAX_DEPTH} levels"
LONGEST_KEY = 100
"""Characters of a registry that a message shows."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class DockerConfigError(CollectionError):
    """The text is not a Docker config. The message never holds any of its content."""


def auth_entry(username: str, password: str) -> Entry:
    """Return an entry of `auths`, with the three fields that different clients read."""
    return {"username": username, "password": password, "auth": encode_auth(username, password)}


def encode_auth(username: str, password: str) -> str:
    """Return the field `auth` of an entry."""
    return base64.b64encode(f"{username}:{password}".encode(errors="surrogateescape")).decode()


def decode_auth(auth: str) -> str:
    """Decode the field `auth` of an entry as Go does, which ignores the ends of lines. Raises DockerConfigError.

    Bytes that are not UTF-8 become lone surrogates.
    """
    text = auth.replace("\r", "").replace("\n", "")
    if len(text) % 4 or not _BASE64.fullmatch(text):
        raise DockerConfigError("its `auth` is not base64")
    return base64.b64decode(text).decode(errors="surrogateescape")


def docker_config(auths: t.Mapping[str, Entry]) -> str:
    """Return a Docker config with these entries only, as compact JSON."""
    return dump({"auths": dict(auths)})


def dump(config: t.Mapping[str, t.Any]) -> str:
    return _json_text.compact(config)


def edit(text: str, changes: t.Mapping[str, Entry | None], is_auths: t.Callable[[str], bool] = "auths".__eq__) -> str:
    """Set these entries in the `auths` of a valid config, or remove those that are None. All other bytes are kept.

    is_auths: whether a reader takes a field with this name for `auths`.
    """
    return _json_text.edit("{}" if text.strip() == "null" else text, "auths", changes, is_auths)


def parse(text: str | bytes) -> dict[str, t.Any]:
    """Return the config. Raises DockerConfigError if it has `auths` that is not an object of objects.

    null is the same as nothing, as for the clients and the kubelet, which are written in Go.
    """
    config = load(text)
    if "auths" in config:
        config["auths"] = _auths(config["auths"])
    return config


def parse_legacy(text: str | bytes) -> dict[str, Entry]:
    """Return the entries of a text in the legacy format, which is the value of `auths`. Raises DockerConfigError."""
    return _auths(load(text, parse_float=_finite))


def load(text: str | bytes, parse_float: t.Callable[[str], float] = float) -> dict[str, t.Any]:
    """Parse a JSON object; null counts as an empty one. Raises DockerConfigError."""
    try:
        config = json.loads(text, parse_constant=_reject_constant, parse_int=_integer, parse_float=parse_float)
    except RecursionError as exc:
        raise DockerConfigError(_TOO_DEEP) from exc
    except ValueError as exc:
        raise DockerConfigError("it is not JSON") from exc
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise DockerConfigError("it is not a JSON object")
    if _is_too_deep(config):
        raise DockerConfigError(_TOO_DEEP)
    return config


def _auths(auths: t.Any) -> dict[str, Entry]:
    if auths is None:
        return {}
    if not isinstance(auths, dict):
        raise DockerConfigError("its `auths` is not an object")
    for registry, entry in auths.items():
        if not isinstance(entry, (dict, type(None))):
            raise DockerConfigError(f"its entry for {json.dumps(registry[:LONGEST_KEY])} is not an object")
    return {registry: entry or {} for registry, entry in auths.items()}


def _reject_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(text: str) -> int:
    # Python needs quadratic time for it. Newer versions reject more than 4300 digits.
    if len(text) > MAX_DIGITS:
        raise DockerConfigError(f"it has a number with more than {MAX_DIGITS} digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise DockerConfigError("it has a number that is too large")
    return number


def _is_too_deep(value: t.Any) -> bool:
    """Whether objects and lists are nested deeper than MAX_DEPTH. It does not recurse."""
    level = [value]
    for _unused in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def decode(data: str) -> str:
    """Return the text of a value in a Secret's data. Raises DockerConfigError."""
    try:
        return decode_bytes(data).decode()
    except ValueError as exc:
        raise DockerConfigError("it is not base64 of UTF-8 text") from exc


def decode_bytes(data: str) -> bytes:
    """Return the bytes of a value in a Secret's data. Raises DockerConfigError."""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise DockerConfigError("it is not base64") from exc


def fingerprint(entries: t.Mapping[str, Entry]) -> str:
    """Return a short digest of managed entries.

    It can be shown and stored: the passwords of ECR Public are too long to guess.
    """
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


# --- The kubelet's keys and the clients' keys


# What net/url accepts unescaped in a host (shouldEscape in mode encodeHost), in user info (validUserinfo) and in the
# rest. These are sets of single characters: a repeated group takes 150 bytes of memory for each character of a key.
_HOST = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"\x80-\U0010ffff]*")
_PORT = re.compile(r"(?::[0-9]*)?")
_USER_INFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=@]*")
_ANYTHING = re.compile(r"[^%]*")
_HOST_ESCAPE = re.compile(r"%25|%[89A-Fa-f][0-9A-Fa-f]")
# In the zone of an IPv6 address: a space, "%", and what a host accepts unescaped.
_ZONE_ESCAPE = re.compile(
    r"%(?:2[0-24-9A-Ea-e]|3[0-9A-Ea-e]|4[1-9A-Fa-f]|5[0-9ABDFabdf]|6[1-9A-Fa-f]|7[0-9AEae])",
)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_DIGITS = re.compile(r"[0-9]*")
_KEY_USER_INFO = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.\-]*:)?//)?[^/?#]*@")


def kubelet_key(key: str) -> str | None:
    """Return a key of `auths` as the kubelet matches it, such as host/path. None if the kubelet ignores the entry.

    Source: BasicDockerKeyring.Add in k8s.io/kubernetes/pkg/credentialprovider, which parses the key with Go's net/url.
    """
    parsed = _parse_url(key if key.startswith(("https://", "http://")) else f"https://{key}")
    if parsed is None:
        return None
    host, path = parsed[0], _unescaped(parsed[1])
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host + ("" if path == "/" else path)


def kubelet_address(key: str) -> tuple[str, str] | None:
    """Return host (with its port) and path that the kubelet compares: those of a normalised key, or of a repository.

    It parses both as URLs, a normalised key for the second time. None if it cannot: nothing matches then.
    Source: ParseSchemelessURL in k8s.io/kubernetes/pkg/credentialprovider.
    """
    parsed = _parse_url(f"https://{key}")
    return (parsed[0], _unescaped(parsed[1])) if parsed else None


def shown_key(key: str) -> str:
    """Return a key of `auths` without the user info of its URL, which can hold a password."""
    found = _KEY_USER_INFO.match(key)
    return f"{found[1] or ''}***@{key[found.end() :]}" if found else key


def shortened_key(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else key[:LONGEST_KEY] + "…"


def docker_host(key: str) -> str:
    """Return the registry for which docker uses an entry with this key, if no key is equal to the registry.

    Source: ConvertToHostname in github.com/docker/cli/cli/config/credentials.
    """
    if "://" in key:
        host, port = _split_port((_parse_url(key) or ("", ""))[0])
        if host:
            return _join_port(host, port)
        host = key.partition("://")[2].partition("/")[0]
        if host:
            address, _colon, port = host.rpartition(":")
            bare = host.count(":") > 1 and not host.startswith("[") and port and _DIGITS.fullmatch(port)
            return _join_port(address, port) if address and bare else host
    return key.partition("/")[0]


def oras_host(key: str) -> str:
    """Return the registry for which helm and oras use an entry with this key, if no key is equal to the registry.

    Source: ToHostname in oras.land/oras-go/v2/registry/remote/internal/configuration.
    """
    return _without_scheme(key).partition("/")[0]


def containers_host(key: str) -> str:
    """Return the registry for which podman, skopeo and buildah use an entry with this key as the last resort.

    Before, they look for the key that is equal to the image's repository, to its parents, and to its registry.
    Source: normalizeAuthFileKey in github.com/containers/image/pkg/docker/config.
    """
    address = _without_scheme(key)
    return key if address == key else address.partition("/")[0]


def _without_scheme(key: str) -> str:
    for scheme in ("http://", "https://"):
        key = key[len(scheme) :] if key.startswith(scheme) else key
    return key


def _parse_url(url: str) -> tuple[str, str] | None:
    """Return host (with its port) and escaped path of scheme://host/path. None if Go's net/url rejects the URL.

    Source: net/url of Go 1.26, with which the kubelet and the clients of the tests are built. Older versions accept
    more hosts with colons and brackets.
    """
    address, _hash, fragment = url.partition("#")
    scheme, _colon, rest = address.partition("://")
    authority, slash, path = rest.partition("?")[0].partition("/")
    user_info, _at, address_and_port = authority.rpartition("@")
    valid = (
        _SCHEME.fullmatch(scheme)
        and not _CONTROL.search(address)
        and _USER_INFO.fullmatch(_ESCAPE.sub("", user_info))
        and all(_ANYTHING.fullmatch(_ESCAPE.sub("", part)) for part in (path, fragment))
    )
    host = _url_host(scheme.lower(), address_and_port)
    return (host, slash + path) if valid and host is not None else None


def _url_host(scheme: str, host: str) -> str | None:
    """Source: parseHost in net/url."""
    if "[" in host:
        return _ip_literal(host)
    # Other schemes can have a list of hosts with ports.
    colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
    if (colon >= 0 and not _PORT.fullmatch(host, colon)) or not _HOST.fullmatch(_HOST_ESCAPE.sub("", host)):
        return None
    return _unescaped(host)


def _ip_literal(host: str) -> str | None:
    literal, bracket, port = host[1:].rpartition("]")
    address, percent, zone = literal.partition("%25")
    if host.rfind("[") or not bracket or not _PORT.fullmatch(port) or not _is_ipv6(address):
        return None
    if not percent:
        return f"[{address}]{port}"
    if not zone or not _HOST.fullmatch(_ZONE_ESCAPE.sub("", zone)):
        return None
    return f"[{address}%{_unescaped(zone)}]{port}"


def _is_ipv6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return "%" not in address


def _split_port(host: str) -> tuple[str, str]:
    """Split a valid host, without brackets around an IPv6 address, from its port."""
    address, colon, port = host.rpartition(":")
    if not colon or not _DIGITS.fullmatch(port):
        address, port = host, ""
    return (address[1:-1] if address.startswith("[") and address.endswith("]") else address), port


def _join_port(host: str, port: str) -> str:
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _unescaped(text: str) -> str:
    return urllib.parse.unquote(text, errors="surrogateescape")
