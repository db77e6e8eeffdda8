# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config

BAD = {
    "nope": "not JSON",
    "[]": "not a JSON object",
    '{"auths": []}': "`auths` is not an object",
    '{"auths": {"a.example": "secret"}}': "entry for a.example is not an object",
}


def test_an_entry_has_the_fields_of_every_client() -> None:
    entry = _docker_config.auth_entry("AWS", "pä:ss")
    assert base64.b64decode(entry["auth"]).decode() == "AWS:pä:ss"
    assert (entry["username"], entry["password"]) == ("AWS", "pä:ss")


@pytest.mark.parametrize("text", BAD)
def test_an_invalid_config_is_rejected_without_being_quoted(text: str) -> None:
    with pytest.raises(_docker_config.DockerConfigError, match=BAD[text]) as caught:
        _docker_config.parse(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("data", ["%%%", "YQ", "gICA"])
def test_invalid_base64_is_rejected(data: str) -> None:
    with pytest.raises(_docker_config.DockerConfigError):
        _docker_config.parse_base64(data)


def test_a_config_without_auths_is_valid() -> None:
    assert _docker_config.parse("{}") == {}


def test_the_fingerprint_depends_on_content_not_on_order() -> None:
    one, other = _docker_config.auth_entry("AWS", "a"), _docker_config.auth_entry("AWS", "b")
    both = _docker_config.fingerprint({"x": one, "y": other})
    assert both == _docker_config.fingerprint({"y": dict(reversed(other.items())), "x": one})
    assert both != _docker_config.fingerprint({"x": other, "y": one})
    assert len(both) == len("sha256:") + 16


def test_a_config_is_compact_json() -> None:
    text = _docker_config.docker_config({"r": _docker_config.auth_entry("AWS", "a")})
    assert text == json.dumps(json.loads(text), separators=(",", ":"))
