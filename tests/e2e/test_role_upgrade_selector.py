# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role from listed namespaces to a selector and back: its objects, its secrets and the needed permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support import leaks, permissions_guide
from support.aws import FakeAws
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.role import Role, changed
from support.stored import Stored, quiet_schedule
from support.workloads import CONFIG, CRONJOB, wait_for

pytestmark = pytest.mark.role
# Its own name: the refresher also changes secrets of this name in the namespaces of other tests.
NAME = "wandering-secret"
RENAMED = "wandered-secret"

JOB = f"cronjobs refresher/{CRONJOB}"
SETTINGS = f"configmaps refresher/{CONFIG}"
PERMISSIONS = f"clusterroles {CRONJOB}:refresher"
READER = {f"clusterroles {CRONJOB}-namespaces:refresher", f"clusterrolebindings {CRONJOB}-namespaces:refresher"}
POLICY = f"validatingadmissionpolicies {CRONJOB}.refresher"
WIDE = {
    f"clusterrolebindings {CRONJOB}:refresher",
    POLICY,
    f"validatingadmissionpolicybindings {CRONJOB}.refresher",
}


@pytest.fixture
def bulk(kubeconfig: str) -> BulkClient:
    return BulkClient(kubeconfig)


@pytest.fixture
def role(ansible: Ansible, aws: FakeAws, make_namespaces: Callable[..., list[str]]) -> Iterator[Role]:
    """Namespaces a and b, which the selector of `selected` matches, and c, which it does not match."""
    names = [*make_namespaces("a", "b", labels={"wanders": "yes"}), *make_namespaces("c")]
    prefix = names[0].removesuffix("a")
    with Role(ansible, aws, names, refresher=f"{prefix}refresher") as role:
        role.variables["pull_secret_name"] = NAME
        role.variables["pull_secret_test_run"] = "never"
        role.variables["pull_secret_refresher_schedule"] = quiet_schedule()
        yield role


@pytest.fixture
def stored(role: Role, bulk: BulkClient, audit: AuditLog) -> Stored:
    return Stored(bulk, audit, prefix(role))


def prefix(role: Role) -> str:
    return role.refresher.removesuffix("refresher")


def selected(role: Role) -> dict[str, Any]:
    test = prefix(role).removesuffix("-")
    return {"namespaces": [], "namespace_selector": f"wanders=yes,test={test}"}


def secrets(*places: str, name: str = NAME) -> set[str]:
    return {f"secrets {place}/{name}" for place in places}


def bound(*places: str) -> set[str]:
    return {f"rolebindings {place}/{CRONJOB}:refresher" for place in places}


def is_limited(event: dict[str, Any]) -> bool:
    """Whether an account of the test with few permissions sent the request."""
    return "limited-" in str(event["user"]["username"])


def hold(core: client.CoreV1Api, namespace: str) -> set[str]:
    """Start a run of the CronJob that does not end. Return its name."""
    batch = client.BatchV1Api(core.api_client)
    template = core.api_client.sanitize_for_serialization(batch.read_namespaced_cron_job(CRONJOB, namespace))
    job = template["spec"]["jobTemplate"]
    job["spec"]["template"]["spec"]["containers"][0]["command"] = ["sleep", "600"]
    batch.create_namespaced_job(namespace, {**job, "metadata": {**job["metadata"], "name": "held"}})
    wait_for(lambda: batch.read_namespaced_job("held", namespace).status.active, "a run of the CronJob")
    return {"jobs refresher/held"}


def test_to_a_selector_and_back(role: Role, stored: Stored, core: client.CoreV1Api, aws: FakeAws) -> None:
    first, second, other = role.namespaces
    listed: dict[str, Any] = {"namespaces": [first, other]}
    role.run(**listed).ok()
    installed = stored.left()
    assert {PERMISSIONS, *secrets("a", "c"), *bound("a", "c")} <= installed

    with stored.written() as written:
        role.run(**selected(role)).ok()
    assert written == {PERMISSIONS, SETTINGS, *READER, *WIDE, *bound("a", "c"), *secrets("b", "c")}
    assert stored.left() & {*secrets("a", "b", "c"), *bound("a", "c")} == secrets("a", "b")
    assert aws.calls == {"GetAuthorizationToken": 2}

    # It is not suspended if a secret cannot be removed: adopted, and then made immutable.
    stuck = {"metadata": {"annotations": {"ecr-public.freshpull/created": None}}, "immutable": True}
    core.patch_namespaced_secret(NAME, second, stuck)
    with stored.written() as written:
        assert "The refresher is not suspended" in role.run(refresher_suspend=True, **selected(role)).output
    assert written == {JOB, *secrets("a")}
    assert stored.objects()[JOB]["spec"]["suspend"] is False

    # Suspended: an active run, which would write them again, is stopped, and the policy still restricts the refresher.
    core.delete_namespaced_secret(NAME, second)
    held = hold(core, role.refresher)
    with stored.written() as written:
        role.run(refresher_suspend=True, **selected(role)).ok()
    assert written == {JOB, *held}
    assert stored.left() & {PERMISSIONS, *WIDE, *secrets("a", "b")} == {PERMISSIONS, *WIDE}

    with stored.written() as written:
        role.run(**listed).ok()
    assert written == {PERMISSIONS, SETTINGS, JOB, *READER, *WIDE, *bound("a", "c"), *secrets("a", "c")}
    assert stored.left() == installed


