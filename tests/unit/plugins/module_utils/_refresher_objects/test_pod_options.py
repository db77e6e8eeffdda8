# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ecr_public_refresher for its pod and for metadata: which values are rejected, and in which words."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.aws_cli import AwsCli
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import pod_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import VARIABLES
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import Metadata, Pod

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
EXTRA = [{"name": "extra", "emptyDir": {}}]


def mounted(path: str, name: str = "extra") -> dict[str, Any]:
    return {"volumes": EXTRA, "volume_mounts": [{"name": name, "mountPath": path}]}


CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a mirror by digest": ({"image": f"registry.example.com:5000/a/b@sha256:{'0' * 64}"}, ()),
    "a tag and a digest": ({"image": f"public.ecr.aws/a/b:1.0@sha256:{'0' * 64}"}, ()),
    "Docker Hub": ({"image": "amazon/aws-cli:2.36.7"}, ()),
    "neither a tag nor a digest": ({"image": "public.ecr.aws/a/b"}, ("a tag or a digest",)),
    "half a digest": ({"image": "a/b@sha256:0123"}, ("64 hexadecimal digits",)),
    "another pull secret": ({"image_pull_secrets": ["mirror"]}, ()),
    "its own pull secret": (
        {"image_pull_secrets": ["mirror", "ecr-public-secret"]},
        ("stop the refresher's own pod from starting",),
    ),
    "pull secrets in one text": (
        {"image_pull_secrets": ["mirror other"]},
        ("image_pull_secrets: 'mirror other' cannot be the name of a secret",),
    ),
    "a priority class that cannot be": (
        {"priority_class": "High priority"},
        ("priority_class: 'High priority' cannot be the name of a priority class",),
    ),
    "exceptions of the proxy in two lines": (
        {"aws_no_proxy": "a,\nb"},
        ("aws_no_proxy: use hosts separated by commas, in one line.",),
    ),
    "a proxy": ({"aws_proxy": "http://proxy.example.com:3128", "aws_no_proxy": "a,b"}, ()),
    "a proxy by address": ({"aws_proxy": "http://[fd00::1]:3128/"}, ()),
    "a proxy with a password": (
        {"aws_proxy": "http://me:never-said@proxy.example.com"},
        ("without a user name",),
    ),
    "a proxy without a valid port": ({"aws_proxy": "http://proxy.example.com:port"}, ("aws_proxy: use an address",)),
    "a proxy with a broken address": ({"aws_proxy": "http://[fd00::1"}, ("aws_proxy: use an address",)),
    "a proxy without a scheme": ({"aws_proxy": "proxy.example.com"}, ("such as http://",)),
    "authorities": ({"ca_bundle": CERTIFICATE}, ()),
    "a file's name": ({"ca_bundle": "/etc/ca.pem"}, ("not the name of a file",)),
    "a private key": (
        {"ca_bundle": CERTIFICATE + "-----BEGIN PRIVATE KEY-----\nnever-said\n"},
        ("no private key",),
    ),
    "a node label that is a number": ({"node_selector": {"tier": 1}}, ("node_selector: the value of 'tier'",)),
    # --- The user
    "a user of the platform": ({"run_as_user": ""}, ()),
    "another user": ({"run_as_user": 1001}, ()),
    "root": ({"run_as_user": 0}, ("run_as_user: '0'", "OpenShift")),
    "a user by name": ({"run_as_user": "nobody"}, ("run_as_user: 'nobody'", "from 1 to 2147483647")),
    "a user that no kernel has": ({"run_as_user": 2**31}, ("run_as_user",)),
    "a negative user": ({"run_as_user": -1}, ("run_as_user",)),
    "a user in other digits": ({"run_as_user": "\u0661"}, ("run_as_user",)),
    # --- Variables
    "variables": ({"env": [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {"configMapKeyRef": {}}}]}, ()),
    "a variable without a name": ({"env": [{"value": "b"}]}, ("env: each entry needs a name",)),
    "a variable twice": ({"env": [{"name": "A", "value": "b"}] * 2}, ("env: A is given twice",)),
    "a variable that is a number": ({"env": [{"name": "A", "value": 1}]}, ("env: the value of A must be a string",)),
    "a variable of the refresher": ({"env": [{"name": "AWS_PROFILE", "value": "a"}]}, ("env: AWS_PROFILE is set",)),
    "a variable in lower case": ({"env": [{"name": "https_proxy", "value": "a"}]}, ("env: https_proxy is set",)),
    "a variable of Python": ({"env": [{"name": "PYTHONPATH", "value": "/a"}]}, ("env: PYTHONPATH is set",)),
    "a variable of the loader": ({"env": [{"name": "LD_PRELOAD", "value": "/a"}]}, ("env: LD_PRELOAD is set",)),
    "a secret key": (
        {"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "never-said"}]},
        ("env: AWS_SECRET_ACCESS_KEY would put a credential", "existing_secret"),
    ),
    "a secret key by reference": (
        {"env": [{"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": {"secretKeyRef": {}}}]},
        ("env: AWS_SECRET_ACCESS_KEY would put a credential",),
    ),
    "an access key elsewhere": (
        {"env": [{"name": "KEY", "value": "x AKIANEVERSAIDNEVERSA"}]},
        ("env: KEY would put a credential",),
    ),
    # --- Volumes
    "a volume and a mount": (mounted("/extra"), ()),
    "a volume without a name": ({"volumes": [{"emptyDir": {}}]}, ("volumes: each entry needs a name",)),
    "a volume of the refresher": ({"volumes": [{"name": "scratch"}]}, ("volumes: 'scratch' is a volume of",)),
    "a mount of a volume of the refresher": (mounted("/a", "aws"), ("volume_mounts: 'aws' is not one of the volumes",)),
    "a mount at a path of the refresher": (mounted("/scratch"), ("/scratch hides or changes /scratch",)),
    "a mount above a path": (mounted("/etc"), ("/etc hides or changes /etc/freshpull,",)),
    "a mount at the root": (mounted("/"), ("hides or changes /opt/freshpull",)),
    "a mount below a path": (mounted("/opt/freshpull/a"), ("hides or changes /opt/freshpull",)),
    "a mount by another spelling": (mounted("//opt/x/../freshpull/"), ("hides or changes /opt/freshpull",)),
    "a mount by a link": (mounted("/run/secrets"), ("hides or changes /var/run/secrets/freshpull",)),
    "a mount beside a path": (mounted("/opt/freshpull-extra"), ()),
    "a mount with a relative path": (mounted("extra"), ("must be an absolute path",)),
    # --- Metadata
    "labels": ({"object_labels": {"a": "b"}, "pod_labels": {"a": ""}}, ()),
    "our prefix": ({"object_annotations": {"ecr-public.freshpull/x": "y"}}, ("object_annotations: 'ecr-public",)),
    "the name of the app": ({"pod_labels": {"app.kubernetes.io/name": "x"}}, ("pod_labels: 'app.kubernetes.io/name'",)),
    "the manager": ({"object_labels": {"app.kubernetes.io/managed-by": "x"}}, ("object_labels: 'app.kubernetes.io",)),
    "a label that is a number": (
        {"pod_annotations": {"a": 1}},
        ("pod_annotations: the value of 'a' must",),
    ),
    "allowed metadata": ({"allowed_metadata": ["policies.kyverno.io/*", "istio.io/rev"]}, ()),
    "allowed, all": ({"allowed_metadata": ["*"]}, ("allowed_metadata: '*' matches ecr-public.freshpull/managed",)),
    "allowed, an IAM role": (
        {"allowed_metadata": ["eks.amazonaws.com/*"]},
        ("matches eks.amazonaws.com/role-arn, which the refresher must not change",),
    ),
    "allowed, no glob": ({"allowed_metadata": ["a'b"]}, ("neither the key of a label or an annotation",)),
}


def read(given: dict[str, Any]) -> tuple[Pod, Metadata]:
    spec = {**pod_options.SPEC, "name": {"type": "str", "default": "ecr-public-secret"}}
    result = ArgumentSpecValidator(spec).validate(copy.deepcopy(given))
    assert result.error_messages == []
    return pod_options.read_pod(result.validated_parameters), pod_options.read_metadata(result.validated_parameters)


@pytest.mark.parametrize("case", CASES)
def test_case(case: str) -> None:
    given, rejected = CASES[case]
    if not rejected:
        read(given)
        return
    with pytest.raises(OptionError) as caught:
        read(given)
    assert [words for words in rejected if words not in str(caught.value)] == [], caught.value
    assert "never-said" not in str(caught.value).lower()
    assert "neversaid" not in str(caught.value).lower()


def test_the_platform_assigns_the_user_if_the_option_is_empty() -> None:
    assert [read({"run_as_user": given})[0].run_as_user for given in ("", "1001", 65532)] == [None, 1001, 65532]


def test_no_option_may_set_what_the_aws_cli_gets() -> None:
    """The program would replace these variables."""
    assert set(AwsCli("", "", "", "")._environment()) <= VARIABLES
