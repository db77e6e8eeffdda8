# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way in which the refresher gets access to AWS, in real pods with the real AWS CLI.

The pods call AWS by its real names. A proxy with TLS leads them to the fake AWS.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws, Provider
from support.aws.fake import API_HOSTS
from support.cluster.pki import Authority
from support.playbook import Ansible
from support.role import Role
from support.workloads import CRONJOB, Workloads

pytestmark = pytest.mark.node
NAME = "ecr-public-secret"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"
ECR_PUBLIC, STS, _ROLES_ANYWHERE = API_HOSTS


@dataclasses.dataclass(frozen=True)
class Place:
    """What all tests of this file share: a fake AWS with TLS, and an installed role."""

    aws: FakeAws
    role: Role
    core: client.CoreV1Api
    workloads: Workloads

    def set_up(self, **variables: Any) -> None:
        self.role.run(test_run="never", **variables).ok()

    def renewed(self, change: Callable[[dict[str, Any]], None] = lambda _pod: None) -> str:
        """Run a Job, check its results and return its termination message."""
        before = self.aws.tokens
        ended = self.workloads.refresh(self.role.refresher, change)
        [namespace] = self.role.namespaces
        secret = self.core.read_namespaced_secret(NAME, namespace)
        config = base64.b64decode(secret.data[".dockerconfigjson"]).decode()
        stored = [token in config for token in self.aws.tokens[len(before) :]]
        assert stored == ([True] if ended.succeeded else []), ended.message
        return ended.message.strip()


@pytest.fixture(scope="module")
def place(
    core: client.CoreV1Api,
    kubeconfig: str,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("aws-access")
    authority = Authority()
    names = [host.removesuffix(":443") for host in API_HOSTS]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*authority.issue("aws", addresses=names).write(directory, "aws"))
    [namespace] = make_lasting_namespaces("a")
    with FakeAws(host=os.environ["FRESHPULL_TEST_ADDRESS"], tls=tls) as aws:
        ansible = Ansible(directory, kubeconfig)
        with Role(ansible, aws, [namespace], refresher=namespace.removesuffix("a") + "refresher") as role:
            role.variables |= {
                "pull_secret_refresher_aws_endpoint_url": "",
                "pull_secret_refresher_proxy": aws.proxy_url,
                "pull_secret_refresher_ca_bundle": authority.certificate.decode(),
                "pull_secret_refresher_role_arn": ARN,
            }
            yield Place(aws, role, core, Workloads(kubeconfig))


def provider(place: Place, audience: str, **changes: Any) -> Provider:
    """Return what IAM knows of this cluster: the documents that its API server publishes."""
    api = client.WellKnownApi(place.core.api_client)
    issuer = api.get_service_account_issuer_open_id_configuration(_preload_content=False).json()["issuer"]
    keys = client.OpenidApi(place.core.api_client).get_service_account_issuer_open_id_keyset(_preload_content=False)
    known = {"issuer": issuer, "audience": audience, "subject": place.role.user, "keys": keys.json()["keys"]}
    return Provider(**{**known, **changes})


def test_web_identity(place: Place) -> None:
    """The role's test run proves it: the control node has no access to AWS, and the secrets have no token yet."""
    place.aws.reset()
    place.aws.trust(provider(place, "ecr-public"))
    access: dict[str, Any] = {"refresher_aws_auth": "web_identity", "refresher_audience": "ecr-public"}
    place.role.run(aws_on_control_node=False, first_token="refresher", **access).ok()
    assert place.aws.calls == {"AssumeRoleWithWebIdentity": 1, "GetAuthorizationToken": 1}
    [assumed] = place.aws.assumed
    assert (assumed["RoleArn"], assumed["RoleSessionName"]) == (ARN, "freshpull-ecr-public")
    # Only these two, by their names in us-east-1: requests to the API server do not use the proxy.
    assert set(place.aws.proxied) == {ECR_PUBLIC, STS}
    assert place.core.list_namespaced_secret(place.role.refresher).items == []


DENIALS = {
    "audience": ({"audience": "sts.amazonaws.com"}, "the provider must have the token's audience"),
    "issuer": ({"issuer": "https://another.example"}, "must be an identity provider in IAM"),
    "subject": ({"subject": "system:serviceaccount:default:default"}, "its trust policy must name"),
    "keys": ({"keys": []}, "must be an identity provider in IAM"),
}


@pytest.mark.parametrize(("changes", "words"), DENIALS.values(), ids=DENIALS)
def test_web_identity_that_aws_denies(place: Place, changes: dict[str, Any], words: str) -> None:
    place.aws.reset()
    place.aws.trust(provider(place, **{"audience": "ecr-public", **changes}))
    assert words in place.renewed()
    assert "GetAuthorizationToken" not in place.aws.calls


@contextlib.contextmanager
def own_address(address: str) -> Iterator[None]:
    """Add the address to the loopback device of the network namespace in which the whole cluster runs."""
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


