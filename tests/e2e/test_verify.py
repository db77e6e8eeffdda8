# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new token is tried on its registry before it is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.aws.tls import server_context
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.refresher import life
from unit.cases import decide as cases

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeAws, Path]]:
    """A fake AWS whose registry has TLS, and the file with its certificate authority."""
    address = os.environ["FRESHPULL_TEST_ADDRESS"]
    context, authority = server_context(tmp_path_factory.mktemp("tls"), address)
    with FakeAws(host=address, registry_tls=context) as fake:
        yield fake, authority


@pytest.fixture
def site(running_site: tuple[FakeAws, Path]) -> FakeAws:
    running_site[0].reset()
    return running_site[0]


@pytest.fixture
def options(running_site: tuple[FakeAws, Path], site: FakeAws) -> dict[str, Any]:
    """The options of the module for the fake's registry."""
    aws = {"endpoint_url": site.endpoint_url, "access_key": site.access_key, "secret_key": site.secret_key}
    return {
        "aws": {**aws, "aws_ca_bundle": str(running_site[1])},
        "registries": [urlsplit(site.registry_url).netloc],
        "verify": True,
    }


def test_a_valid_token_is_tried_once_and_only_if_one_is_needed(
    ansible: Ansible, site: FakeAws, options: dict[str, Any], make_namespaces: Make
) -> None:
    names = make_namespaces("a", "b")
    ansible.pull_secret("--check", namespaces=names, **options)
    assert (site.registry_requests, site.calls) == ([], {})
    made = ansible.pull_secret(namespaces=names, **options).results["result"]
    assert made["summary"] == {"created": 2}
    assert [request["status"] for request in site.registry_requests] == [401, 200, 200]
    ansible.pull_secret(namespaces=names, **options)
    ansible.pull_secret(namespaces=names, token=site.issue(), **options)
    assert len(site.registry_requests) == 3
    assert site.calls == {"GetAuthorizationToken": 1}


@pytest.mark.core
def test_a_rejected_token_is_withheld(
    ansible: Ansible,
    core: client.CoreV1Api,
    site: FakeAws,
    options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    """A rejected token of AWS counts as no token. With a rejected token of the user the module does not fail open."""
    valid, expiring = names = make_namespaces("valid", "expiring")
    for name, left in ((valid, 5), (expiring, 0.5)):
        body = cases.secret(namespace=name, auths={options["registries"][0]: "old"}, **life(left))
        for key in ("uid", "resourceVersion"):
            del body["metadata"][key]
        core.create_namespaced_secret(name, body)
    site.behave(registry_refuses=True)

    start = audit.mark()
    given = ansible.pull_secret("-vvv", namespaces=names, token=site.issue(), **options)
    result = given.results["result"]
    assert result["failed"]
    assert not result["changed"]
    assert result["msg"].startswith("Nothing was written. The new token was withheld. ")
    assert "(HTTP 403)" in result["msg"]
    assert audit.writes(start, user=ADMIN, resource="secrets") == []

    fetched = ansible.pull_secret("-vvv", namespaces=names, **options)
    result = fetched.results["result"]
    assert result["failed"]
    found = {entry["namespace"]: (entry["action"], entry["reason"]) for entry in result["namespaces"]}
    assert found == {valid: ("failed", "kept"), expiring: ("failed_open", "due")}
    assert result["msg"].startswith("The new token was withheld. ")
    written = [event["objectRef"]["namespace"] for event in audit.writes(start, user=ADMIN, resource="secrets")]
    assert written == [expiring]

    needles = {form for password in site.tokens for form in leaks.forms(password)}
    assert len(site.tokens) == 2
    for run in (given, fetched):
        assert leaks.find(run.output, needles) == []


def test_no_response_is_a_warning(
    ansible: Ansible, site: FakeAws, options: dict[str, Any], make_namespaces: Make
) -> None:
    names = make_namespaces("a")
    site.behave(registry_status=503)
    run = ansible.pull_secret("-vvv", namespaces=names, **options)
    assert run.results["result"]["summary"] == {"created": 1}
    assert "could not be verified and was written without verification" in run.results["result"]["warnings"][0]
    assert "returned HTTP 503" in run.output
    assert leaks.find(run.output, {form for password in site.tokens for form in leaks.forms(password)}) == []


def test_only_the_certificate_authority_of_aws_is_trusted(
    ansible: Ansible, site: FakeAws, options: dict[str, Any], make_namespaces: Make
) -> None:
    """The module's own validate_certs is for the cluster."""
    names = make_namespaces("a")
    aws = {name: value for name, value in options["aws"].items() if name != "aws_ca_bundle"}
    run = ansible.pull_secret(namespaces=names, **{**options, "aws": aws})
    assert "CERTIFICATE_VERIFY_FAILED" in run.results["result"]["warnings"][0]
    assert site.registry_requests == []
    env = {"AWS_CA_BUNDLE": options["aws"]["aws_ca_bundle"]}
    run = ansible.pull_secret(namespaces=names, force_renew=True, env=env, **{**options, "aws": aws})
    assert len(site.registry_requests) == 3
