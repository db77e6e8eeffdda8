# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the refresher's pod from settings, as a pure function. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import mounted_keys, roles_anywhere
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import containers, program
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CA,
    CERTIFICATE_KEYS,
    CONFIG,
    CRONJOB,
    FEDERATED,
    SESSION,
    AwsAccess,
    RolesAnywhere,
    Settings,
)

# Addresses on a node that return credentials. They are never behind a proxy.
METADATA_ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd00:ec2::254")

_SETTINGS, _CA = "/etc/freshpull", "/etc/freshpull-ca"
_API, _AWS = "/var/run/secrets/freshpull", "/var/run/secrets/freshpull-aws"
_CERTIFICATE = "/var/run/secrets/freshpull-certificate"
_SCRATCH = "/scratch"
_READABLE_BY_GROUP = 0o440

DIRECTORIES = (program.DIRECTORY, _SETTINGS, _CA, _API, _AWS, _CERTIFICATE, _SCRATCH)
VOLUMES = ("program", "settings", "ca", "api-access", "aws", "certificate", "scratch")
"""Where the refresher's volumes are mounted, and their names. Not every pod has all of them."""
VARIABLES = frozenset(
    {
        *("HOME", "TMPDIR", "LC_ALL", "FORCE_RENEW", "HTTPS_PROXY", "NO_PROXY"),
        *("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
        *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED"),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_CA_BUNDLE"),
        *("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_PAGER", "AWS_CLI_ERROR_FORMAT", "AWS_CLI_AUTO_PROMPT"),
    }
)
"""The variables that the refresher sets, in the pod or for the AWS CLI. Not every pod has all of them."""

Object = dict[str, t.Any]


def pod_template(settings: Settings) -> Object:
    """Build the template of the pods."""
    return {"metadata": settings.pod_metadata, "spec": _pod_spec(settings)}


