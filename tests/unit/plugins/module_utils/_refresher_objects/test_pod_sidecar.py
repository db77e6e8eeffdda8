# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar for IAM Roles Anywhere in the refresher's pod."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import pod_template
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import Settings
from support.refresher_settings import ARN, CASES, PROFILE, TRUST_ANCHOR, WITH_CERTIFICATE, settings

Object = dict[str, Any]

PLAIN, BEHIND_A_PROXY = settings(aws=WITH_CERTIFICATE), CASES["roles-anywhere"]
DIRECTORY = "/var/run/secrets/freshpull-certificate"


def pod(wanted: Settings) -> Object:
    spec: Object = pod_template(wanted)["spec"]
    return spec


def containers(wanted: Settings = PLAIN) -> tuple[Object, Object]:
    """Return the sidecar and the container of the program."""
    [sidecar], [program] = pod(wanted)["initContainers"], pod(wanted)["containers"]
    return sidecar, program


def variables(container: Object) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["env"]}


def test_it_starts_first_and_ends_last() -> None:
    sidecar, _program = containers()
    assert (sidecar["name"], sidecar["restartPolicy"]) == ("roles-anywhere", "Always")


@pytest.mark.parametrize("case", CASES)
def test_no_other_access_has_it(case: str) -> None:
    assert ("initContainers" in pod(CASES[case])) == (case == "roles-anywhere")


def test_only_the_sidecar_mounts_the_certificate() -> None:
    [certificate] = [volume["secret"] for volume in pod(PLAIN)["volumes"] if volume["name"] == "certificate"]
    items = [{"key": key, "path": key} for key in ("tls.crt", "tls.key")]
    assert certificate == {"secretName": "theirs", "defaultMode": 0o440, "items": items}
    sidecar, program = containers()
    assert sidecar["volumeMounts"] == [{"name": "certificate", "mountPath": DIRECTORY, "readOnly": True}]
    assert "certificate" not in [mount["name"] for mount in program["volumeMounts"]]


def test_it_is_as_restricted_as_the_program() -> None:
    sidecar, program = containers()
    assert sidecar["securityContext"] == program["securityContext"]
    assert sidecar["imagePullPolicy"] == program["imagePullPolicy"]
    assert sidecar["resources"]["limits"]


def test_its_arguments() -> None:
    sidecar, _program = containers()
    # The entry point of the image is the helper.
    assert "command" not in sidecar
    serve, *arguments = sidecar["args"]
    assert (serve, dict(zip(arguments[::2], arguments[1::2], strict=True))) == (
        "serve",
        {
            "--port": "9911",
            "--certificate": f"{DIRECTORY}/tls.crt",
            "--private-key": f"{DIRECTORY}/tls.key",
            "--trust-anchor-arn": TRUST_ANCHOR,
            "--profile-arn": PROFILE,
            "--role-arn": ARN,
        },
    )
    assert sidecar["env"] == []


def test_proxy_and_authorities_reach_it() -> None:
    """The connection of the AWS CLI to the sidecar returns credentials, and never uses the proxy."""
    sidecar, program = containers(BEHIND_A_PROXY)
    env = variables(sidecar)
    assert sidecar["args"][-1] == "--with-proxy"
    assert env["HTTPS_PROXY"] == BEHIND_A_PROXY.pod.proxy
    assert env["SSL_CERT_FILE"] == "/etc/freshpull-ca/ca.crt"
    assert {"name": "ca", "mountPath": "/etc/freshpull-ca", "readOnly": True} in sidecar["volumeMounts"]
    assert env["NO_PROXY"] == variables(program)["NO_PROXY"]
    assert "127.0.0.1" in env["NO_PROXY"].split(",")
    assert "127.0.0.1" not in variables(pod(CASES["proxy"])["containers"][0])["NO_PROXY"].split(",")
