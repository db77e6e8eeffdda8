# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM Roles Anywhere in real pods, with AWS's own credential helper and the real AWS CLI.

The fake AWS verifies the signature and the chain of each CreateSession. The pods call AWS by its real names, through a
proxy with TLS. A Secret is what cert-manager would write.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from kubernetes import client

from support import leaks
from support.aws import FakeAws, TrustAnchor
from support.aws.fake import API_HOSTS
from support.cluster.credential_helper import credential_helper_image, extract_credential_helper
from support.cluster.pki import Authority, Identity
from support.playbook import PULL_SECRET, Ansible, Run
from support.refresher import life
from support.refresher_settings import ARN, PROFILE, TRUST_ANCHOR
from support.role import Role
from support.workloads import FinishedJob, Workloads

pytestmark = pytest.mark.node
NAME, CERTIFICATE = "ecr-public-secret", "ecr-public-certificate"
ECR_PUBLIC, _STS, ROLES_ANYWHERE = API_HOSTS
NO_SESSION = "Roles Anywhere returned no session"


@dataclasses.dataclass
class Place:
    """What all tests of this file share: a fake AWS with TLS and a trust anchor, and an installed role."""

    aws: FakeAws
    role: Role
    core: client.CoreV1Api
    workloads: Workloads
    authority: Authority
    of_aws: Authority
    directory: Path
    kubeconfig: str
    identity: Identity

    def reset(self, **changes: Any) -> None:
        """Become a healthy AWS that trusts the authority, and put a valid certificate into the Secret."""
        self.aws.reset()
        self.aws.trust_certificates(TrustAnchor(TRUST_ANCHOR, PROFILE, ARN, self.authority.certificate))
        self.aws.behave(**changes)
        self.issue(self.authority.issue("ecr-public-pull"))

    def issue(self, identity: Identity) -> None:
        """Replace the content of the Secret, as cert-manager does when it renews a certificate."""
        self.identity = identity
        data = {"tls.crt": identity.certificate.decode(), "tls.key": identity.key.decode()}
        self.core.patch_namespaced_secret(CERTIFICATE, self.role.refresher, {"stringData": data})

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.identity.certificate).serial_number

    def refresh(
        self, change: Callable[[dict[str, Any]], None] = lambda _pod: None, *, force: bool = True
    ) -> FinishedJob:
        return self.workloads.refresh(self.role.refresher, change, force=force)

    def sidecar_log(self, job: FinishedJob) -> str:
        found: str = self.core.read_namespaced_pod_log(job.pod, self.role.refresher, container="roles-anywhere")
        return found

    def config(self) -> str:
        [namespace] = self.role.namespaces
        secret = self.core.read_namespaced_secret(NAME, namespace)
        return base64.b64decode(secret.data[".dockerconfigjson"]).decode()


def tls_secret(identity: Identity) -> dict[str, Any]:
    data = {"tls.crt": identity.certificate.decode(), "tls.key": identity.key.decode()}
    return {"metadata": {"name": CERTIFICATE}, "type": "kubernetes.io/tls", "stringData": data}


@pytest.fixture(scope="module")
def place(
    core: client.CoreV1Api,
    kubeconfig: str,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    containerd = ["ctr", f"--address={os.environ['FRESHPULL_TEST_CONTAINERD']}", "--namespace=k8s.io"]
    archive = str(credential_helper_image())
    subprocess.run([*containerd, "images", "import", archive], check=True, capture_output=True)

    directory = tmp_path_factory.mktemp("roles-anywhere")
    of_aws, of_the_cluster = Authority(), Authority()
    names = [host.removesuffix(":443") for host in API_HOSTS]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*of_aws.issue("aws", addresses=names).write(directory, "aws"))
    [namespace] = make_lasting_namespaces("a")
    with FakeAws(host=os.environ["FRESHPULL_TEST_ADDRESS"], tls=tls) as aws:
        refresher = namespace.removesuffix("a") + "refresher"
        with Role(Ansible(directory, kubeconfig), aws, [namespace], refresher=refresher) as role:
            role.variables |= {
                "pull_secret_refresher_aws_endpoint_url": "",
                "pull_secret_refresher_proxy": aws.proxy_url,
                "pull_secret_refresher_ca_bundle": of_aws.certificate.decode(),
                "pull_secret_refresher_aws_auth": "roles_anywhere",
                "pull_secret_refresher_role_arn": ARN,
                "pull_secret_refresher_trust_anchor_arn": TRUST_ANCHOR,
                "pull_secret_refresher_profile_arn": PROFILE,
                "pull_secret_refresher_certificate_secret": CERTIFICATE,
            }
            identity = of_the_cluster.issue("ecr-public-pull")
            labels = {"pod-security.kubernetes.io/enforce": "restricted"}
            core.create_namespace({"metadata": {"name": refresher, "labels": labels}})
            workloads = Workloads(kubeconfig)
            yield Place(aws, role, core, workloads, of_the_cluster, of_aws, directory, kubeconfig, identity)


