# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failures of aws_failures.yml on both sides: the lookup with boto3, and the refresher with the AWS CLI."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from botocore.credentials import ContainerProvider

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import aws_cli
from support.aws import FakeAws
from support.aws.broken import Broken
from support.aws.tls import server_context

Side = Callable[["Failure"], errors.EcrPublicError]
SECRET = "never-shown"
_USER = "arn:aws:iam::123456789012:user/freshpull"
_SESSION = "arn:aws:sts::123456789012:assumed-role/first/session"
_PULL = "arn:aws:iam::210987654321:role/pull"
_FIRST = "arn:aws:iam::123456789012:role/first"
_DEFAULT = "[default]\naws_access_key_id = <key>\naws_secret_access_key = <secret>\n"
_CHAIN = "[profile {}]\nrole_arn = {}\nsource_profile = {}\n"
_TEXTS = {
    "chain": _CHAIN.format("first", _FIRST, "default") + _CHAIN.format("assumed", _PULL, "first"),
    "role": _CHAIN.format("assumed", _PULL, "default"),
    "default": _DEFAULT,
    "denied": f"User: {_USER} is not authorized to perform: {errors.ACTIONS[0]} on resource: *",
    "denied role": f"User: {_USER} is not authorized to perform:",
    "not the principal": "not the policies of the principal",
    "managed policy": errors.MANAGED_POLICY,
    "private policy": errors.PRIVATE_POLICY,
    "policy": errors.POLICY_TEXT,
    "user": _USER,
    "session": _SESSION,
    "first": _FIRST,
    "pull": _PULL,
    "closed": "http://127.0.0.1:9",
}


@dataclasses.dataclass(frozen=True)
class Failure:
    """A row, see aws_failures.yml."""

    cause: str
    error: str
    says: Sequence[str] = ()
    lookup: Sequence[str] | None = ()
    refresher: Sequence[str] | None = ()
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    config: str = ""
    credentials: str = _DEFAULT
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    behaviour: dict[str, Any] = dataclasses.field(default_factory=dict)
    endpoint: str = "<ecr>"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    auth: str = "secret"
    printed: str | bool = ""
    requests: int | None = None

    @property
    def kind(self) -> type[errors.EcrPublicError]:
        return dict(vars(errors))[self.error]

    @property
    def fails_open(self) -> str:
        return "yes" if issubclass(self.kind, errors.AwsError) else "no"

    @property
    def written(self) -> str:
        """What the AWS CLI prints, or "" if it is started."""
        if self.printed is True:
            ((action, (code, message)),) = self.behaviour["reject"].items()
            return f"An error occurred ({code}) when calling the {action.split()[0]} operation: {message}"
        return str(self.printed or "")


def load() -> list[Failure]:
    rows = yaml.safe_load(Path(__file__).with_name("aws_failures.yml").read_text(encoding="utf-8"))["failures"]
    return [Failure(**row) for row in rows]


def _exists(row: Failure) -> bool:
    """Whether this version of boto3 can fail in this way. The oldest supported one does not read this variable."""
    variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    return variable not in row.environment or hasattr(ContainerProvider, "ENV_VAR_AUTH_TOKEN_FILE")


FAILURES = load()
LOOKUP = [pytest.param(row, id=row.cause) for row in FAILURES if row.lookup is not None and _exists(row)]
REFRESHER = [pytest.param(row, id=row.cause) for row in FAILURES if row.refresher is not None]