def test_the_guide_s_permissions_for_a_selector_are_enough(
    role: Role,
    stored: Stored,
    bulk: BulkClient,
    ansible: Ansible,
    core: client.CoreV1Api,
    audit: AuditLog,
    make_namespaces: Callable[..., list[str]],
) -> None:
    """They are enough to use a selector, to change the name, and to go back to listed namespaces."""
    shown = permissions_guide.roles()
    installer, policies = (shown[f"ecr-public-pull-secret-{which}"] for which in ("installer", "policies"))
    limited = bulk.account(ansible.directory, "default", everywhere=installer)
    both = bulk.account(ansible.directory, "default", everywhere=[*installer, *policies])

    role.variables["pull_secret_cluster"] = {"kubeconfig": limited}
    output = role.run(**selected(role)).output.replace("\\", "")
    assert 'cannot patch resource "validatingadmissionpolicies"' in output
    assert not WIDE & stored.left()

    role.variables["pull_secret_cluster"] = {"kubeconfig": both}
    mark = audit.mark()
    assert changed(role.run(**selected(role)).ok()) > 0
    assert {*WIDE, *secrets("a", "b")} <= stored.left()

    # Created as the refresher does, in a namespace that the role has not read.
    (later,) = make_namespaces("later", labels={"wanders": "yes"})
    made = core.api_client.sanitize_for_serialization(core.read_namespaced_secret(NAME, role.namespaces[0]))
    made["metadata"] = {key: made["metadata"][key] for key in ("name", "labels", "annotations")}
    made["metadata"]["annotations"]["ecr-public.freshpull/namespace"] = later
    core.create_namespaced_secret(later, made)
    places = ("a", "b", "later")
    (user,) = {event["user"]["username"] for event in audit.writes(since=mark) if is_limited(event)}
    with stored.written(user) as written:
        role.run(name=RENAMED, **selected(role)).ok()
    assert written == {PERMISSIONS, SETTINGS, POLICY, *secrets(*places), *secrets(*places, name=RENAMED)}

    role.run(name=RENAMED, namespaces=role.namespaces[:1]).ok()
    assert not WIDE & stored.left()
    denied = [event for event in audit.requests(since=mark) if event["responseStatus"]["code"] == 403]
    # By these dry runs the role detects that the policy is in force.
    unexpected = [event for event in denied if is_limited(event) and "dryRun" not in event["requestURI"]]
    assert [event["requestURI"] for event in unexpected] == []


@pytest.mark.parametrize("way", ["listed", "selected"])
def test_check_mode_before_the_first_installation(
    role: Role,
    stored: Stored,
    bulk: BulkClient,
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    audit: AuditLog,
    way: str,
) -> None:
    """In an existing namespace, where each object can be tried, and with only the guide's permissions."""
    core.create_namespace({"metadata": {"name": role.refresher}})
    shown = permissions_guide.roles()
    rules = [rule for which in ("installer", "policies") for rule in shown[f"ecr-public-pull-secret-{which}"]]
    if way == "listed":
        rules = shown["ecr-public-pull-secret-installer"]
    limited = bulk.account(ansible.directory, "default", everywhere=rules)
    role.variables["pull_secret_cluster"] = {"kubeconfig": limited}
    mark = audit.mark()
    run = role.run("--check", "--diff", "-vvv", **(selected(role) if way == "selected" else {})).ok()
    assert changed(run) > 0
    assert [event for event in audit.writes(since=mark) if is_limited(event)] == []
    assert (stored.left(), aws.calls) == (set(), {})
    # The diff shows new objects, but not the refresher's AWS keys.
    assert "_refresher.main.py" in run.stdout
    assert leaks.find(run.output, leaks.forms(aws.secret_key)) == []
