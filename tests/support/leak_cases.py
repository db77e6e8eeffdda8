# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks with secrets in right and wrong shapes, which succeed or fail, to search what they leave behind."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support import leaks
from support.aws import FakeAws
from support.playbook import LOGIN, PULL_SECRET, PULL_SECRET_INFO

REFRESHER = "freshpull.ecr_public.ecr_public_refresher"
LOOKUP = "freshpull.ecr_public.ecr_public_token"
ROLE = "arn:aws:iam::210987654321:role/ecr-public-pull"
ANY = " "
"""The text of a message that can be any."""
SHOWN = "shown-everywhere"
"""A label that must be found in each place that is searched."""


@dataclass
class Site:
    """What the tasks need, and the secrets that nothing may show.

    directory: for files with secrets, such as a kubeconfig. admin: the kubeconfig of the cluster.
    """

    directory: Path
    admin: dict[str, Any]
    aws: FakeAws
    bearer_token: str
    namespace: str
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str, before: str = "") -> str:
        """Return a new secret, which begins with these characters."""
        value = f"{before}{name.title().replace(' ', '')}{secrets.token_hex(12)}"
        self.secrets[name] = value
        return value

    def proxy(self, name: str, character: str, scheme: str = "http") -> str:
        """Return the address of a proxy that does not respond, with this character in its password."""
        return f"{scheme}://builder:{self.secret(name, f'Win{character}ter')}@127.0.0.1:9"

    @property
    def server(self) -> str:
        return str(self.admin["clusters"][0]["cluster"]["server"])

    def needles(self) -> set[str]:
        """Return all texts that show a secret."""
        user = self.admin["users"][0]["user"]
        key, certificate = user["client-key-data"], user["client-certificate-data"]
        # Without the first and the last line, which are those of every key, and short ones.
        lines = [line for line in base64.b64decode(key).decode().splitlines()[1:-1] if len(line) > leaks.PIECE]
        known = (*self.secrets.values(), self.bearer_token, key, *lines, self.aws.secret_key)
        needles = {form for secret in known for form in leaks.forms(secret, "builder")}
        # A private key contains the public key, and so does the certificate, which is no secret.
        needles = {form for form in needles if form not in certificate}
        return needles | {form for token in self.aws.tokens for form in leaks.forms(token)}

    def kubeconfig(self, **user: Any) -> dict[str, Any]:
        """Return a kubeconfig with all kinds of secrets, whose current user is this one."""
        near, far = self.admin["clusters"][0]["cluster"], {"server": "https://cluster.invalid"}
        command = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "aws",
            "args": ["--password", self.secret("argument")],
            "env": [{"name": "AWS_PROFILE", "value": "default"}, {"name": "KEY", "value": self.secret("variable")}],
        }
        provider = {"name": "oidc", "config": {"id-token": self.secret("identity token")}}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "default",
            "token": self.secret("misplaced token"),
            "clusters": [
                {"name": "default", "cluster": {**near}},
                {"name": "far", "cluster": far},
                {"name": "proxied", "cluster": {**far, "proxy-url": self.proxy("proxy-url", "?", "socks5")}},
            ],
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": "default", "namespace": "default"}}
                for name in ("default", "far", "proxied")
            ],
            "users": [
                {"name": "default", "user": user},
                {"name": "a", "user": {"token": self.secret("other token"), "password": self.secret("password")}},
                {"name": "b", "user": {"exec": command}},
                {"name": "c", "user": {"auth-provider": provider}},
                {"name": "d", "user": {"Token": self.secret("misspelt token")}},
            ],
        }


@dataclass(frozen=True)
class Case:
    """A task. text: a part of the message with which it fails, or "" if it succeeds."""

    module: str
    options: dict[str, Any]
    text: str = ""


