# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings from which the refresher's objects are built. Private to this collection.

All values are valid: options.py has checked them.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import Requirement

CRONJOB = "refresh-ecr-public-token"
"""The name of the CronJob and its service account, the same in each namespace."""
CONFIG, CA = f"{CRONJOB}-settings", f"{CRONJOB}-ca"
"""The names of the ConfigMaps with the settings and with the authorities (ca_bundle)."""
AWS_SECRET = f"{CRONJOB}-aws"
"""The name of the Secret with the AWS keys from the options."""
SESSION = "freshpull-ecr-public"
"""The session name of an assumed role, which CloudTrail shows."""

NAME_LABEL = "app.kubernetes.io/name"
POD_LABELS = {"sidecar.istio.io/inject": "false"}
POD_ANNOTATIONS = {"linkerd.io/inject": "disabled"}
"""The defaults keep the sidecars of Istio and Linkerd out of the pod. Such a sidecar does not end with the program, and
the Job would never complete.

https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/
https://linkerd.io/2-edge/features/proxy-injection/
"""

FEDERATED = ("irsa", "web_identity")
"""Kinds of AWS access in which STS returns a session of the role for a token of the service account."""
ROLES_ANYWHERE = "roles_anywhere"
"""The kind in which IAM Roles Anywhere returns a session of the role for a certificate."""
OF_A_ROLE = (*FEDERATED, ROLES_ANYWHERE)
"""Kinds whose session is already one of the role. It is not assumed again."""
CERTIFICATE_KEYS = ("tls.crt", "tls.key")
"""The keys of a Secret of the type kubernetes.io/tls."""


def permissions_name(namespace: str) -> str:
    """Return the name of the ClusterRole and its bindings, which is unique for each refresher of a cluster."""
    return f"{CRONJOB}:{namespace}"


def namespaces_permission_name(namespace: str) -> str:
    """Return the name of the ClusterRole and its binding for getting the listed namespaces."""
    return f"{CRONJOB}-namespaces:{namespace}"


def policy_name(namespace: str) -> str:
    """Return the name of the admission policy for secrets and its binding, which cannot contain a colon."""
    return f"{CRONJOB}.{namespace}"


def accounts_policy_name(namespace: str) -> str:
    """Return the name of the admission policy for service accounts and its binding."""
    return f"{CRONJOB}-service-accounts.{namespace}"


def user_name(namespace: str) -> str:
    """Return the user name that the API server gives to the service account."""
    return f"system:serviceaccount:{namespace}:{CRONJOB}"


@dataclasses.dataclass(frozen=True)
class RolesAnywhere:
    """The certificate for IAM Roles Anywhere, and the sidecar that gets a session for it.

    certificate_secret: a Secret with tls.crt and tls.key. image, resources: of the sidecar.
    """

    trust_anchor_arn: str
    profile_arn: str
    certificate_secret: str
    image: str
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class AwsAccess:
    """The refresher's access to AWS.

    kind: secret, existing_secret, irsa, pod_identity, web_identity, ambient or roles_anywhere. role_arn: for OF_A_ROLE
    the role of the session; otherwise a role to assume with the credentials of that kind, or "". roles_anywhere: only
    for that kind.
    """

    kind: str
    access_key: str = ""
    secret_key: str = dataclasses.field(default="", repr=False)
    existing_secret: str = ""
    role_arn: str = ""
    external_id: str = ""
    audience: str = "sts.amazonaws.com"
    endpoint_url: str = ""
    roles_anywhere: RolesAnywhere | None = None

    @property
    def has_keys(self) -> bool:
        """Whether the pod gets AWS keys, in a file from a Secret."""
        return self.kind in ("secret", "existing_secret")

    @property
    def assumes_role(self) -> bool:
        """Whether the AWS CLI assumes the role by its configuration file."""
        return bool(self.role_arn) and self.kind not in OF_A_ROLE


