# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objects of a refresher are made from. Private to this collection.

All values are valid: they were read from options, and the rules across options hold.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import Requirement

CRONJOB = "refresh-ecr-public-token"
"""The name of the CronJob and its service account, whatever the namespace."""
CONFIG, CA = f"{CRONJOB}-settings", f"{CRONJOB}-ca"
"""The ConfigMaps with the settings and with the authorities that the way to AWS needs."""
AWS_SECRET = f"{CRONJOB}-aws"
"""The Secret with the AWS keys that the options gave."""
SESSION = "freshpull-ecr-public"
"""The session name of an assumed role, which CloudTrail shows."""

FEDERATED = ("irsa", "web_identity")
"""AWS access by a token of the service account, for which STS returns a session of the role."""


def permissions_name(namespace: str) -> str:
    """Of the ClusterRole and its bindings. One cluster may have several refreshers, each in a namespace of its own."""
    return f"{CRONJOB}:{namespace}"


def namespaces_permission_name(namespace: str) -> str:
    """Of the ClusterRole and its binding that let it look at the listed namespaces."""
    return f"{CRONJOB}-namespaces:{namespace}"


def policy_name(namespace: str) -> str:
    """Of the admission policy for secrets and its binding: names of policies have no colon."""
    return f"{CRONJOB}.{namespace}"


def accounts_policy_name(namespace: str) -> str:
    """Of the admission policy for service accounts and its binding."""
    return f"{CRONJOB}-service-accounts.{namespace}"


def user_name(namespace: str) -> str:
    """Of the service account, as the API server has it."""
    return f"system:serviceaccount:{namespace}:{CRONJOB}"


@dataclasses.dataclass(frozen=True)
class AwsAccess:
    """How the refresher gets AWS credentials.

    kind: secret, existing_secret, irsa, pod_identity, web_identity or ambient. role_arn: for irsa and web_identity
    the role that STS returns a session of; otherwise a role to be assumed with the credentials of that kind, or "".
    """

    kind: str
    access_key: str = ""
    secret_key: str = dataclasses.field(default="", repr=False)
    existing_secret: str = ""
    role_arn: str = ""
    external_id: str = ""
    audience: str = "sts.amazonaws.com"
    endpoint_url: str = ""

    @property
    def has_keys(self) -> bool:
        """Whether AWS keys reach the pod, in a file that a Secret holds."""
        return self.kind in ("secret", "existing_secret")

    @property
    def assumes_role(self) -> bool:
        """Whether the AWS CLI assumes the role by its configuration file."""
        return bool(self.role_arn) and self.kind not in FEDERATED


@dataclasses.dataclass(frozen=True)
class Pod:
    """Where and how the refresher's pod runs, in the words of a PodSpec. Empty values leave a field out."""

    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    node_selector: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    tolerations: tuple[t.Mapping[str, t.Any], ...] = ()
    priority_class: str = ""
    proxy: str = ""
    no_proxy: str = ""
    ca_bundle: str = ""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """When the CronJob runs. active_deadline: seconds for one Job. history: finished Jobs kept of either outcome."""

    schedule: str
    time_zone: str = "Etc/UTC"
    active_deadline: int = 600
    history: int = 3
    suspend: bool = False

    @property
    def pod_deadline(self) -> int:
        """Seconds. The Job's own deadline would delete the pod, and its last words with it."""
        return self.active_deadline - 60

    @property
    def program_deadline(self) -> int:
        """Seconds. It stops by itself, before the kubelet does it."""
        return self.pod_deadline - 30


@dataclasses.dataclass(frozen=True)
class Renewal:
    """What the refresher writes, and when. renew_before and fail_open_before: seconds of remaining lifetime.

    service_accounts: the names of those that it attaches the secret to, in each namespace.
    """

    secret: str
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
        """Of a secret that the refresher creates."""
        return {
            managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY,
            **self.labels,
            managed_metadata.MANAGED_LABEL: "true",
        }


@dataclasses.dataclass(frozen=True)
class Places:
    """The namespaces whose secrets the refresher renews.

    Without a selector they are listed, by name. With one the refresher lists the namespaces itself, at each run: those
    that match selector and one of the globs, and none of exclude.
    """

    listed: tuple[str, ...] = ()
    selector: str = ""
    requirements: tuple[Requirement, ...] = ()
    globs: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Settings:
    """A refresher. namespace: its own. files: its program, the text of each of program.FILES."""

    namespace: str
    aws: AwsAccess
    pod: Pod
    schedule: Schedule
    renewal: Renewal
    places: Places
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def program(self) -> str:
        """The name of the ConfigMap with the program."""
        return f"{CRONJOB}-code-{program.digest(self.files)}"

    @property
    def permissions(self) -> str:
        """The name of its ClusterRole and of what binds it."""
        return permissions_name(self.namespace)

    @property
    def namespaces_permission(self) -> str:
        """The name of the ClusterRole that lets it look at the listed namespaces, and of what binds it."""
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
        """As whom the API server knows it."""
        return user_name(self.namespace)

    @property
    def labels(self) -> dict[str, str]:
        """Of all its objects; the last one finds them."""
        return {
            "app.kubernetes.io/name": CRONJOB,
            managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY,
            managed_metadata.REFRESHER_LABEL: self.namespace,
        }
