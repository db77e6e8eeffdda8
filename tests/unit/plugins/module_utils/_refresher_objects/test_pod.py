# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The effect of each setting on the refresher's pod, CronJob, service account and files."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import DEADLINE_STATUS
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import (
    DIRECTORIES,
    VARIABLES,
    VOLUMES,
    pod_template,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import requirements
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AwsAccess,
    Metadata,
    Places,
    Pod,
    Schedule,
    Settings,
)
from support.refresher_settings import ARN, IMAGE, RESOURCES, WITH_CERTIFICATE, WITH_KEYS, objects, settings

Object = dict[str, Any]

PLACED = Pod(
    image="mirror.example.com/aws-cli:1",
    image_pull_policy="Always",
    image_pull_secrets=("mirror",),
    resources={"limits": {"memory": "1Gi"}},
    node_selector={"disk": "ssd"},
    tolerations=({"key": "dedicated", "operator": "Exists"},),
    affinity={"nodeAffinity": {}},
    priority_class="system-cluster-critical",
    run_as_user=1001,
    env=({"name": "AWS_USE_DUALSTACK_ENDPOINT", "value": "true"},),
    volumes=({"name": "extra", "emptyDir": {}},),
    volume_mounts=({"name": "extra", "mountPath": "/extra"},),
)
WITH_ROLE = AwsAccess(
    "secret",
    access_key=WITH_KEYS.access_key,
    secret_key=WITH_KEYS.secret_key,
    role_arn=ARN,
    external_id="partner",
)
CASES: dict[str, Settings] = {
    "secret": settings(),
    "bare": settings(pod=Pod(image=IMAGE, run_as_user=None)),
    "existing_secret": settings(aws=AwsAccess("existing_secret", existing_secret="theirs")),
    "irsa": settings(aws=AwsAccess("irsa", role_arn=ARN)),
    "pod_identity": settings(aws=AwsAccess("pod_identity")),
    "web_identity": settings(aws=AwsAccess("web_identity", role_arn=ARN, audience="my-audience")),
    "ambient": settings(aws=AwsAccess("ambient")),
    "secret and role": settings(aws=WITH_ROLE),
    "roles anywhere": settings(aws=WITH_CERTIFICATE),
    "ambient and role": settings(aws=AwsAccess("ambient", role_arn=ARN)),
    "pod identity and role": settings(aws=AwsAccess("pod_identity", role_arn=ARN)),
    "placed": settings(pod=PLACED),
    "timed": settings(schedule=Schedule("@hourly", "Europe/Berlin", active_deadline=300, history=1, suspend=True)),
    "behind a proxy": settings(
        pod=Pod(
            image=IMAGE,
            resources=RESOURCES,
            proxy="http://proxy:3128",
            no_proxy="a.example,.b.example",
            ca_bundle="PEM\n",
        )
    ),
}


