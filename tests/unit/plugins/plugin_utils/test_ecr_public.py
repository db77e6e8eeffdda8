# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS options in code and documentation, and TLS."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible.plugins.loader import lookup_loader
from ansible_collections.amazon.aws.plugins.doc_fragments.assume_role import ModuleDocFragment as AmazonRole
from ansible_collections.amazon.aws.plugins.doc_fragments.common import ModuleDocFragment as AmazonFragment
from ansible_collections.amazon.aws.plugins.doc_fragments.region import ModuleDocFragment as AmazonRegion

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _sdk_errors
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._aws_options import ENVIRONMENT, AwsOptions
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._ecr_public import fetch_token
from support.aws import FakeAws
from support.aws.tls import server_context


@pytest.fixture
def documented() -> dict[str, Any]:
    return dict(lookup_loader.get("freshpull.ecr_public.ecr_public_token").option_definitions)


# Deprecated aliases of amazon.aws 8 that later versions have removed.
REMOVED = {
    "ec2_access_key",
    "ec2_secret_key",
    "security_token",
    "aws_security_token",
    "access_token",
    "boto_profile",
    "endpoint",
    "ec2_region",
}


def environment_of(definition: dict[str, Any]) -> list[str]:
    """Return the environment variables of an option, without deprecated ones."""
    return [entry["name"] for entry in definition.get("env", []) if "deprecated" not in entry]


def test_every_option_is_used_and_documented(documented: dict[str, Any]) -> None:
    used = {field.name for field in dataclasses.fields(AwsOptions)} - {"given"}
    assert set(documented) == used | {"region"}


def test_defaults_agree(documented: dict[str, Any]) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(AwsOptions) if field.name != "given"}
    assert {name: documented[name].get("default") for name in defaults} == defaults


def test_variables_in_messages_are_the_documented_ones(documented: dict[str, Any]) -> None:
    assert {name: tuple(environment_of(documented[name])) for name in ENVIRONMENT} == ENVIRONMENT


def test_names_are_those_of_amazon_aws(documented: dict[str, Any]) -> None:
    amazon = yaml.safe_load(AmazonFragment.PLUGINS)["options"]
    for name, definition in amazon.items():
        assert set(definition["aliases"]) - REMOVED == set(documented[name]["aliases"])
        assert set(environment_of(definition)) <= set(environment_of(documented[name]))
        assert definition["type"] == documented[name]["type"]
    # The region is ignored, so its variables are not read.
    for fragment, name in ((AmazonRole, "assume_role_arn"), (AmazonRegion, "region")):
        (definition,) = yaml.safe_load(fragment.PLUGINS)["options"].values()
        assert set(definition["aliases"]) - REMOVED == set(documented[name]["aliases"])
        assert definition.get("type", "str") == documented[name]["type"]
    for_modules = yaml.safe_load(AmazonFragment.MODULES)["options"]
    for name in ("validate_certs", "aws_ca_bundle", "aws_config"):
        assert for_modules[name]["type"] == documented[name]["type"]


def test_repr_shows_no_secret() -> None:
    options = AwsOptions(access_key="AKIAEXAMPLE", secret_key="hush", session_token="hush")
    assert "hush" not in repr(options)


# --- TLS ---


@dataclasses.dataclass(frozen=True)
class Certified:
    """A fake AWS with TLS, and the file with its certificate authority."""

    fake: FakeAws
    authority: Path

    def options(self, **changes: Any) -> AwsOptions:
        return AwsOptions(
            access_key=self.fake.access_key,
            secret_key=self.fake.secret_key,
            endpoint_url=self.fake.endpoint_url,
            **{"aws_config": {"retries": {"total_max_attempts": 1}}, **changes},
        )


@pytest.fixture(scope="module")
def running_certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    context, authority = server_context(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    with FakeAws(tls=context) as fake:
        yield Certified(fake, authority)


@pytest.fixture
def certified(running_certified: Certified, clean_environment: None) -> Certified:
    running_certified.fake.reset()
    return running_certified


def test_the_option_names_the_authority(certified: Certified) -> None:
    fetch_token(certified.options(aws_ca_bundle=str(certified.authority)))
    assert certified.fake.calls == {"GetAuthorizationToken": 1}


def test_the_profile_names_the_authority(certified: Certified) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\nca_bundle = {certified.authority}\n")
    fetch_token(certified.options())


def test_the_environment_names_the_authority(certified: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certified.authority))
    plugin = lookup_loader.get("freshpull.ecr_public.ecr_public_token")
    fake = certified.fake
    plugin.run([], {}, endpoint_url=fake.endpoint_url, access_key=fake.access_key, secret_key=fake.secret_key)
    assert plugin.get_option("aws_ca_bundle") == str(certified.authority)


def test_verification_can_be_disabled(certified: Certified) -> None:
    with pytest.warns(Warning, match="Unverified HTTPS request"):
        fetch_token(certified.options(validate_certs=False))


@pytest.mark.parametrize("service", ["ecr-public", "sts"])
def test_the_dual_stack_addresses_are_those_of_the_guide(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore reads the variable, also for this collection; old versions have another name before the first dot."""
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    client = boto3.session.Session().client(
        service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    host = f"{service}.us-east-1.api.aws"
    assert client.meta.endpoint_url.endswith(host)
    assert f"https://{host}" in _sdk_errors.addresses(os.environ)
    guide = Path(__file__).parents[4] / "docs/docsite/rst/guide_aws_access.rst"
    assert f"``{host}``" in guide.read_text(encoding="utf-8")