def cases(site: Site) -> tuple[dict[str, Case], dict[str, Any]]:
    """Return the tasks by their names, and the variables that they use. Only the variables contain secrets."""
    token = site.aws.issue()
    files = {
        "broken": f"users:\n- name: a\n  token: '{site.secret('token in broken YAML')}\n",
        "misplaced": yaml.safe_dump({**site.admin, "users": {"token": site.secret("token in a file")}}),
    }
    for name, content in files.items():
        (site.directory / name).write_text(content)
    variables = {
        "by_key": site.kubeconfig(**site.admin["users"][0]["user"]),
        "by_token": site.kubeconfig(token=site.bearer_token),
        "secret_key": site.aws.secret_key,
        "token": token,
        "as_returned": {"authorizationData": {"authorizationToken": token["authorization_token"], "expiresAt": 1}},
        "line_break": f"{site.secret('token with a line break')}\n",
        "proxies": {"https": site.proxy("proxy of the SDK", "/", "socks5")},
        "proxy": site.proxy("proxy of the module", "?"),
        "aws_proxy": site.proxy("proxy of the refresher", "@"),
        "refresher_key": site.secret("refresher key"),
    }
    keys = {"access_key": site.aws.access_key, "secret_key": "{{ secret_key }}"}
    near = {**keys, "endpoint_url": site.aws.endpoint_url}
    once = {"retries": {"total_max_attempts": 1}}
    far = {**keys, "endpoint_url": "https://api.invalid", "aws_config": once}
    here = {"kubeconfig": "{{ by_key }}", "namespaces": [site.namespace]}
    login = {"path": str(site.directory / "config.json")}
    other = {**login, "registries": ["other.example"]}
    refresher = {
        **here,
        "namespace": f"{site.namespace}-refresher",
        "aws_auth": "secret",
        "aws_access_key": site.aws.access_key,
        "aws_secret_key": "{{ refresher_key }}",
    }
    return {
        # A kubeconfig as a dict
        "key": Case(PULL_SECRET, {**here, "aws": near, "labels": {"control": SHOWN}}),
        "bearer token": Case(
            PULL_SECRET_INFO,
            {"kubeconfig": "{{ by_token }}", "namespaces": [site.namespace, "default"], "labels": {"control": SHOWN}},
        ),
        "refresher": Case(REFRESHER, refresher),
        "line break": Case(
            PULL_SECRET_INFO, {"host": site.server, "api_key": "{{ line_break }}", "validate_certs": False}, ANY
        ),
        # A token
        "token of a login": Case(LOGIN, {**login, "token": "{{ token }}"}),
        "password only": Case(PULL_SECRET, {**here, "token": "{{ token.password }}"}, "Use the whole value"),
        "as AWS returns it": Case(LOGIN, {**login, "token": "{{ as_returned }}"}, "Use the whole value"),
        "options of another module": Case(
            REFRESHER, {**refresher, "token": "{{ token }}", "aws": near, "aws_proxy": "{{ aws_proxy }}"}, "Unsupported"
        ),
        # A kubeconfig in a file
        "misplaced": Case(PULL_SECRET, {**here, "kubeconfig": str(site.directory / "misplaced")}, "No cluster"),
        "broken": Case(REFRESHER, {**refresher, "kubeconfig": str(site.directory / "broken")}, "is not YAML"),
        # Credentials for AWS
        "cut off in a lookup": _lookup({**keys, "assume_role_arn": ROLE}, "cannot be parsed"),
        "cut off for a profile": Case(LOGIN, {**other, "aws": {"profile": "role"}}, "cannot be parsed"),
        "keys of a profile": Case(LOGIN, {**other, "aws": {"profile": "keys"}}, "********"),
        "wrong type": Case(LOGIN, {**other, "aws": {"secret_key": [keys]}}, "have the wrong type"),
        # A login of another tool
        "unmanaged": Case(PULL_SECRET, {**here, "name": "unmanaged", "adopt": True, "token": "{{ token }}"}),
        # The password of a proxy
        "proxy of a lookup": _lookup(far, "proxy"),
        "proxy of the SDK": Case(
            LOGIN, {**other, "aws": {**far, "aws_config": {**once, "proxies": "{{ proxies }}"}}}, "proxy"
        ),
        "proxy of the registry": Case(
            LOGIN, {**login, "registries": ["registry.invalid"], "token": "{{ token }}", "verify": True}
        ),
        "proxy of the module": Case(PULL_SECRET_INFO, {**here, "context": "far", "proxy": "{{ proxy }}"}, "proxy"),
        "proxy of the cluster": Case(PULL_SECRET, {**here, "context": "far"}, "proxy"),
    }, variables


def _lookup(options: dict[str, Any], text: str) -> Case:
    given = ", ".join(
        f"{name}={'secret_key' if name == 'secret_key' else repr(value)}" for name, value in options.items()
    )
    return Case("ansible.builtin.debug", {"msg": f"{{{{ lookup('{LOOKUP}', {given}).expires_at }}}}"}, text)


def playbook(tasks: dict[str, Case]) -> str:
    """Return a play that runs the tasks and prints their results."""
    fact = {"control": SHOWN, "cacheable": True}
    steps: list[dict[str, Any]] = [{"name": "Cache a fact", "ansible.builtin.set_fact": fact}]
    for number, (name, case) in enumerate(tasks.items()):
        step = {"name": name, case.module: case.options, "register": f"result{number}", "ignore_errors": True}
        if case.module == REFRESHER:
            # It writes nothing into the cluster.
            step["check_mode"] = True
        steps.append(step)
    results = ", ".join(f"result{number}" for number in range(len(tasks)))
    steps.append({"name": "Print the results", "ansible.builtin.debug": {"msg": f"{{{{ [{results}] }}}}"}})
    return yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": steps}], sort_keys=False)


def profiles(site: Site) -> tuple[str, str, str]:
    """Return AWS profiles, the response of an STS that is cut off, and that of an API which quotes the keys."""
    key, session = site.secret("key of a profile"), site.secret("session of a profile")
    config = (
        f"[profile keys]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = {key}\n"
        f"aws_session_token = {session}\n[profile role]\nrole_arn = {ROLE}\nsource_profile = keys\n"
    )
    assumed = (
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>"
        f"<SecretAccessKey>{site.secret('assumed key')}</SecretAccessKey><SessionToken>{site.secret('assumed session')}"
    )
    error = {"__type": "OddException", "message": f"These are not valid: {key} and {session}"}
    return config, assumed, json.dumps(error)