def pod(case: str) -> Object:
    spec: Object = manifests.cron_job(CASES[case])["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def environment(case: str) -> dict[str, str]:
    [container] = pod(case)["containers"]
    found = {entry["name"]: entry["value"] for entry in container["env"]}
    assert len(found) == len(container["env"])
    assert {found.pop("HOME"), found.pop("TMPDIR")} == {"/scratch"}
    return found


def files(case: str) -> dict[str, str]:
    """Return the files of the ConfigMaps that only some settings need."""
    _code, *others = manifests.config_maps(CASES[case])
    data = {name: content for each in others for name, content in each["data"].items()}
    return {name: content for name, content in data.items() if name not in {"policy.json", "namespaces"}}


def volume(case: str) -> Object | None:
    """Return the volume for the access to AWS, which must be mounted."""
    spec = pod(case)
    found = [volume for volume in spec["volumes"] if volume["name"] == "aws"]
    mounts = [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "aws"]
    assert mounts == ["/var/run/secrets/freshpull-aws"] * len(found)
    return found[0] if found else None


# --- Access to AWS

KEYS = {"AWS_SHARED_CREDENTIALS_FILE": "/var/run/secrets/freshpull-aws/credentials"}
SESSION = {"AWS_ROLE_SESSION_NAME": "freshpull-ecr-public"}
PROFILE = {"AWS_CONFIG_FILE": "/etc/freshpull/aws-config", "AWS_PROFILE": "assumed"}
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "secret": KEYS,
    "existing_secret": KEYS,
    "irsa": SESSION,
    "pod_identity": {},
    "web_identity": {
        **SESSION,
        "AWS_ROLE_ARN": ARN,
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/freshpull-aws/token",
    },
    "ambient": {"AWS_EC2_METADATA_DISABLED": "false"},
    "roles anywhere": {
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9911/",
    },
    "secret and role": {**KEYS, **PROFILE},
    "ambient and role": {"AWS_EC2_METADATA_DISABLED": "false", **PROFILE},
    "pod identity and role": PROFILE,
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_environment(case: str) -> None:
    assert environment(case) == ENVIRONMENTS[case]


@pytest.mark.parametrize(("case", "name"), [("secret", "refresh-ecr-public-token-aws"), ("existing_secret", "theirs")])
def test_keys_come_from_a_secret(case: str, name: str) -> None:
    found = volume(case)
    assert found
    assert found["secret"]["secretName"] == name


def test_an_existing_secret_may_have_either_layout() -> None:
    found = volume("existing_secret")
    assert found
    keys = ["credentials", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
    assert found["secret"]["items"] == [{"key": key, "path": key} for key in keys]
    # Otherwise the kubelet would start no pod until it has all of them.
    assert found["secret"]["optional"] is True


@pytest.mark.parametrize("case", ["irsa", "pod_identity", "ambient", "roles anywhere"])
def test_nothing_is_mounted_where_the_platform_gives_access(case: str) -> None:
    assert volume(case) is None


def test_the_web_identity_is_a_short_token_for_its_audience() -> None:
    found = volume("web_identity")
    assert found
    token = {"path": "token", "audience": "my-audience", "expirationSeconds": 600}
    assert found["projected"]["sources"] == [{"serviceAccountToken": token}]


def test_only_irsa_annotates_the_service_account() -> None:
    accounts = {case: manifests.service_account(wanted)["metadata"]["annotations"] for case, wanted in CASES.items()}
    wanted = {"eks.amazonaws.com/role-arn": ARN, "eks.amazonaws.com/audience": "sts.amazonaws.com"}
    assert {case: annotations for case, annotations in accounts.items() if annotations} == {"irsa": wanted}


CONFIGS = {
    "secret and role": ["external_id = partner", "source_profile = default"],
    "ambient and role": ["credential_source = Ec2InstanceMetadata"],
    "pod identity and role": ["credential_source = EcsContainer"],
}


def test_the_cli_assumes_a_role_by_its_configuration() -> None:
    with_config = {case: files(case)["aws-config"] for case in CASES if "aws-config" in files(case)}
    assert set(with_config) == set(CONFIGS)
    for case, lines in CONFIGS.items():
        common = ["[profile assumed]", f"role_arn = {ARN}", "role_session_name = freshpull-ecr-public"]
        assert with_config[case].splitlines() == common + lines


def test_no_object_but_the_secret_holds_the_keys() -> None:
    wanted = CASES["secret and role"]
    assert manifests.aws_secret(wanted)
    others = [manifests.service_account(wanted), *manifests.config_maps(wanted), manifests.cron_job(wanted)]
    assert WITH_KEYS.access_key not in str(others)
    assert WITH_KEYS.secret_key not in str(others)


# --- The rest


def test_placement_and_image() -> None:
    spec = pod("placed")
    assert spec["nodeSelector"] == PLACED.node_selector
    assert spec["tolerations"] == list(PLACED.tolerations)
    assert spec["priorityClassName"] == PLACED.priority_class
    assert spec["imagePullSecrets"] == [{"name": "mirror"}]
    [container] = spec["containers"]
    assert (container["image"], container["imagePullPolicy"]) == (PLACED.image, "Always")
    assert container["resources"] == PLACED.resources


def test_schedule_and_deadlines() -> None:
    spec = manifests.cron_job(CASES["timed"])["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("@hourly", "Europe/Berlin", True)
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 1)
    job = spec["jobTemplate"]["spec"]
    policy = json.loads(manifests.config_maps(CASES["timed"])[1]["data"]["policy.json"])
    # The program ends first, then its pod, then the Job, which deletes the pod and its termination message.
    assert (policy["deadline"], pod("timed")["activeDeadlineSeconds"], job["activeDeadlineSeconds"]) == (210, 240, 300)
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule == {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [DEADLINE_STATUS]}}
    assert manifests.cron_job(CASES["secret"])["spec"]["suspend"] is False


def test_unset_options_add_no_fields() -> None:
    fields = {"imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"}
    assert fields & set(pod("bare")) == set()
    assert {"runAsUser", "runAsGroup", "fsGroup"} & set(pod("bare")["securityContext"]) == set()
    assert files("bare") == {}


def test_the_user_and_the_groups_are_one_number() -> None:
    context = pod("placed")["securityContext"]
    assert [context[field] for field in ("runAsUser", "runAsGroup", "fsGroup")] == [1001] * 3
    assert pod("secret")["securityContext"]["runAsUser"] == 65532


def test_variables_and_volumes_are_added() -> None:
    [container] = pod("placed")["containers"]
    assert container["env"][-1:] == list(PLACED.env)
    assert pod("placed")["volumes"][-1:] == list(PLACED.volumes)
    assert container["volumeMounts"][-1:] == list(PLACED.volume_mounts)
    assert pod("placed")["affinity"] == PLACED.affinity


def test_the_names_and_paths_that_no_option_may_use_are_all_that_a_pod_has() -> None:
    names, variables, directories = set(), set(), set()
    for case in set(CASES) - {"placed"}:
        spec = pod(case)
        [container] = spec["containers"]
        names |= {volume["name"] for volume in spec["volumes"]}
        variables |= {entry["name"] for entry in container["env"]}
        mounted = [mount for each in (container, *spec.get("initContainers", [])) for mount in each["volumeMounts"]]
        directories |= {mount["mountPath"] for mount in mounted}
    assert (names, directories) == (set(VOLUMES), set(DIRECTORIES))
    assert variables <= VARIABLES


# --- Metadata


def pod_metadata(**metadata: Any) -> tuple[set[str], dict[str, str]]:
    """Return the labels that users set or replace, as key=value, and the annotations."""
    found = pod_template(settings(metadata=Metadata(**metadata)))["metadata"]
    own = settings().labels
    return {f"{k}={v}" for k, v in found["labels"].items() if own.get(k) != v}, found["annotations"]


def test_sidecars_are_kept_out_unless_the_user_wants_them() -> None:
    assert pod_metadata() == ({"sidecar.istio.io/inject=false"}, {"linkerd.io/inject": "disabled"})
    given = pod_metadata(
        pod_labels={"sidecar.istio.io/inject": "true"}, pod_annotations={"linkerd.io/inject": "enabled"}
    )
    assert given == ({"sidecar.istio.io/inject=true"}, {"linkerd.io/inject": "enabled"})
    assert pod_metadata(pod_labels={"sidecar.istio.io/inject": ""}, pod_annotations={"linkerd.io/inject": ""}) == (
        set(),
        {},
    )


def test_a_pod_has_the_metadata_of_all_objects_and_its_own() -> None:
    labels, annotations = pod_metadata(
        labels={"team": "a", "empty": ""},
        annotations={"note": "b"},
        pod_labels={"team": "c"},
        pod_annotations={"x": "y"},
    )
    assert labels == {"sidecar.istio.io/inject=false", "team=c", "empty="}
    assert annotations == {"linkerd.io/inject": "disabled", "note": "b", "x": "y"}


def test_every_object_has_the_metadata() -> None:
    wanted = settings(
        metadata=Metadata({"team": "a"}, {"note": "b"}),
        places=Places(selector="a=b", requirements=requirements("a=b")),
        renewal=dataclasses.replace(settings().renewal, service_accounts=("default",)),
    )
    listed = settings(metadata=wanted.metadata)
    found = [*objects(wanted), *objects(listed)]
    assert len({body["kind"] for body in found}) == 10
    for body in found:
        assert body["metadata"]["labels"].items() >= {"team": "a", **settings().labels}.items()
        assert body["metadata"]["annotations"]["note"] == "b"
    job = manifests.cron_job(wanted)["spec"]["jobTemplate"]["metadata"]
    assert (job["labels"]["team"], job["annotations"]) == ("a", {"note": "b"})
    irsa = settings(
        aws=AwsAccess("irsa", role_arn=ARN), metadata=Metadata(annotations={"eks.amazonaws.com/role-arn": "other"})
    )
    assert manifests.service_account(irsa)["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == ARN


# --- Other fields


def test_proxy_and_authorities() -> None:
    found = environment("behind a proxy")
    assert found["HTTPS_PROXY"] == "http://proxy:3128"
    assert found["NO_PROXY"].startswith("a.example,.b.example,")
    # Requests to the agent or metadata service on the node return credentials, and never go through a proxy.
    assert {"169.254.169.254", "169.254.170.23"} <= set(found["NO_PROXY"].split(","))
    assert found["AWS_CA_BUNDLE"] == "/etc/freshpull-ca/ca.crt"
    assert files("behind a proxy") == {"ca.crt": "PEM\n"}


def test_the_pod_is_restricted() -> None:
    """It meets Pod Security "restricted", and more."""
    job = manifests.cron_job(CASES["secret"])["spec"]
    assert job["concurrencyPolicy"] == "Replace"
    assert job["startingDeadlineSeconds"] > 10
    spec = pod("secret")
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]
    assert not [entry for entry in container["env"] if "valueFrom" in entry]
    [scratch] = [volume["emptyDir"] for volume in spec["volumes"] if volume["name"] == "scratch"]
    assert scratch["medium"] == "Memory"
