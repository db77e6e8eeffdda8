# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check the options of ecr_public_refresher for its pod and for metadata. Private to this collection."""

from __future__ import annotations

import posixpath
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import is_dns_subdomain, matches
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options as pull_secret_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import (
    DIRECTORIES,
    VARIABLES,
    VOLUMES,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    NAME_LABEL,
    Metadata,
    Pod,
)

SPEC: dict[str, t.Any] = {
    "image": {"type": "str", "default": "public.ecr.aws/aws-cli/aws-cli:2.36.7"},
    "image_pull_policy": {"type": "str", "choices": ["Always", "IfNotPresent", "Never"], "default": "IfNotPresent"},
    "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "resources": {
        "type": "dict",
        "default": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    },
    "node_selector": {"type": "dict", "default": {"kubernetes.io/os": "linux"}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "affinity": {"type": "dict", "default": {}},
    "priority_class": {"type": "str", "default": ""},
    # Not an int, since an empty text leaves the field out.
    "run_as_user": {"type": "str", "default": "65532"},
    "env": {"type": "list", "elements": "dict", "default": []},
    "volumes": {"type": "list", "elements": "dict", "default": []},
    "volume_mounts": {"type": "list", "elements": "dict", "default": []},
    # The refresher's proxy. The option proxy is kubernetes.core's, for this module's connection to the cluster.
    "aws_proxy": {"type": "str", "default": ""},
    "aws_no_proxy": {"type": "str", "default": ""},
    "ca_bundle": {"type": "str", "default": ""},
    # The options labels and annotations are those of the pull secrets.
    "object_labels": {"type": "dict", "default": {}},
    "object_annotations": {"type": "dict", "default": {}},
    "pod_labels": {"type": "dict", "default": {}},
    "pod_annotations": {"type": "dict", "default": {}},
    "allowed_metadata": {"type": "list", "elements": "str", "default": []},
}

_IMAGE = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
)
_PROXY = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/?")
_NO_PROXY = re.compile(r"[ -~]*")
_LARGEST_USER = 2**31 - 1
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set, and globs.
_METADATA_GLOB = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9*?._/-]*")
# Annotations of a service account that give its pods a role in a cloud.
_CLOUD_ROLES = (
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What changes how the program starts or which cluster it reaches.
_RESERVED_PREFIXES = ("PYTHON", "LD_", "FRESHPULL_", "KUBERNETES_")
_SECRET_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
_ACCESS_KEY = re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,}")

Object = t.Mapping[str, t.Any]


def read_pod(params: t.Mapping[str, t.Any]) -> Pod:
    """Read the options for the pod. Raises OptionError."""
    check_image("image", params["image"], SPEC["image"]["default"])
    _check_pull_secrets(params)
    _check_proxy(params)
    if params["priority_class"] and not is_dns_subdomain(params["priority_class"]):
        raise OptionError(
            f"priority_class: {params['priority_class']!r} cannot be the name of a priority class. Use lower-case "
            "letters, digits, '-' and '.'."
        )
    volumes = tuple(params["volumes"])
    _check_env(params["env"])
    _check_volumes(volumes)
    _check_mounts(params["volume_mounts"], [volume["name"] for volume in volumes])
    return Pod(
        params["image"],
        params["image_pull_policy"],
        tuple(params["image_pull_secrets"]),
        params["resources"],
        pull_secret_options.read_strings("node_selector", params["node_selector"]),
        tuple(params["tolerations"]),
        params["affinity"],
        params["priority_class"],
        _read_user(params["run_as_user"]),
        tuple(params["env"]),
        volumes,
        tuple(params["volume_mounts"]),
        params["aws_proxy"],
        params["aws_no_proxy"],
        params["ca_bundle"],
    )


def read_metadata(params: t.Mapping[str, t.Any]) -> Metadata:
    """Read the options for labels and annotations of the refresher's objects. Raises OptionError."""
    given = {}
    for option in ("object_labels", "object_annotations", "pod_labels", "pod_annotations"):
        given[option] = pull_secret_options.read_metadata(option, params[option])
        for reserved in (NAME_LABEL, managed_metadata.MANAGED_BY_LABEL):
            if reserved in given[option]:
                raise OptionError(f"{option}: {reserved!r} is set by the module. Use another key.")
    allowed = tuple(params["allowed_metadata"])
    for glob in allowed:
        _check_allowed(glob)
    return Metadata(
        given["object_labels"], given["object_annotations"], given["pod_labels"], given["pod_annotations"], allowed
    )


def _check_allowed(glob: str) -> None:
    if not _METADATA_GLOB.fullmatch(glob):
        raise OptionError(
            f"allowed_metadata: {glob!r} is neither the key of a label or an annotation nor a glob with * and ?."
        )
    reserved = [key for key in (managed_metadata.MANAGED_LABEL, NAME_LABEL, *_CLOUD_ROLES) if matches(key, [glob])]
    if reserved:
        raise OptionError(
            f"allowed_metadata: {glob!r} matches {reserved[0]}, which the refresher must not change. Use a longer key."
        )


