# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replayed pulls whose credentials are tried on a registry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kubernetes import client

from e2e.test_info import by_namespace, has_accounts
from support import leaks
from support.logins import REPOSITORY, TAG, Site
from support.playbook import Ansible, Run
from support.workloads import wait_for

NAME = "tried-on-the-registry"


def tried(entry: dict[str, Any]) -> tuple[str, list[str | None], list[str]]:
    """Return the outcome of the only pull, what the registry states, and the codes of the findings."""
    (pull,) = entry["pull"]
    return pull["outcome"], [one["registry"] for one in pull["chain"]], [one["code"] for one in pull["findings"]]


def test_the_registry_s_word_and_the_recorded_expiry(
    ansible: Ansible, core: client.CoreV1Api, site: Site, make_namespaces: Callable[..., list[str]]
) -> None:
    valid, revoked, empty = names = make_namespaces("valid", "revoked", "empty")
    for name in names:
        wait_for(partial(has_accounts, core, name), f"the account of {name}")
    common: dict[str, Any] = {"name": NAME, "registries": [site.registry], "service_accounts": ["default"]}
    for name in (valid, revoked):
        ansible.pull_secret(namespaces=[name], aws=site.options, **common)
    ansible.pull_secret(namespaces=[empty], placeholder=True, **common)
    site.aws.expire(site.aws.tokens[1])

    def info(*args: str, tag: str = TAG, verify: bool = True) -> Run:
        return ansible.pull_secret_info(
            "-vvv",
            "--diff",
            *args,
            env={"SSL_CERT_FILE": str(site.authority)},
            namespaces=names,
            service_account="default",
            image=f"{site.registry}/{REPOSITORY}:{tag}",
            verify_pull=verify,
            **common,
        ).ok()

    def found(run: Run) -> dict[str, tuple[str, list[str | None], list[str]]]:
        return {name: tried(entry) for name, entry in by_namespace(run.results["result"]).items()}

    runs = [info("--check"), info(verify=False)]
    for run in runs:
        assert found(run) == {
            valid: ("authenticated", [None], []),
            revoked: ("authenticated", [None], []),
            empty: ("anonymous", [None], ["no_entries"]),
        }
    assert site.aws.registry_requests == []

    runs.append(info())
    assert found(runs[-1]) == {
        valid: ("authenticated", ["accepted"], []),
        revoked: ("rejected_likely", ["rejected"], ["rejected"]),
        empty: ("anonymous", [None], ["no_entries"]),
    }
    assert "from where the module runs" in runs[-1].results["result"]["assumption"]
    assert "has expired. Reauthenticate" in runs[-1].stdout
    assert sorted(request["status"] for request in site.aws.registry_requests) == [200] * 4 + [401] * 3 + [403]

    site.aws.behave(registry_limits_anonymous=True)
    runs.append(info(tag="gone"))
    assert found(runs[-1]) == {
        valid: ("authenticated", ["no_such_image"], ["no_such_image"]),
        revoked: ("rejected_likely", ["rejected"], ["rejected"]),
        empty: ("anonymous", [None], ["anonymous_throttled", "no_entries"]),
    }

    site.aws.behave(registry_status=503)
    runs.append(info())
    assert found(runs[-1])[valid] == ("authenticated", ["unverified"], ["unverified"])

    needles = {form for token in site.aws.tokens for form in leaks.forms(token)}
    for run in runs:
        assert leaks.find(run.output, needles) == []
