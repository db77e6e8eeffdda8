# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the refresher's own objects from settings. Private to this collection.

All functions are pure. The permissions are in permissions.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import (
    DEADLINE_STATUS,
    NAMESPACES,
    POLICY,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import pod_template
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import pattern
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CA,
    CONFIG,
    CRONJOB,
    SESSION,
    AwsAccess,
    Settings,
)

STARTING_DEADLINE = 600
"""Seconds. A run that could not start in this time is skipped."""
_CREDENTIAL_SOURCE = {"ambient": "Ec2InstanceMetadata", "pod_identity": "EcsContainer"}

Object = dict[str, t.Any]


def default_schedule(host: str, namespace: str, secret: str) -> str:
    """Return a schedule for every 2 hours. The minute depends on the refresher, to spread the calls of AWS."""
    digest = hashlib.sha1(" ".join((host, namespace, secret)).encode(), usedforsecurity=False).hexdigest()
    return f"{int(digest[:8], 16) % 60} */2 * * *"


def is_default_schedule(schedule: str) -> bool:
    """Return whether default_schedule() can return this schedule."""
    return bool(re.fullmatch(r"[1-5]?\d \*/2 \* \* \*", schedule))


def namespace(settings: Settings) -> Object:
    """Build the namespace. An existing namespace that the collection did not create is never changed."""
    metadata = {
        "name": settings.namespace,
        "labels": {**settings.labels, "pod-security.kubernetes.io/enforce": "restricted"},
        "annotations": {**settings.metadata.annotations, managed_metadata.CREATED: "true"},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def service_account(settings: Settings) -> Object:
    """Build the service account.

    It has no imagePullSecrets: an expired token there would stop the refresher's own pod from starting.
    """
    annotations = dict(settings.metadata.annotations)
    if settings.aws.kind == "irsa":
        annotations |= {
            "eks.amazonaws.com/role-arn": settings.aws.role_arn,
            "eks.amazonaws.com/audience": settings.aws.audience,
        }
    metadata = {**_metadata(settings, CRONJOB), "annotations": annotations}
    # The pod mounts a short-lived token instead.
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False}


def aws_secret(settings: Settings) -> Object | None:
    """Build the Secret with the AWS keys; None if the options have no keys."""
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


def config_maps(settings: Settings) -> list[Object]:
    """Build the ConfigMaps: the program, its settings and, if any, the authorities (ca_bundle)."""
    maps = [
        {**_config_map(settings, settings.program, program.data(settings.files)), "immutable": True},
        _config_map(settings, CONFIG, _settings(settings)),
    ]
    if settings.pod.ca_bundle:
        maps.append(_config_map(settings, CA, {"ca.crt": settings.pod.ca_bundle}))
    return maps


def _config_map(settings: Settings, name: str, data: t.Mapping[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(settings, name), "data": dict(data)}


def _settings(settings: Settings) -> dict[str, str]:
    """Return the files that the program and the AWS CLI read."""
    data = {POLICY: json.dumps(_policy(settings)), NAMESPACES: "\n".join(settings.places.listed) + "\n"}
    # An unused option adds no file. Otherwise a new option would change each refresher.
    if settings.aws.assumes_role:
        data["aws-config"] = _aws_config(settings.aws)
    return data


def _policy(settings: Settings) -> Object:
    renewal, places = settings.renewal, settings.places
    policy: Object = {
        "name": renewal.secret,
        "owner": renewal.owner,
        "registries": list(renewal.registries),
        "renew_before": renewal.renew_before,
        "fail_open": renewal.fail_open,
        "fail_open_before": renewal.fail_open_before,
        "workers": renewal.workers,
        "deadline": settings.schedule.program_deadline,
        "aws_endpoint_url": settings.aws.endpoint_url,
        "aws_auth": settings.aws.kind,
    }
    if renewal.service_accounts:
        policy["service_accounts"] = list(renewal.service_accounts)
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
    """Build the CronJob."""
    schedule = settings.schedule
    job = {
        "activeDeadlineSeconds": schedule.active_deadline,
        "ttlSecondsAfterFinished": 86400,
        # For a node that fails. The program itself retries requests.
        "backoffLimit": 1,
        # No retry after the program's deadline: its pod stays, and with it the termination message.
        "podFailurePolicy": {
            "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [DEADLINE_STATUS]}}]
        },
        "template": pod_template(settings),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _metadata(settings, CRONJOB),
        "spec": {
            "schedule": schedule.schedule,
            "timeZone": schedule.time_zone,
            "suspend": schedule.suspend,
            # A pod that cannot end, as on a dead node, must not stop the schedule.
            "concurrencyPolicy": "Replace",
            "startingDeadlineSeconds": STARTING_DEADLINE,
            "successfulJobsHistoryLimit": schedule.history,
            "failedJobsHistoryLimit": schedule.history,
            "jobTemplate": {"metadata": settings.object_metadata, "spec": job},
        },
    }


def _metadata(settings: Settings, name: str) -> Object:
    return {"name": name, "namespace": settings.namespace, **settings.object_metadata}