class Place:
    """The servers, and a directory for the files of one failure."""

    def __init__(self, fake: FakeAws, broken: Broken, tls: Broken) -> None:
        self.fake = fake
        self.broken = broken
        self._tls = tls
        self._directory = Path()

    @property
    def _texts(self) -> dict[str, str]:
        return {
            **_TEXTS,
            "ecr": self.fake.endpoint_url,
            "sts": self.fake.sts_url,
            "key": self.fake.access_key,
            "secret": self.fake.secret_key,
            "broken": self.broken.url,
            "address": self.broken.url.partition("://")[2],
            "tls": self._tls.url,
            "directory": str(self._directory),
        }

    def fill(self, value: Any) -> Any:
        """Return a value with its <names> replaced. The first texts contain names of the others."""
        if isinstance(value, dict):
            return {self.fill(key): self.fill(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.fill(each) for each in value]
        if isinstance(value, str):
            for name, text in self._texts.items():
                value = value.replace(f"<{name}>", text)
        return value

    def unfilled(self, message: str) -> str:
        """Return a message with <names> instead of addresses and paths, for reading."""
        for name in ("ecr", "sts", "broken", "address", "tls", "directory"):
            message = message.replace(self._texts[name], f"<{name}>")
        return message

    def prepare(self, row: Failure, patch: pytest.MonkeyPatch, directory: Path) -> Failure:
        """Prepare a failure in an environment without AWS settings. Return it with its <names> replaced."""
        self._directory = directory
        filled = Failure(**{field.name: self.fill(getattr(row, field.name)) for field in dataclasses.fields(row)})
        # One attempt, since a failure that is retried takes seconds.
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        patch.setattr(aws_cli, "ATTEMPTS", 1)
        patch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        for name, value in filled.environment.items():
            patch.setenv(name, value)
        files = {
            "aws-config": filled.config,
            "aws-credentials": filled.credentials,
            "token": "header.payload.signature",
        }
        for name, text in {**files, **filled.files}.items():
            (directory / name).write_text(text, encoding="utf-8")
        self.fake.reset()
        self.fake.behave(**filled.behaviour)
        self.broken.requests.clear()
        return filled

    def check(self, row: Failure, error: errors.EcrPublicError, more: Sequence[str]) -> None:
        """Check class and message of an error. row: as prepared."""
        message = str(error)
        assert error.__class__ is row.kind, message
        assert [text for text in (*row.says, *self.fill(more)) if text not in message] == [], message
        assert row.requests in (None, len(self.broken.requests)), self.broken.requests
        # No message contains a part of a secret.
        secrets = (SECRET, self.fake.secret_key, *self.fake.tokens)
        assert [secret for secret in secrets if secret[:5] in message] == [], message
        assert "\n" not in message
        assert len(message) < 1500


@contextlib.contextmanager
def servers(fake: FakeAws) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as directory:
        context, _authority = server_context(Path(directory), "127.0.0.1")
        with Broken() as broken, Broken(context) as tls:
            yield Place(fake, broken, tls)


@pytest.fixture(scope="session")
def running_place(running_fake: FakeAws) -> Iterator[Place]:
    with servers(running_fake) as running:
        yield running


@pytest.fixture
def place(running_place: Place, fake: FakeAws) -> Place:
    """The servers, in an environment without AWS settings."""
    return running_place


def run_lookup(row: Failure) -> errors.EcrPublicError:
    """Return the cause of the lookup's error, which has the same text."""
    endpoint = {"endpoint_url": row.endpoint} if row.endpoint else {}
    plugin = lookup_loader.get("freshpull.ecr_public.ecr_public_token")
    with pytest.raises(AnsibleLookupError) as caught:
        plugin.run([], {}, **{**endpoint, **row.options})
    cause = caught.value.__cause__
    assert isinstance(cause, errors.EcrPublicError)
    assert str(caught.value).count(str(cause)) == 1
    return cause


def run_refresher(row: Failure) -> errors.EcrPublicError:
    home = tempfile.mkdtemp(dir=os.environ["HOME"])
    program = cli()
    if row.written:
        program = f"{home}/aws"
        Path(home, "printed").write_text(f"\naws: [ERROR]: {row.written}\n", encoding="utf-8")
        Path(program).write_text(f"#!/bin/sh\ncat {home}/printed >&2\nexit 254\n", encoding="utf-8")
        Path(program).chmod(0o755)
    with pytest.raises(errors.AwsError) as caught:
        aws_cli.AwsCli(row.auth, row.endpoint, os.environ.get("AWS_ROLE_ARN", ""), home, 60, program).token()
    return caught.value


def cli() -> str:
    """Return the path of the AWS CLI."""
    found = shutil.which("aws", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found, "the AWS CLI is missing: run `make unit`, which installs it"
    return found