# --- The image and its way to AWS


def check_image(option: str, image: str, example: str) -> None:
    """Check that an image has a tag or a digest. Raises OptionError, with the example."""
    if not _IMAGE.fullmatch(image):
        raise OptionError(
            f"{option}: {image!r} is not an image with a tag or a digest. Use one such as {example} or "
            f"registry.example.com/mirror/{example.rpartition('/')[2].partition(':')[0]}@sha256:... with 64 "
            "hexadecimal digits."
        )


def _check_pull_secrets(params: t.Mapping[str, t.Any]) -> None:
    for secret in params["image_pull_secrets"]:
        if not is_dns_subdomain(secret):
            raise OptionError(
                f"image_pull_secrets: {secret!r} cannot be the name of a secret. Use lower-case letters, digits, '-' "
                "and '.'."
            )
    if params["name"] in params["image_pull_secrets"]:
        raise OptionError(
            f"image_pull_secrets: {params['name']} is the secret that the refresher renews. An expired token would "
            "stop the refresher's own pod from starting. For a mirror, use another secret. Images of ECR Public need "
            "no pull secret."
        )


def _check_proxy(params: t.Mapping[str, t.Any]) -> None:
    proxy = params["aws_proxy"]
    if proxy and not (_PROXY.fullmatch(proxy) and _proxies.is_usable(proxy)):
        # The value may hold a password.
        raise OptionError(
            "aws_proxy: use an address such as http://proxy.example.com:3128, without a user name and a password: "
            "everyone who can read the CronJob would see them."
        )
    if not _NO_PROXY.fullmatch(params["aws_no_proxy"]):
        raise OptionError("aws_no_proxy: use hosts separated by commas, in one line.")
    bundle = params["ca_bundle"]
    if bundle and ("-----BEGIN CERTIFICATE-----" not in bundle or "PRIVATE KEY" in bundle):
        raise OptionError(
            "ca_bundle: use the text of the certificates in PEM format, not the name of a file, and no private key. "
            "lookup('ansible.builtin.file', 'ca.pem') reads a file."
        )


def _read_user(text: str) -> int | None:
    if text == "":
        return None
    if text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST_USER:
        return int(text)
    raise OptionError(
        f"run_as_user: {text!r} is not the number of a user from 1 to {_LARGEST_USER}. On a platform that assigns the "
        "user, such as OpenShift, use an empty text."
    )


# --- Variables and volumes


def _check_env(env: t.Sequence[Object]) -> None:
    found = set()
    for entry in env:
        name = entry.get("name")
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise OptionError(
                "env: each entry needs a name of letters, digits and '_', and a value or valueFrom, as the env of a "
                "container."
            )
        if name in found:
            raise OptionError(f"env: {name} is given twice. Remove one of the two.")
        found.add(name)
        if name in _SECRET_VARIABLES or _ACCESS_KEY.search(str(entry.get("value"))):
            raise OptionError(
                f"env: {name} would put a credential into the pod's environment. Use aws_auth: existing_secret, which "
                "mounts AWS keys as files."
            )
        if name in VARIABLES or name.upper() in VARIABLES or name.startswith(_RESERVED_PREFIXES):
            raise OptionError(
                f"env: {name} is set or ignored by the refresher. Remove it, and use an option of the module if there "
                "is one."
            )
        if "value" in entry and not isinstance(entry["value"], str):
            raise OptionError(f"env: the value of {name} must be a string. Quote it.")


def _check_volumes(volumes: t.Sequence[Object]) -> None:
    for volume in volumes:
        name = volume.get("name")
        if not isinstance(name, str) or not name:
            raise OptionError("volumes: each entry needs a name, as the volumes of a pod.")
        if name in VOLUMES:
            raise OptionError(f"volumes: {name!r} is a volume of the refresher. Use another name.")


def _check_mounts(mounts: t.Sequence[Object], volumes: t.Sequence[str]) -> None:
    for mount in mounts:
        name, path = mount.get("name"), mount.get("mountPath")
        if name not in volumes:
            raise OptionError(f"volume_mounts: {name!r} is not one of the volumes in the option volumes. Add it there.")
        if not isinstance(path, str) or not path.startswith("/"):
            raise OptionError(f"volume_mounts: the mountPath of {name!r} must be an absolute path.")
        for directory in DIRECTORIES:
            if _overlap(path, directory):
                raise OptionError(
                    f"volume_mounts: {path} hides or changes {directory}, which the refresher uses. Use another path."
                )


def _overlap(one: str, other: str) -> bool:
    """Return whether one of two paths is the other, or contains it."""
    paths = [_normalized(path) for path in (one, other)]
    return posixpath.commonpath(paths) in paths


def _normalized(path: str) -> str:
    # Most images have /var/run as a link to /run. Two slashes at the start are kept by normpath.
    found = posixpath.normpath("/" + path.lstrip("/"))
    return found[len("/var") :] if found.startswith("/var/run/") or found == "/var/run" else found
