# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's own objects, as pure functions from settings. Private to this collection.

What the refresher may do is in permissions.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _marks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import pattern
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CRONJOB,
    FEDERATED,
    AwsAccess,
    Settings,
)

AWS_SECRET = f"{CRONJOB}-aws"
"""The Secret with the AWS keys that the options gave."""
SESSION = "freshpull-ecr-public"
"""The session name of an assumed role, which CloudTrail shows."""
STARTING_DEADLINE = 600
"""Seconds. A run that could not start for so long is left out; the next one is due."""
# Addresses on a node that give out credentials. They are never behind a proxy.
METADATA_ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd00:ec2::254")

_CONFIG, _API, _AWS = "/etc/freshpull", "/var/run/secrets/freshpull", "/var/run/secrets/freshpull-aws"
_READABLE_BY_GROUP = 0o440
_USER = 65532
_CREDENTIAL_SOURCE = {"ambient": "Ec2InstanceMetadata", "pod_identity": "EcsContainer"}

Object = dict[str, t.Any]


def default_schedule(host: str, namespace: str, secret: str) -> str:
    """Every 2 hours, each refresher at a minute of its own, so that not all of them call AWS at the same time."""
    digest = hashlib.sha1(" ".join((host, namespace, secret)).encode(), usedforsecurity=False).hexdigest()
    return f"{int(digest[:8], 16) % 60} */2 * * *"


def namespace(settings: Settings) -> Object:
    """Only for one that the role creates: another's keeps its own metadata."""
    labels = {**settings.labels, "pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": settings.namespace, "labels": labels, "annotations": {_marks.CREATED: "true"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def service_account(settings: Settings) -> Object:
    """Without imagePullSecrets: an expired token there would stop the refresher's own pod from starting."""
    annotations = {}
    if settings.aws.kind == "irsa":
        annotations = {
            "eks.amazonaws.com/role-arn": settings.aws.role_arn,
            "eks.amazonaws.com/audience": settings.aws.audience,
        }
    metadata = {**_metadata(settings, CRONJOB), "annotations": annotations}
    # The pod mounts a short-lived token of its own.
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False}


def aws_secret(settings: Settings) -> Object | None:
    """The AWS keys; None if no keys were given."""
    if settings.aws.kind != "secret":
        return None
    credentials = (
        f"[default]\naws_access_key_id = {settings.aws.access_key}\naws_secret_access_key = {settings.aws.secret_key}\n"
    )
    data = {"credentials": base64.b64encode(credentials.encode()).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(settings, AWS_SECRET),
        "type": "Opaque",
        "data": data,
    }


def config_map(settings: Settings) -> Object:
    """The program, and what it reads its settings from."""
    data = {
        **settings.files,
        "policy.json": json.dumps(_policy(settings)),
        "namespaces": "\n".join(settings.places.listed) + "\n",
    }
    # Only what is needed, so that a new option changes no refresher that does not use it.
    if settings.aws.assumes_role:
        data["aws-config"] = _aws_config(settings.aws)
    if settings.pod.ca_bundle:
        data["aws-ca.crt"] = settings.pod.ca_bundle
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(settings, CRONJOB), "data": data}


def _policy(settings: Settings) -> Object:
    renewal, places = settings.renewal, settings.places
    policy: Object = {
        "name": renewal.secret,
        "registries": list(renewal.registries),
        "renew_before": renewal.renew_before,
        "fail_open": renewal.fail_open,
        "fail_open_before": renewal.fail_open_before,
        "workers": renewal.workers,
        "aws_endpoint_url": settings.aws.endpoint_url,
        "aws_auth": settings.aws.kind,
    }
    if places.selector:
        policy |= {
            "selector": places.selector,
            "namespaces": pattern(places.globs),
            "excluded": pattern(places.exclude),
            "labels": renewal.all_labels,
            "annotations": dict(renewal.annotations),
        }
    return policy


def _aws_config(aws: AwsAccess) -> str:
    lines = ["[profile assumed]", f"role_arn = {aws.role_arn}", f"role_session_name = {SESSION}"]
    if aws.external_id:
        lines.append(f"external_id = {aws.external_id}")
    if aws.has_keys:
        lines.append("source_profile = default")
    else:
        lines.append(f"credential_source = {_CREDENTIAL_SOURCE[aws.kind]}")
    return "\n".join(lines) + "\n"


