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
import json
import typing as t

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


class DockerConfigError(CollectionError):
    """The text is not a Docker config. The message never holds any of its content."""


def auth_entry(username: str, password: str) -> Entry:
    """Return an entry of `auths`, with the three fields that different clients read."""
    return {"username": username, "password": password, "auth": encode_auth(username, password)}


def encode_auth(username: str, password: str) -> str:
    """Return the field `auth` of an entry."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def docker_config(auths: t.Mapping[str, Entry]) -> str:
    """Return a Docker config with these entries only, as compact JSON."""
    return dump({"auths": dict(auths)})


def dump(config: t.Mapping[str, t.Any]) -> str:
    return _json_text.compact(config)


def edit(text: str, changes: t.Mapping[str, Entry | None]) -> str:
    """Set these entries in the `auths` of a valid config, or remove those that are None. All other bytes are kept."""
    wanted = parse(text)
    auths = {**wanted.get("auths", {}), **changes}
    wanted["auths"] = {registry: entry for registry, entry in auths.items() if entry is not None}
    edited = _json_text.edit(text, "auths", changes)
    # If a key is there twice, an edit of the text may change the wrong one. Then the meaning is kept, not the bytes.
    return edited if parse(edited) == wanted else dump(wanted)


def parse(text: str | bytes) -> dict[str, t.Any]:
    """Return the config. Raises DockerConfigError if it has `auths` that is not an object of objects."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise DockerConfigError("it is not JSON") from exc
    if not isinstance(config, dict):
        raise DockerConfigError("it is not a JSON object")
    auths = config.get("auths", {})
    if not isinstance(auths, dict):
        raise DockerConfigError("its `auths` is not an object")
    for registry, entry in auths.items():
        if not isinstance(entry, dict):
            raise DockerConfigError(f"its entry for {registry} is not an object")
    return config


def decode(data: str) -> str:
    """Return the text of a value in a Secret's data. Raises DockerConfigError."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise DockerConfigError("it is not base64 of UTF-8 text") from exc


def parse_base64(data: str) -> dict[str, t.Any]:
    """Return the config of a value in a Secret's data. Raises DockerConfigError."""
    return parse(decode(data))


def fingerprint(entries: t.Mapping[str, Entry]) -> str:
    """Return a short digest of managed entries.

    It can be shown and stored: the passwords of ECR Public are too long to guess.
    """
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
