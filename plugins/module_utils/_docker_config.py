# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker config format that pull secrets and CI clients share. Private to this collection.

Format: https://github.com/docker/cli/blob/master/cli/config/configfile/file.go (`auths`), read by the kubelet as well.
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
"""Of a Secret that holds such a config."""
DATA_KEY = ".dockerconfigjson"
LEGACY_TYPE = "kubernetes.io/dockercfg"
"""Of a Secret that holds the value of `auths` alone."""
LEGACY_DATA_KEY = ".dockercfg"


class DockerConfigError(CollectionError):
    """The text is not a Docker config. The message never holds any of its content."""


def auth_entry(username: str, password: str) -> Entry:
    """One `auths` entry, with all three fields that the various readers look for."""
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"username": username, "password": password, "auth": auth}


def docker_config(auths: t.Mapping[str, Entry]) -> str:
    """A whole Docker config with nothing but these entries, as compact JSON."""
    return dump({"auths": dict(auths)})


def dump(config: t.Mapping[str, t.Any]) -> str:
    return _json_text.compact(config)


def edit(text: str, changes: t.Mapping[str, Entry | None]) -> str:
    """A valid config with these entries of `auths` set, or taken out where None; all else keeps its bytes."""
    wanted = parse(text)
    auths = {**wanted.get("auths", {}), **changes}
    wanted["auths"] = {registry: entry for registry, entry in auths.items() if entry is not None}
    edited = _json_text.edit(text, "auths", changes)
    # A text with the same key twice may mean something else than it seems to: then its meaning counts, not its bytes.
    return edited if parse(edited) == wanted else dump(wanted)


def parse(text: str | bytes) -> dict[str, t.Any]:
    """The config as a dict. Raises DockerConfigError unless `auths`, if it is there, is an object of objects."""
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
    """The text in a Secret's data value. Raises DockerConfigError."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise DockerConfigError("it is not base64 of UTF-8 text") from exc


def parse_base64(data: str) -> dict[str, t.Any]:
    """The config in a Secret's data value. Raises DockerConfigError."""
    return parse(decode(data))


def fingerprint(entries: t.Mapping[str, Entry]) -> str:
    """A short digest of these entries that may be shown and stored beside them.

    It is safe to publish: the passwords in it are far beyond guessing.
    """
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
