# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CronJobs that write pull secrets with kubectl and the AWS CLI, as people build them without this collection."""

from __future__ import annotations

import dataclasses
import os
import shutil
from typing import Any

from support.aws import FakeAws
from support.stored import quiet_schedule

CREATE = """
kubectl -n "$NAMESPACE" create secret docker-registry "$SECRET" \\
  --docker-server=public.ecr.aws --docker-username=AWS \\
  --docker-password="$(aws ecr-public get-login-password --region us-east-1)"
"""
"""It works once: afterwards the secret exists."""

DELETE_AND_CREATE = """
password=$(aws ecr-public get-login-password --region us-east-1)
kubectl -n "$NAMESPACE" delete secret "$SECRET" --ignore-not-found
kubectl -n "$NAMESPACE" create secret docker-registry "$SECRET" \\
  --docker-server=public.ecr.aws --docker-username=AWS --docker-password="$password"
"""

HELPER = """
token=$(aws ecr-public get-authorization-token --region us-east-1 --output text \\
  --query authorizationData.authorizationToken | base64 -d)
for namespace in $TARGET_NAMESPACES; do
  kubectl -n "$namespace" delete secret ecr-public-token --ignore-not-found
  kubectl -n "$namespace" create secret docker-registry ecr-public-token \\
    --docker-server=https://public.ecr.aws --docker-username=AWS --docker-password="${token#AWS:}"
done
"""
"""The same writes as those of github.com/aws-containers/amazon-ecr-public-creds-helper-script-for-k8s."""


@dataclasses.dataclass(frozen=True)
class OldCronJob:
    """The names of a CronJob and of what it needs. role: its ClusterRole. keys: the Secret with its AWS keys."""

    namespace: str
    name: str
    account: str
    role: str
    binding: str
    keys: str

    def manifests(self, script: str, aws: FakeAws, **environment: str) -> dict[str, Any]:
        """Return its objects, without the namespace, as a list for `kubectl apply`."""
        rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "delete"]}]
        subject = {"kind": "ServiceAccount", "name": self.account, "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.role}
        keys = {"AWS_ACCESS_KEY_ID": aws.access_key, "AWS_SECRET_ACCESS_KEY": aws.secret_key}
        place = {"namespace": self.namespace}
        rbac = "rbac.authorization.k8s.io/v1"
        items: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": self.account, **place}},
            {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": self.role}, "rules": rules},
            {
                "apiVersion": rbac,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": self.binding},
                "roleRef": reference,
                "subjects": [subject],
            },
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.keys, **place}, "stringData": keys},
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": self.name, **place},
                "spec": {
                    # It does not run by itself during a test.
                    "schedule": quiet_schedule().replace("*/2", "*/6"),
                    "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": self._pod(script, environment)}}},
                },
            },
        ]
        needed = {"AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url, "AWS_EC2_METADATA_DISABLED": "true"}
        container = items[-1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
        container["env"] += [{"name": name, "value": value} for name, value in needed.items()]
        return {"apiVersion": "v1", "kind": "List", "items": items}

    def _pod(self, script: str, environment: dict[str, str]) -> dict[str, Any]:
        # The image has the AWS CLI and no kubectl, which is a static program.
        kubectl = {"name": "kubectl", "hostPath": {"path": os.path.realpath(_kubectl()), "type": "File"}}
        container = {
            "name": "renew",
            "image": os.environ["FRESHPULL_TEST_AWS_CLI_IMAGE"],
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-ec", script],
            "env": [{"name": name, "value": value} for name, value in environment.items()],
            "envFrom": [{"secretRef": {"name": self.keys}}],
            "volumeMounts": [{"name": "kubectl", "mountPath": "/usr/local/bin/kubectl", "readOnly": True}],
        }
        return {
            "serviceAccountName": self.account,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [kubectl],
        }


def _kubectl() -> str:
    found = shutil.which("kubectl")
    assert found, "kubectl is not in PATH"
    return found
