# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a refresher, as cases that together use every setting, and the objects of each case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import (
    manifests,
    permissions,
    policies,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import requirements
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AwsAccess,
    Metadata,
    Places,
    Pod,
    Renewal,
    RolesAnywhere,
    Schedule,
    Settings,
)
from support.program import FILES
from support.role import NON_DEFAULTS

Object = dict[str, Any]

ROLE = Path(__file__).parents[2] / "roles/pull_secret"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"
IMAGE = "public.ecr.aws/aws-cli/aws-cli:2.36.7"
SIDECAR_IMAGE = "public.ecr.aws/rolesanywhere/credential-helper:1.8.1-2026.04.09.16.01"
SIDECAR_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
TRUST_ANCHOR = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/01234567-89ab-cdef-0123-456789abcdef"
PROFILE = "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/fedcba98-7654-3210-fedc-ba9876543210"
ANYWHERE = {
    "aws_auth": "roles_anywhere",
    "role_arn": ARN,
    "trust_anchor_arn": TRUST_ANCHOR,
    "profile_arn": PROFILE,
    "certificate_secret": "theirs",
}
KEYS = {"aws_auth": "secret", "aws_access_key": "AKIA" + "A" * 16, "aws_secret_key": "never-said/never-said"}
WITH_KEYS = AwsAccess("secret", access_key=KEYS["aws_access_key"], secret_key=KEYS["aws_secret_key"])
WITH_CERTIFICATE = AwsAccess(
    "roles_anywhere",
    role_arn=ARN,
    roles_anywhere=RolesAnywhere(TRUST_ANCHOR, PROFILE, "theirs", SIDECAR_IMAGE, SIDECAR_RESOURCES),
)
LISTED = Places(listed=("team-a", "team-b"))
RESOURCES = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
LINUX = {"kubernetes.io/os": "linux"}
SELECTOR = "ecr-public=enabled,tier notin (sandbox)"


def settings(**changes: Any) -> Settings:
    """What the role's defaults come to, with changes."""
    fields: dict[str, Any] = {
        "namespace": "ecr-public-refresher",
        "aws": WITH_KEYS,
        "pod": Pod(image=IMAGE, resources=RESOURCES, node_selector=LINUX),
        "schedule": Schedule(
            manifests.default_schedule("https://cluster.example", "ecr-public-refresher", "ecr-public-secret")
        ),
        "renewal": Renewal("ecr-public-secret", "ecr-public-refresher", fail_open_before=2 * 3600 + 1200),
        "places": LISTED,
        "files": FILES,
        **changes,
    }
    return Settings(**fields)


CASES = {
    "listed": settings(),
    "selector": settings(
        places=Places(selector="ecr-public=enabled", requirements=requirements("ecr-public=enabled")),
    ),
    "service-accounts": settings(
        renewal=Renewal(
            "ecr-public-secret", "ecr-public-refresher", fail_open_before=2 * 3600 + 1200, service_accounts=("default",)
        ),
    ),
    "web-identity": settings(aws=AwsAccess("web_identity", role_arn=ARN)),
    "existing-secret": settings(aws=AwsAccess("existing_secret", existing_secret="theirs")),
    "roles-anywhere": settings(
        aws=WITH_CERTIFICATE,
        pod=Pod(
            image=IMAGE,
            resources=RESOURCES,
            node_selector=LINUX,
            proxy=NON_DEFAULTS["refresher_proxy"],
            ca_bundle=NON_DEFAULTS["refresher_ca_bundle"],
        ),
    ),
    "proxy": settings(
        pod=Pod(
            image=IMAGE,
            resources=RESOURCES,
            node_selector=LINUX,
            proxy=NON_DEFAULTS["refresher_proxy"],
            ca_bundle=NON_DEFAULTS["refresher_ca_bundle"],
        )
    ),
    "everything": settings(
        aws=AwsAccess("irsa", role_arn=ARN),
        pod=Pod(
            image=f"mirror.example.com/aws-cli@sha256:{'0' * 64}",
            image_pull_policy="Always",
            image_pull_secrets=("mirror",),
            resources={"requests": RESOURCES["requests"], "limits": {"cpu": "1", "memory": "512Mi"}},
            node_selector=NON_DEFAULTS["refresher_node_selector"],
            tolerations=tuple(NON_DEFAULTS["refresher_tolerations"]),
            affinity=NON_DEFAULTS["refresher_affinity"],
            priority_class=NON_DEFAULTS["refresher_priority_class"],
            run_as_user=int(NON_DEFAULTS["refresher_run_as_user"]),
            env=tuple(NON_DEFAULTS["refresher_env"]),
            volumes=tuple(NON_DEFAULTS["refresher_volumes"]),
            volume_mounts=tuple(NON_DEFAULTS["refresher_volume_mounts"]),
            proxy=NON_DEFAULTS["refresher_proxy"],
            no_proxy=NON_DEFAULTS["refresher_no_proxy"],
            ca_bundle=NON_DEFAULTS["refresher_ca_bundle"],
        ),
        schedule=Schedule("0 */2 * * *", "Europe/Berlin", active_deadline=300, history=1, suspend=True),
        renewal=Renewal(
            "ecr-public-secret",
            "platform",
            registries=("public.ecr.aws", "ecr-public.aws.com"),
            # The longest gap is the night in which summer time begins.
            fail_open_before=3 * 3600 + 900,
            labels={"team": "a"},
            annotations={"note": "b"},
            service_accounts=("default", "builder"),
        ),
        places=Places(selector=SELECTOR, requirements=requirements(SELECTOR), globs=("team-*",), exclude=("team-x",)),
        metadata=Metadata(
            labels=NON_DEFAULTS["refresher_labels"],
            annotations=NON_DEFAULTS["refresher_annotations"],
            pod_labels=NON_DEFAULTS["refresher_pod_labels"],
            pod_annotations=NON_DEFAULTS["refresher_pod_annotations"],
            allowed=tuple(NON_DEFAULTS["refresher_allowed_metadata"]),
        ),
    ),
}


def objects(wanted: Settings) -> list[Object]:
    """All objects of a refresher."""
    secret = manifests.aws_secret(wanted)
    restricted = [body for each in policies.restrictions(wanted) for body in (each.policy, each.binding)]
    bindings = [permissions.role_binding(wanted, namespace) for namespace in wanted.places.listed]
    return [
        manifests.namespace(wanted),
        *([secret] if secret else []),
        *restricted,
        *permissions.cluster_roles(wanted),
        permissions.cluster_role_binding(wanted),
        *bindings,
        manifests.service_account(wanted),
        *manifests.config_maps(wanted),
        manifests.cron_job(wanted),
    ]


class _Indented(yaml.SafeDumper):
    """Indents lists, as yamllint requires."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, indentless=False)


def to_yaml(content: list[Object]) -> str:
    """Objects as documents of YAML, as the API server gets them: without tuples and without aliases."""
    plain = json.loads(json.dumps(content))
    return yaml.dump_all(plain, Dumper=_Indented, explicit_start=True, sort_keys=True, width=120)
