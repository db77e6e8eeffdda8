# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's script against a real API server and a fake AWS, without a pod: same files, same rights."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kubernetes import client, config

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from unit.cases import decide as cases

FILES = Path(__file__).parents[2] / "roles/pull_secret/files"
NAME = "ecr-public-secret"
PREFIX = "ecr-public.freshpull/"
TOOLS = ("aws", "cat", "cp", "curl", "date", "jq", "mkdir", "mktemp", "mv", "rm", "sha256sum", "sort", "split", "tee")


@pytest.fixture(scope="session")
def core() -> client.CoreV1Api:
    path = os.environ.get("FRESHPULL_TEST_KUBECONFIG")
    assert path, "there is no test cluster: run `make e2e` or `python -m support.cluster run -- pytest tests/e2e`"
    return client.CoreV1Api(config.new_client_from_config(path))


@pytest.fixture(scope="session")
def running_aws() -> Iterator[FakeAws]:
    with FakeAws() as fake:
        yield fake


@pytest.fixture
def aws(running_aws: FakeAws) -> FakeAws:
    running_aws.reset()
    return running_aws


class Refresher:
    """Runs refresh.sh as the CronJob's pod would, with a real service account that has the role's rights."""

    def __init__(self, core: client.CoreV1Api, aws: FakeAws, folder: Path) -> None:
        self.core, self.aws, self.folder = core, aws, folder
        self.home = self._namespace("refresher")
        self.namespaces: list[str] = []
        self.policy: dict[str, Any] = {
            "name": NAME,
            "registries": ["public.ecr.aws"],
            "renew_before": 8 * 3600,
            "workers": 32,
            "aws_endpoint_url": aws.endpoint_url,
        }
        self.output = ""
        self.last_words = ""
        self.path = os.environ["PATH"]
        self._rights()
        self._files()

    def _namespace(self, name: str) -> str:
        made = self.core.create_namespace({"metadata": {"generateName": f"{name}-"}})
        return str(made.metadata.name)

    def _rights(self) -> None:
        rbac = client.RbacAuthorizationV1Api(self.core.api_client)
        self.core.create_namespaced_service_account(self.home, {"metadata": {"name": "refresher"}})
        rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [NAME], "verbs": ["get", "patch"]}
        rbac.create_cluster_role({"metadata": {"name": self.home}, "rules": [rule]})

    def allow(self, namespace: str) -> None:
        binding = {
            "metadata": {"name": self.home},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.home},
            "subjects": [{"kind": "ServiceAccount", "name": "refresher", "namespace": self.home}],
        }
        client.RbacAuthorizationV1Api(self.core.api_client).create_namespaced_role_binding(namespace, binding)

    def _files(self) -> None:
        for name in ("config", "api", "aws", "tmp"):
            (self.folder / name).mkdir()
        shutil.copy(FILES / "decide.jq", self.folder / "config")
        request = {"spec": {"audiences": [], "expirationSeconds": 600}}
        answer = self.core.create_namespaced_service_account_token("refresher", self.home, request)
        self.token = str(answer.status.token)
        (self.folder / "api/token").write_text(self.token)
        settings = self.core.api_client.configuration
        shutil.copy(settings.ssl_ca_cert, self.folder / "api/ca.crt")
        self.server = urlsplit(settings.host)
        self.credentials(self.aws.access_key, self.aws.secret_key)

    def credentials(self, access_key: str, secret_key: str) -> None:
        text = f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
        (self.folder / "aws/credentials").write_text(text)

    def add(self, name: str = "team", allowed: bool = True, **secret: Any) -> str:
        """A namespace with a secret in the short form of the table of cases; without one where nothing is given."""
        namespace = self._namespace(name)
        self.namespaces.append(namespace)
        if allowed:
            self.allow(namespace)
        if secret:
            body = cases.secret(**secret)
            for key in ("uid", "resourceVersion", "namespace"):
                del body["metadata"][key]
            self.core.create_namespaced_secret(namespace, body)
        return namespace

    def run(self, *, status: int = 0, **environment: str) -> dict[str, dict[str, Any]]:
        """The results by namespace."""
        (self.folder / "config/policy.json").write_text(json.dumps(self.policy))
        (self.folder / "config/namespaces").write_text("".join(f"{namespace}\n" for namespace in self.namespaces))
        done = subprocess.run(
            ["bash", str(FILES / "refresh.sh")],
            env={
                "PATH": self.path,
                "TMPDIR": str(self.folder / "tmp"),
                "KUBERNETES_SERVICE_HOST": str(self.server.hostname),
                "KUBERNETES_SERVICE_PORT": str(self.server.port),
                "FRESHPULL_CONFIG": str(self.folder / "config"),
                "FRESHPULL_API_ACCESS": str(self.folder / "api"),
                "FRESHPULL_TERMINATION_LOG": str(self.folder / "last-words"),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws/credentials"),
                "AWS_CONFIG_FILE": os.devnull,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == status, self.output
        assert not any((self.folder / "tmp").iterdir()), "scratch left behind"
        self.last_words = (self.folder / "last-words").read_text()
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if lines:
            assert "summary" in lines.pop()
        return {line["namespace"]: line for line in lines}

    def secret(self, namespace: str) -> Any:
        return self.core.read_namespaced_secret(NAME, namespace)

    def auths(self, namespace: str) -> dict[str, Any]:
        text = base64.b64decode(self.secret(namespace).data[".dockerconfigjson"])
        return dict(json.loads(text)["auths"])

    def wrap(self, tool: str, script: str) -> None:
        """Put a script in the way of a tool; it finds the real one in $REAL."""
        folder = self.folder / "wrapped"
        folder.mkdir(exist_ok=True)
        real = shutil.which(tool)
        assert real
        (folder / tool).write_text(f"#!/bin/bash\nREAL={real}\n{textwrap.dedent(script)}")
        (folder / tool).chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"

    def meanwhile(self, namespace: str, command: str) -> None:
        """Run a command between the reading and the writing."""
        kubectl = f"kubectl --kubeconfig {os.environ['FRESHPULL_TEST_KUBECONFIG']} -n {namespace}"
        self.wrap("aws", f'KUBECTL="{kubectl}"\n{{ {command}; }} >/dev/null || exit\nexec "$REAL" "$@"')


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Refresher:
    return Refresher(core, aws, tmp_path)


@pytest.fixture
def audit() -> AuditLog:
    return AuditLog(os.environ["FRESHPULL_TEST_AUDIT_LOG"])


DUE: dict[str, Any] = {"expires_at": "2020-01-01T00:00:00Z"}
EMPTY: dict[str, Any] = {"auths": {}, "registries": [], "expires_at": None, "renewed_at": None, "fingerprint": "none"}


def test_one_token_for_all_in_place_and_then_nothing_to_do(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    due = refresher.add(**DUE, labels={"theirs": "kept"}, auths={"public.ecr.aws": "old", "other.example": "theirs"},
                        registries=["public.ecr.aws"])  # fmt: skip
    empty = refresher.add(**EMPTY)
    before = refresher.secret(due)

    results = refresher.run()

    assert results[due]["action"] == results[empty]["action"] == "renewed"
    assert (results[due]["reason"], results[empty]["reason"]) == ("expired", "empty")
    assert aws.calls == {"GetAuthorizationToken": 1}
    [password] = aws.tokens
    after = refresher.secret(due)
    assert after.metadata.uid == before.metadata.uid
    assert after.metadata.labels == before.metadata.labels
    assert after.metadata.annotations[PREFIX + "renewed-by"] == "cronjob"
    assert after.metadata.annotations[PREFIX + "expires-at"] == results[due]["expires_at"] > "2026"
    assert {field.manager for field in after.metadata.managed_fields} >= {"freshpull"}
    assert refresher.auths(due)["other.example"] == entry("theirs")
    assert refresher.auths(due)["public.ecr.aws"] == entry(password)
    assert refresher.auths(empty) == {"public.ecr.aws": entry(password)}
    assert "2 renewed" in refresher.last_words

    mark = audit.mark()
    results = refresher.run()
    assert {(result["action"], result["reason"]) for result in results.values()} == {("unchanged", "fresh")}
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert audit.writes(since=mark, resource="secrets") == []


def entry(password: str) -> dict[str, str]:
    auth = base64.b64encode(f"AWS:{password}".encode()).decode()
    return {"username": "AWS", "password": password, "auth": auth}


def test_registries_follow_the_policy_without_aws(refresher: Refresher, aws: FakeAws) -> None:
    namespace = refresher.add(expires_at="2099-01-01T00:00:00Z", renewed_at="2026-01-01T00:00:00Z")
    refresher.policy["registries"] = ["ecr-public.aws.com"]
    assert refresher.run()[namespace]["action"] == "updated"
    assert refresher.auths(namespace) == {"ecr-public.aws.com": entry("old")}
    assert refresher.run()[namespace]["action"] == "unchanged"
    assert aws.calls == {}


def test_forced(refresher: Refresher, aws: FakeAws) -> None:
    namespace = refresher.add(**EMPTY)
    refresher.run()
    aws.behave(life=43260)
    assert refresher.run(FORCE_RENEW="1")[namespace]["reason"] == "forced"
    assert aws.calls == {"GetAuthorizationToken": 2}


def test_a_token_that_ends_no_later_is_not_written(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    namespace = refresher.add(**EMPTY)
    refresher.run()
    aws.behave(life=600)
    mark = audit.mark()
    result = refresher.run(FORCE_RENEW="1")[namespace]
    assert (result["action"], result["reason"]) == ("unchanged", "not_later")
    assert audit.writes(since=mark, resource="secrets") == []


def test_what_cannot_be_renewed_does_not_stop_the_others(refresher: Refresher) -> None:
    missing = refresher.add()
    foreign = refresher.add(ours=False)
    opaque = refresher.add(type="Opaque", **DUE)
    forbidden = refresher.add(allowed=False, **DUE)
    immutable = refresher.add(immutable=True, **DUE)
    malformed = refresher.add(raw='{"auths":[]}', **DUE)
    good = refresher.add(**DUE)
    before = {namespace: refresher.secret(namespace).to_dict() for namespace in (foreign, opaque, forbidden, immutable)}

    results = refresher.run(status=1)

    assert results.pop(good)["action"] == "renewed"
    assert {namespace: result["reason"] for namespace, result in results.items()} == {
        missing: "missing",
        foreign: "foreign",
        opaque: "wrong_type",
        forbidden: "forbidden",
        immutable: "immutable",
        malformed: "malformed",
    }
    assert {result["action"] for result in results.values()} == {"failed"}
    assert all("un the role" in result["msg"] for result in results.values())
    assert before == {namespace: refresher.secret(namespace).to_dict() for namespace in before}
    assert "6 failed, 1 renewed" in refresher.last_words
    assert f"{missing}: missing: " in refresher.last_words


def test_a_conflict_is_read_and_decided_again(refresher: Refresher, aws: FakeAws) -> None:
    """Somebody changes the secret between the read and the write."""
    changed, other = refresher.add(**DUE), refresher.add(**DUE)
    refresher.meanwhile(changed, f"$KUBECTL annotate secret {NAME} theirs=new")
    results = refresher.run()
    assert {results[namespace]["action"] for namespace in (changed, other)} == {"renewed"}
    assert refresher.secret(changed).metadata.annotations["theirs"] == "new"
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_a_secret_made_anew_meanwhile_is_not_taken_for_the_old_one(refresher: Refresher) -> None:
    namespace = refresher.add(**DUE)
    create = (
        f"create secret docker-registry {NAME} --docker-server=other.example --docker-username=u --docker-password=p"
    )
    refresher.meanwhile(namespace, f"$KUBECTL delete secret {NAME} && $KUBECTL {create}")
    assert refresher.run(status=1)[namespace]["reason"] == "foreign"
    assert list(refresher.auths(namespace)) == ["other.example"]


BOTH_ACTIONS = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")
AWS_FAILURES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "one action denied": ({"deny": "ecr-public:GetAuthorizationToken"}, BOTH_ACTIONS),
    "the other denied": ({"deny": "sts:GetServiceBearerToken"}, BOTH_ACTIONS),
    "partition": ({"partition": True}, ("China or GovCloud",)),
    "throttled": ({"throttle": 100}, ("throttles",)),
    "a list": ({"malformed": "list"}, ("AWS",)),
    "no expiry": ({"malformed": "no_expiry"}, ("without a usable",)),
    "not base64": ({"malformed": "not_base64"}, ("without a usable",)),
    "expired": ({"life": -60}, ("already expired",)),
}


@pytest.mark.parametrize(("behaviour", "words"), AWS_FAILURES.values(), ids=AWS_FAILURES)
def test_aws_fails(
    behaviour: dict[str, Any], words: tuple[str, ...], refresher: Refresher, aws: FakeAws, audit: AuditLog
) -> None:
    fresh = refresher.add(expires_at="2099-01-01T00:00:00Z", renewed_at="2026-01-01T00:00:00Z")
    due = refresher.add(**DUE)
    aws.behave(**behaviour)
    mark = audit.mark()
    results = refresher.run(status=1)
    assert results[fresh]["action"] == "unchanged"
    assert (results[due]["action"], results[due]["reason"]) == ("failed", "aws")
    assert all(word in results[due]["msg"] and word in refresher.last_words for word in words)
    assert audit.writes(since=mark, resource="secrets") == []


def test_aws_cannot_be_reached(refresher: Refresher) -> None:
    due = refresher.add(**DUE)
    refresher.policy["aws_endpoint_url"] = "http://127.0.0.1:9"
    assert "cannot be reached" in refresher.run(status=1)[due]["msg"]


def test_no_credentials(refresher: Refresher) -> None:
    due = refresher.add(**DUE)
    (refresher.folder / "aws/credentials").write_text("")
    assert "has no AWS credentials" in refresher.run(status=1)[due]["msg"]


def test_wrong_secret_key(refresher: Refresher, aws: FakeAws) -> None:
    due = refresher.add(**DUE)
    refresher.credentials(aws.access_key, "x" * 40)
    assert "refuses the signature" in refresher.run(status=1)[due]["msg"]
    assert "x" * 40 not in refresher.output


def test_the_api_server_cannot_be_reached(refresher: Refresher) -> None:
    namespace = refresher.add(**DUE)
    refresher.server = urlsplit("https://127.0.0.1:9")
    refresher.wrap("sleep", "exit 0")
    result = refresher.run(status=1)[namespace]
    assert result["reason"] == "unfinished"
    assert "no answer from the API server https://127.0.0.1:9" in result["msg"]


def test_another_server_s_certificate_is_not_trusted(refresher: Refresher, tmp_path: Path) -> None:
    refresher.add(**DUE)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.devnull]
    subprocess.run(["openssl", "req", "-x509", *key, "-subj", "/CN=x", "-out", tmp_path / "api/ca.crt"], check=True)
    refresher.wrap("sleep", "exit 0")
    refresher.run(status=1)
    assert refresher.aws.calls == {}


def test_no_secret_in_arguments_environment_or_output(refresher: Refresher, aws: FakeAws) -> None:
    record = refresher.folder / "record"
    for tool in TOOLS:
        refresher.wrap(tool, f'{{ printf "%s\\n" "$@"; /usr/bin/env; }} >>{record}\nexec "$REAL" "$@"')
    refresher.add(**DUE)
    refresher.add(**EMPTY)
    refresher.run()
    seen = record.read_text() + refresher.output + refresher.last_words
    [password] = aws.tokens
    texts = (password, entry(password)["auth"], entry("old")["auth"], refresher.token, aws.secret_key)
    assert "get-authorization-token" in seen
    assert not [text for text in texts if text in seen]


@pytest.mark.parametrize("tool", ["jq", "aws", "curl", "sha256sum", "split"])
def test_a_missing_tool_is_named(tool: str, refresher: Refresher, tmp_path: Path) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in (*TOOLS, "bash"):
        if name != tool:
            (folder / name).symlink_to(str(shutil.which(name)))
    refresher.path = str(folder)
    refresher.run(status=1)
    assert refresher.last_words.startswith(f"The image has no {tool}.")


def test_many(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    """One write a namespace, one AWS call a run."""
    namespaces = [refresher.add(secrets.choice(("a", "b")), **EMPTY) for _number in range(40)]
    mark = audit.mark()
    results = refresher.run()
    assert {results[namespace]["action"] for namespace in namespaces} == {"renewed"}
    assert len(audit.writes(since=mark, resource="secrets")) == len(namespaces)
    assert aws.calls == {"GetAuthorizationToken": 1}