def run(place: Place, **variables: Any) -> Run:
    """Run the role from a control node without access to AWS."""
    return place.role.run("-vvv", "--diff", aws_on_control_node=False, first_token="refresher", **variables)


def test_from_a_certificate_to_a_renewed_secret(place: Place, kubeconfig: str) -> None:
    """The role waits for the certificate. Then one session serves the run, and no key is where it does not belong."""
    missing = run(place)
    assert missing.returncode
    assert f"has no Secret {CERTIFICATE} with the keys tls.crt and tls.key" in missing.output
    place.core.create_namespaced_secret(place.role.refresher, tls_secret(place.identity))
    place.reset()

    with leaks.watched_processes() as seen:
        installed = run(place).ok()
    assert place.aws.calls == {"CreateSession": 1, "GetAuthorizationToken": 1}
    assert place.aws.assumed == [{"RoleArn": ARN, "serial": place.serial}]
    assert set(place.aws.proxied) == {ECR_PUBLIC, ROLES_ANYWHERE}
    [password] = place.aws.tokens
    assert password in place.config()
    no_secret_is_left_behind(place, kubeconfig, installed, "\n".join(seen))


def no_secret_is_left_behind(place: Place, kubeconfig: str, installed: Run, processes: str) -> None:
    """Search for the certificate's key, the keys of the session and the token."""
    line = place.identity.key.decode().splitlines()[2]
    keys = {form for text in (line, *(each[-40:] for each in place.aws.session_secrets)) for form in leaks.forms(text)}
    tokens = {form for password in place.aws.tokens for form in leaks.forms(password)}
    assert len(place.aws.session_secrets) == 2
    assert "aws_signing_helper" in processes
    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT=" in processes
    audit = Path(os.environ["FRESHPULL_TEST_AUDIT_LOG"]).read_text()
    for text in (processes, installed.output, audit):
        assert leaks.find(text, keys | tokens) == []
    assert leaks.find_in_files(place.directory, keys | tokens) == []
    [pod] = place.core.list_namespaced_pod(place.role.refresher).items
    for container in ("refresh", "roles-anywhere"):
        log = place.core.read_namespaced_pod_log(pod.metadata.name, place.role.refresher, container=container)
        assert log
        assert leaks.find(log, keys | tokens) == []
    holders = {}
    for item in leaks.cluster_objects(kubeconfig):
        if item["kind"] == "Secret":
            data = json.dumps(item.pop("data", None))
            held = [name for name, needles in (("key", keys), ("token", tokens)) if leaks.find(data, needles)]
            if held:
                holders[item["metadata"]["namespace"], item["metadata"]["name"]] = held
        assert leaks.find(json.dumps(item), keys | tokens) == [], item["metadata"]
    assert holders == {
        (place.role.refresher, CERTIFICATE): ["key"],
        (place.role.namespaces[0], NAME): ["token"],
    }


def test_only_the_sidecar_has_the_key(place: Place) -> None:
    """The program's container cannot read it, and reaches no session but that of the sidecar."""
    place.reset()

    def search(pod: dict[str, Any]) -> None:
        command = "grep -rl 'PRIVATE KEY' /var/run /etc/freshpull* /scratch /opt/freshpull 2>/dev/null; echo searched"
        pod["containers"][0]["command"] = ["sh", "-c", command]

    assert place.refresh(search).log == "searched\n"


def test_a_renewed_certificate_is_used_by_the_next_run(place: Place) -> None:
    """Also one of another kind: an RSA key in the format PKCS #8."""
    place.reset()
    first = place.serial
    assert place.refresh().message.strip() == "1 renewed"
    key = rsa.generate_private_key(65537, 2048)
    renewed = place.authority.issue("ecr-public-pull", key=key)
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.issue(Identity(renewed.certificate, pkcs8))
    assert place.refresh().message.strip() == "1 renewed"
    assert [each["serial"] for each in place.aws.assumed] == [first, place.serial]
    assert place.serial != first
    assert place.aws.tokens[-1] in place.config()


def expired(place: Place) -> Identity:
    return place.authority.issue("ecr-public-pull", lifetime=timedelta(minutes=-1))