def _pod_spec(settings: Settings) -> Object:
    """Build the pod's spec, which meets Pod Security "restricted"."""
    pod, anywhere = settings.pod, settings.aws.roles_anywhere
    user = {field: pod.run_as_user for field in ("runAsUser", "runAsGroup", "fsGroup") if pod.run_as_user is not None}
    optional = {
        "priorityClassName": pod.priority_class,
        "nodeSelector": dict(pod.node_selector),
        "tolerations": [dict(toleration) for toleration in pod.tolerations],
        "affinity": dict(pod.affinity),
        "imagePullSecrets": [{"name": name} for name in pod.image_pull_secrets],
    }
    return {
        "serviceAccountName": CRONJOB,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": settings.schedule.pod_deadline,
        "terminationGracePeriodSeconds": 10,
        **{field: value for field, value in optional.items() if value},
        "securityContext": {
            "runAsNonRoot": True,
            **user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({"initContainers": [_sidecar(settings, anywhere)]} if anywhere else {}),
        "containers": [_container(settings)],
        "volumes": [*_volumes(settings), *map(dict, pod.volumes)],
    }


def _container(settings: Settings) -> Object:
    aws_mount = [_mount("aws", _AWS)] if _aws_source(settings.aws) else []
    return {
        "name": containers.CONTAINER,
        "image": settings.pod.image,
        "imagePullPolicy": settings.pod.image_pull_policy,
        "command": list(program.COMMAND),
        "env": [
            *({"name": name, "value": value} for name, value in _environment(settings).items()),
            *map(dict, settings.pod.env),
        ],
        "resources": dict(settings.pod.resources),
        # If the program ends before it can write its termination message, the end of the log replaces that.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": _confined(),
        "volumeMounts": [
            _mount("program", program.DIRECTORY),
            _mount("settings", _SETTINGS),
            *([_mount("ca", _CA)] if settings.pod.ca_bundle else []),
            _mount("api-access", _API),
            *aws_mount,
            {"name": "scratch", "mountPath": _SCRATCH},
            *map(dict, settings.pod.volume_mounts),
        ],
    }


def _sidecar(settings: Settings, anywhere: RolesAnywhere) -> Object:
    """Build the sidecar with AWS's credential helper, the only container that has the certificate's key.

    It starts before the program and ends after it. Its image has no shell. Its entry point is the helper.
    """
    pod = settings.pod
    authorities = {"SSL_CERT_FILE": f"{_CA}/ca.crt"} if pod.ca_bundle else {}
    return {
        "name": containers.SIDECAR,
        "image": anywhere.image,
        "imagePullPolicy": pod.image_pull_policy,
        # A sidecar for Kubernetes. https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
        "restartPolicy": "Always",
        "args": [
            *("serve", "--port", str(roles_anywhere.PORT)),
            *("--certificate", f"{_CERTIFICATE}/tls.crt", "--private-key", f"{_CERTIFICATE}/tls.key"),
            *("--trust-anchor-arn", anywhere.trust_anchor_arn, "--profile-arn", anywhere.profile_arn),
            *("--role-arn", settings.aws.role_arn),
            *(["--with-proxy"] if pod.proxy else []),
        ],
        "env": [{"name": name, "value": value} for name, value in {**_proxy(settings), **authorities}.items()],
        "resources": dict(anywhere.resources),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": _confined(),
        "volumeMounts": [_mount("certificate", _CERTIFICATE), *([_mount("ca", _CA)] if pod.ca_bundle else [])],
    }


def _confined() -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _mount(name: str, path: str) -> Object:
    return {"name": name, "mountPath": path, "readOnly": True}


def _environment(settings: Settings) -> dict[str, str]:
    aws, pod = settings.aws, settings.pod
    environment = {"HOME": _SCRATCH, "TMPDIR": _SCRATCH}
    if aws.has_keys:
        # A file: no environment variable contains keys.
        environment["AWS_SHARED_CREDENTIALS_FILE"] = f"{_AWS}/credentials"
    if aws.kind == "ambient":
        # In all other cases the program sets it to true, and the node's own role is never used.
        environment["AWS_EC2_METADATA_DISABLED"] = "false"
    if aws.roles_anywhere:
        environment["AWS_EC2_METADATA_DISABLED"] = "false"
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = roles_anywhere.ENDPOINT
    if aws.kind in FEDERATED:
        environment["AWS_ROLE_SESSION_NAME"] = SESSION
    if aws.kind == "web_identity":
        environment["AWS_ROLE_ARN"] = aws.role_arn
        environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = f"{_AWS}/token"
    if aws.assumes_role:
        environment["AWS_CONFIG_FILE"] = f"{_SETTINGS}/aws-config"
        environment["AWS_PROFILE"] = "assumed"
    if pod.ca_bundle:
        environment["AWS_CA_BUNDLE"] = f"{_CA}/ca.crt"
    # For the AWS CLI. The program reaches the API server without a proxy.
    return {**environment, **_proxy(settings)}


def _proxy(settings: Settings) -> dict[str, str]:
    pod = settings.pod
    if not pod.proxy:
        return {}
    sidecar = (roles_anywhere.HOST,) if settings.aws.roles_anywhere else ()
    direct = filter(None, [*pod.no_proxy.split(","), *METADATA_ADDRESSES, *sidecar])
    return {"HTTPS_PROXY": pod.proxy, "NO_PROXY": ",".join(direct)}


def _volumes(settings: Settings) -> list[Object]:
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    access = [_token({}), {"configMap": authority}]
    aws, anywhere = _aws_source(settings.aws), settings.aws.roles_anywhere
    certificate = _secret(anywhere.certificate_secret, *CERTIFICATE_KEYS) if anywhere else None
    return [
        {"name": "program", "configMap": {"name": settings.program, "items": program.items()}},
        {"name": "settings", "configMap": {"name": CONFIG}},
        *([{"name": "ca", "configMap": {"name": CA}}] if settings.pod.ca_bundle else []),
        {"name": "api-access", "projected": {"defaultMode": _READABLE_BY_GROUP, "sources": access}},
        *([{"name": "aws", **aws}] if aws else []),
        *([{"name": "certificate", **certificate}] if certificate else []),
        # In memory, since the AWS CLI stores the session of an assumed role in it.
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
    ]


def _aws_source(aws: AwsAccess) -> Object | None:
    """Return the volume with the AWS keys or with the token for STS; None if the access needs no file."""
    if aws.kind == "web_identity":
        sources = [_token({"audience": aws.audience})]
        return {"projected": {"defaultMode": _READABLE_BY_GROUP, "sources": sources}}
    if aws.kind == "secret":
        return _secret(AWS_SECRET, mounted_keys.FILE)
    if aws.kind == "existing_secret":
        volume = _secret(aws.existing_secret, mounted_keys.FILE, *mounted_keys.NAMES)
        # It has only some of these keys. If it was deleted, the program starts, reports that and can fail open.
        volume["secret"]["optional"] = True
        return volume
    return None


def _secret(name: str, *keys: str) -> Object:
    """Return a volume with these keys of a Secret as files."""
    items = [{"key": key, "path": key} for key in keys]
    return {"secret": {"secretName": name, "defaultMode": _READABLE_BY_GROUP, "items": items}}


def _token(audience: t.Mapping[str, str]) -> Object:
    return {"serviceAccountToken": {"path": "token", "expirationSeconds": 600, **audience}}