@dataclasses.dataclass(frozen=True)
class Pod:
    """Settings of the refresher's pod, with the names of a PodSpec. An empty value leaves the field out."""

    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    node_selector: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    tolerations: tuple[t.Mapping[str, t.Any], ...] = ()
    affinity: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    priority_class: str = ""
    run_as_user: int | None = 65532
    env: tuple[t.Mapping[str, t.Any], ...] = ()
    volumes: tuple[t.Mapping[str, t.Any], ...] = ()
    volume_mounts: tuple[t.Mapping[str, t.Any], ...] = ()
    proxy: str = ""
    no_proxy: str = ""
    ca_bundle: str = ""


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Labels and annotations of the user.

    labels, annotations: of every object, pods included. pod_labels, pod_annotations: of pods, merged over the defaults;
    an empty value removes one. allowed: keys and globs of labels and annotations that other webhooks and policies add
    to pull secrets and service accounts.
    """

    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    pod_labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    pod_annotations: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    allowed: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The CronJob's times. active_deadline: seconds for one Job. history: finished Jobs to keep for each outcome."""

    schedule: str
    time_zone: str = "Etc/UTC"
    active_deadline: int = 600
    history: int = 3
    suspend: bool = False

    @property
    def pod_deadline(self) -> int:
        """Seconds. It is before the Job's deadline, which deletes the pod and its termination message."""
        return self.active_deadline - 60

    @property
    def program_deadline(self) -> int:
        """Seconds. The program stops before the kubelet ends its pod."""
        return self.pod_deadline - 30


@dataclasses.dataclass(frozen=True)
class Renewal:
    """The content of the pull secrets and the rules for renewal.

    owner: of the secrets, never "" in a cluster. renew_before, fail_open_before: seconds of remaining lifetime.
    service_accounts: names to which the refresher
    attaches the secret, in each namespace.
    """

    secret: str
    owner: str = ""
    registries: tuple[str, ...] = (_docker_config.DEFAULT_REGISTRY,)
    renew_before: int = 8 * 3600
    fail_open: bool = True
    fail_open_before: int = 3600
    workers: int = 32
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    service_accounts: tuple[str, ...] = ()

    @property
    def all_labels(self) -> dict[str, str]:
        """The labels of a secret that the refresher creates."""
        return {
            managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY,
            **self.labels,
            managed_metadata.MANAGED_LABEL: "true",
            managed_metadata.OWNER_LABEL: self.owner,
        }


@dataclasses.dataclass(frozen=True)
class Places:
    """The namespaces whose secrets the refresher renews.

    listed: names; () with a selector. With a selector the refresher selects at each run the namespaces that match
    selector and one of globs, and none of exclude.
    """

    listed: tuple[str, ...] = ()
    selector: str = ""
    requirements: tuple[Requirement, ...] = ()
    globs: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of one refresher. namespace: its own. files: the text of each of program.FILES."""

    namespace: str
    aws: AwsAccess
    pod: Pod
    schedule: Schedule
    renewal: Renewal
    places: Places
    metadata: Metadata = dataclasses.field(default_factory=Metadata)
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def program(self) -> str:
        """The name of the ConfigMap with the program."""
        return f"{CRONJOB}-code-{program.digest(self.files)}"

    @property
    def permissions(self) -> str:
        """The name of its ClusterRole and of the bindings."""
        return permissions_name(self.namespace)

    @property
    def namespaces_permission(self) -> str:
        """The name of the ClusterRole for getting the listed namespaces, and of its binding."""
        return namespaces_permission_name(self.namespace)

    @property
    def policy(self) -> str:
        """The name of its admission policy for secrets."""
        return policy_name(self.namespace)

    @property
    def accounts_policy(self) -> str:
        """The name of its admission policy for service accounts."""
        return accounts_policy_name(self.namespace)

    @property
    def user(self) -> str:
        """The user name of its service account."""
        return user_name(self.namespace)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all its objects. The last one is used to find them."""
        return {
            **self.metadata.labels,
            NAME_LABEL: CRONJOB,
            managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY,
            managed_metadata.OWNER_LABEL: self.renewal.owner,
            managed_metadata.REFRESHER_LABEL: self.namespace,
        }

    @property
    def object_metadata(self) -> dict[str, dict[str, str]]:
        """The labels of all its objects and, if there are any, their annotations."""
        annotations = dict(self.metadata.annotations)
        return {"labels": self.labels, **({"annotations": annotations} if annotations else {})}

    @property
    def pod_metadata(self) -> dict[str, dict[str, str]]:
        """The labels and annotations of its pods."""
        extra = self.metadata
        labels = {**self.labels, **POD_LABELS, **extra.pod_labels}
        annotations = {**extra.annotations, **POD_ANNOTATIONS, **extra.pod_annotations}
        return {
            "labels": {key: value for key, value in labels.items() if value or key not in extra.pod_labels},
            "annotations": {
                key: value for key, value in annotations.items() if value or key not in extra.pod_annotations
            },
        }