def of_another_authority(_place: Place) -> Identity:
    return Authority().issue("ecr-public-pull")


@pytest.mark.parametrize(
    ("identity", "response"),
    [(expired, "A certificate has expired"), (of_another_authority, "Untrusted signing certificate")],
)
def test_a_certificate_that_aws_does_not_accept(
    place: Place, identity: Callable[[Place], Identity], response: str
) -> None:
    """The program names the cause, and the sidecar's log has the response of AWS."""
    place.reset()
    place.issue(identity(place))
    before = place.config()
    ended = place.refresh()
    assert not ended.succeeded
    assert NO_SESSION in ended.message
    assert f"kubectl logs {ended.pod} -c roles-anywhere" in ended.message
    assert response in place.sidecar_log(ended)
    assert set(place.aws.calls) == {"CreateSession"}
    # The token in the secret is still valid.
    assert place.config() == before


def test_the_test_run_shows_the_log_of_the_sidecar(place: Place) -> None:
    place.reset()
    place.issue(expired(place))
    failed = run(place, test_run="always")
    assert failed.returncode
    message = failed.output
    assert NO_SESSION in message
    assert "The end of the log of its container roles-anywhere:" in message
    assert "A certificate has expired" in message


def test_roles_anywhere_that_does_not_respond(place: Place) -> None:
    """Without a session the sidecar does not listen. The program waits for it, but not too long."""
    place.reset(hang=True)
    ended = place.refresh()
    place.aws.behave(hang=False)
    assert "The sidecar roles-anywhere does not listen on 127.0.0.1:9911 after 30 s" in ended.message
    assert "rolesanywhere.REGION.amazonaws.com" in ended.message


def test_aws_is_away_and_comes_back(place: Place) -> None:
    """An expiring token is removed while there is no session, and restored later."""
    [namespace] = place.role.namespaces
    place.reset(drop=1000)
    annotations = {f"ecr-public.freshpull/{key.replace('_', '-')}": time for key, time in life(0.5).items()}
    place.core.patch_namespaced_secret(NAME, namespace, {"metadata": {"annotations": annotations}})
    ended = place.refresh(force=False)
    assert NO_SESSION in ended.message
    assert ended.outcomes == {namespace: ("failed_open", "due")}
    assert json.loads(place.config())["auths"] == {}
    place.aws.behave(drop=0)
    assert place.refresh(force=False).outcomes == {namespace: ("renewed", "restored")}
    assert place.aws.tokens[-1] in place.config()


def test_a_key_that_the_sidecar_cannot_use(place: Place) -> None:
    """The sidecar ends, again and again. The program states where to look, and its log has the reason."""
    place.reset()
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.issue(Identity(place.identity.certificate, key))
    ended = place.refresh()
    assert not ended.succeeded
    assert f"If the sidecar has ended, read the sidecar's log: kubectl logs {ended.pod}" in ended.message
    assert "unable to parse private key" in place.sidecar_log(ended)
    assert place.aws.calls == {}


def test_the_control_node_uses_the_same_helper(place: Place) -> None:
    """By the setting credential_process of a profile, as the guide shows it."""
    place.reset()
    files = place.directory / "control-node"
    files.mkdir()
    helper = extract_credential_helper(files)
    certificate, key = place.identity.write(files, "ecr-public")
    command = (
        f"{helper} credential-process --certificate {certificate} --private-key {key} --with-proxy "
        f"--trust-anchor-arn {TRUST_ANCHOR} --profile-arn {PROFILE} --role-arn {ARN}"
    )
    (files / "config").write_text(f"[profile ecr-public]\ncredential_process = {command}\n")
    task = {
        PULL_SECRET: {
            "kubeconfig": place.kubeconfig,
            "namespaces": place.role.namespaces,
            "owner": place.role.refresher,
            "force_renew": True,
            "aws": {"profile": "ecr-public"},
        }
    }
    authorities = str(files / "ca.crt")
    (files / "ca.crt").write_bytes(place.of_aws.certificate)
    env = {
        "AWS_CONFIG_FILE": str(files / "config"),
        "AWS_CA_BUNDLE": authorities,
        "SSL_CERT_FILE": authorities,
        "HTTPS_PROXY": place.aws.proxy_url,
        "NO_PROXY": "127.0.0.1",
    }
    Ansible(files, place.kubeconfig).tasks([task], env=env).ok()
    assert place.aws.calls == {"CreateSession": 1, "GetAuthorizationToken": 1}
    assert place.aws.tokens[-1] in place.config()