def test_a_role_on_top_of_keys(place: Place) -> None:
    place.set_up(refresher_aws_auth="secret", refresher_external_id="partner")
    place.aws.reset()
    assert place.renewed() == "1 renewed"
    assert place.aws.calls == {"AssumeRole": 1, "GetAuthorizationToken": 1}
    [assumed] = place.aws.assumed
    assert (assumed["RoleArn"], assumed["ExternalId"]) == (ARN, "partner")
    place.aws.behave(deny="sts:AssumeRole")
    assert "needs sts:AssumeRole on it" in place.renewed()

    # Without AWS keys, the refresher does not use the node's role instead.
    place.core.patch_namespaced_secret(f"{CRONJOB}-aws", place.role.refresher, {"data": {"credentials": ""}})
    place.aws.reset()
    with own_address("169.254.169.254"), place.aws.instance_metadata("node"):
        assert "has no AWS credentials" in place.renewed()
    assert place.aws.calls == {}


def test_keys_as_single_values_of_a_secret(place: Place) -> None:
    """The layout of Helm charts for private ECR. The keys are in no variable, and a run without the Secret ends."""
    place.aws.reset()
    keys = {"AWS_ACCESS_KEY_ID": place.aws.access_key, "AWS_SECRET_ACCESS_KEY": place.aws.secret_key}
    place.core.create_namespaced_secret(place.role.refresher, {"metadata": {"name": "chart"}, "stringData": keys})
    place.set_up(refresher_aws_auth="existing_secret", refresher_aws_existing_secret="chart")
    # The role on top reads the file that the program wrote.
    assert place.renewed() == "1 renewed"
    assert place.aws.calls == {"AssumeRole": 1, "GetAuthorizationToken": 1}
    pods = str(place.core.list_namespaced_pod(place.role.refresher))
    assert "AWS_SHARED_CREDENTIALS_FILE" in pods
    assert [value for value in keys.values() if value in pods] == []
    place.core.delete_namespaced_secret("chart", place.role.refresher)
    assert "the Secret of aws_existing_secret needs" in place.renewed()


def add_token(pod: dict[str, Any], directory: str, name: str, audience: str, env: dict[str, str]) -> None:
    """Add what both webhooks of EKS add: a projected token, and the variables that the pod does not have."""
    token = {"path": name, "audience": audience, "expirationSeconds": 86400}
    pod["volumes"].append({"name": "eks", "projected": {"sources": [{"serviceAccountToken": token}]}})
    [container] = pod["containers"]
    container["volumeMounts"].append({"name": "eks", "mountPath": directory, "readOnly": True})
    present = {entry["name"] for entry in container["env"]}
    container["env"] += [{"name": name, "value": value} for name, value in env.items() if name not in present]


REGIONS = {"AWS_STS_REGIONAL_ENDPOINTS": "regional", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}


def test_irsa(place: Place) -> None:
    """Change the pod as amazon-eks-pod-identity-webhook does by the account's annotations. Not tested in EKS."""
    place.set_up(refresher_aws_auth="irsa")
    place.aws.reset()
    place.aws.trust(provider(place, "sts.amazonaws.com"))
    annotations = place.core.read_namespaced_service_account(CRONJOB, place.role.refresher).metadata.annotations
    directory = "/var/run/secrets/eks.amazonaws.com/serviceaccount"

    def webhook(pod: dict[str, Any]) -> None:
        env = {
            "AWS_ROLE_ARN": annotations["eks.amazonaws.com/role-arn"],
            "AWS_WEB_IDENTITY_TOKEN_FILE": f"{directory}/token",
        }
        add_token(pod, directory, "token", annotations["eks.amazonaws.com/audience"], {**env, **REGIONS})

    assert "the webhook of Amazon EKS did not change the pod" in place.renewed()
    assert place.renewed(webhook) == "1 renewed"
    assert place.aws.calls == {"AssumeRoleWithWebIdentity": 1, "GetAuthorizationToken": 1}
    assert place.aws.assumed[0]["RoleArn"] == ARN


def test_pod_identity(place: Place) -> None:
    """Change the pod as the webhook of EKS Pod Identity does, with a fake of its agent. Not tested in EKS."""
    place.set_up(refresher_aws_auth="pod_identity", refresher_role_arn="")
    place.aws.reset()
    directory = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    address = "169.254.170.23"

    def webhook(pod: dict[str, Any]) -> None:
        env = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{directory}/eks-pod-identity-token",
        }
        add_token(pod, directory, "eks-pod-identity-token", "pods.eks.amazonaws.com", {**env, **REGIONS})

    assert "an association must name" in place.renewed()
    with own_address(address), place.aws.pod_identity_agent("agent", provider(place, "pods.eks.amazonaws.com")):
        assert place.renewed(webhook) == "1 renewed"
    assert place.aws.calls == {"AssumeRoleForPodIdentity": 1, "GetAuthorizationToken": 1}


def test_ambient_with_a_role_on_top(place: Place) -> None:
    place.set_up(refresher_aws_auth="ambient")
    place.aws.reset()
    assert "the node has no instance profile" in place.renewed()
    with own_address("169.254.169.254"), place.aws.instance_metadata("node"):
        assert place.renewed() == "1 renewed"
    assert place.aws.calls == {"InstanceCredentials": 1, "AssumeRole": 1, "GetAuthorizationToken": 1}