def cron_job(settings: Settings) -> Object:
    """The CronJob."""
    schedule = settings.schedule
    job = {
        "activeDeadlineSeconds": schedule.active_deadline,
        "ttlSecondsAfterFinished": 86400,
        # The program tries again by itself; this is for a node that dies under it.
        "backoffLimit": 1,
        "template": {"metadata": {"labels": settings.labels}, "spec": pod_spec(settings)},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _metadata(settings, CRONJOB),
        "spec": {
            "schedule": schedule.schedule,
            "timeZone": schedule.time_zone,
            "suspend": schedule.suspend,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": STARTING_DEADLINE,
            "successfulJobsHistoryLimit": schedule.history,
            "failedJobsHistoryLimit": schedule.history,
            "jobTemplate": {"metadata": {"labels": settings.labels}, "spec": job},
        },
    }


def pod_spec(settings: Settings) -> Object:
    """The pod, which Pod Security "restricted" admits."""
    pod = settings.pod
    chosen = {
        "priorityClassName": pod.priority_class,
        "nodeSelector": dict(pod.node_selector),
        "tolerations": [dict(toleration) for toleration in pod.tolerations],
        "imagePullSecrets": [{"name": name} for name in pod.image_pull_secrets],
    }
    return {
        "serviceAccountName": CRONJOB,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        **{field: value for field, value in chosen.items() if value},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(settings)],
        "volumes": _volumes(settings),
    }


def _container(settings: Settings) -> Object:
    aws_mount = [_mount("aws", _AWS)] if _aws_source(settings.aws) else []
    return {
        "name": "refresh",
        "image": settings.pod.image,
        "imagePullPolicy": settings.pod.image_pull_policy,
        "command": ["bash", f"{_CONFIG}/refresh.sh"],
        "env": [{"name": name, "value": value} for name, value in _environment(settings).items()],
        "resources": dict(settings.pod.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            _mount("config", _CONFIG),
            _mount("api-access", _API),
            *aws_mount,
            {"name": "scratch", "mountPath": "/scratch"},
        ],
    }


def _mount(name: str, path: str) -> Object:
    return {"name": name, "mountPath": path, "readOnly": True}


def _environment(settings: Settings) -> dict[str, str]:
    aws, pod = settings.aws, settings.pod
    environment = {"HOME": "/scratch", "TMPDIR": "/scratch"}
    if aws.has_keys:
        # A file, so that no environment holds keys.
        environment["AWS_SHARED_CREDENTIALS_FILE"] = f"{_AWS}/credentials"
    if aws.kind == "ambient":
        # Otherwise the program makes sure that the node's own role is never used.
        environment["AWS_EC2_METADATA_DISABLED"] = "false"
    if aws.kind in FEDERATED:
        environment["AWS_ROLE_SESSION_NAME"] = SESSION
    if aws.kind == "web_identity":
        environment["AWS_ROLE_ARN"] = aws.role_arn
        environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = f"{_AWS}/token"
    if aws.assumes_role:
        environment["AWS_CONFIG_FILE"] = f"{_CONFIG}/aws-config"
        environment["AWS_PROFILE"] = "assumed"
    if pod.ca_bundle:
        environment["AWS_CA_BUNDLE"] = f"{_CONFIG}/aws-ca.crt"
    if pod.proxy:
        # The API server is never behind it: the program sees to that.
        environment["HTTPS_PROXY"] = pod.proxy
        environment["NO_PROXY"] = ",".join(filter(None, [*pod.no_proxy.split(","), *METADATA_ADDRESSES]))
    return environment


def _volumes(settings: Settings) -> list[Object]:
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    access = [_token({}), {"configMap": authority}]
    aws = _aws_source(settings.aws)
    return [
        {"name": "config", "configMap": {"name": CRONJOB}},
        {"name": "api-access", "projected": {"defaultMode": _READABLE_BY_GROUP, "sources": access}},
        *([{"name": "aws", **aws}] if aws else []),
        # In memory: tokens pass through it.
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
    ]


def _aws_source(aws: AwsAccess) -> Object | None:
    """The volume with the keys, or with the token that STS takes; None if access needs no file."""
    if aws.kind == "web_identity":
        sources = [_token({"audience": aws.audience})]
        return {"projected": {"defaultMode": _READABLE_BY_GROUP, "sources": sources}}
    if aws.has_keys:
        secret = AWS_SECRET if aws.kind == "secret" else aws.existing_secret
        items = [{"key": "credentials", "path": "credentials"}]
        return {"secret": {"secretName": secret, "defaultMode": _READABLE_BY_GROUP, "items": items}}
    return None


def _token(audience: t.Mapping[str, str]) -> Object:
    return {"serviceAccountToken": {"path": "token", "expirationSeconds": 600, **audience}}


def _metadata(settings: Settings, name: str) -> Object:
    return {"name": name, "namespace": settings.namespace, "labels": settings.labels}
