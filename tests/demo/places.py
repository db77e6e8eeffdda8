# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of the demo: a test cluster and a fake AWS, or the user's own cluster and AWS account."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.aws import FakeAws
from support.cluster.node_support import reason_for_no_node

from .showing import DemoError, run

ENDPOINT = "AWS_ENDPOINT_URL_ECR_PUBLIC"
IMAGE = "public.ecr.aws/docker/library/busybox"


@dataclass(frozen=True)
class Place:
    """What the steps need to know of the place.

    environment: for every command, with AWS access. refresher_image: None for the role's default.
    fake: None if AWS is real. no_pods: why no pod can run, None if pods can run.
    """

    title: str
    environment: Mapping[str, str]
    refresher_image: str | None = None
    fake: FakeAws | None = None
    pause: Path | None = None
    no_pods: str | None = None

    def offer(self, tag: str) -> str:
        """Return the name of an image that can be pulled. The fake registry has it only after this call."""
        if self.fake and self.pause:
            self.fake.add_image(IMAGE.partition("/")[2], tag, {"/pause": self.pause}, ["/pause"])
        return f"{IMAGE}:{tag}"


@contextmanager
def test_cluster() -> Iterator[Place]:
    """The cluster that `python -m support.cluster run` started."""
    address = os.environ["FRESHPULL_TEST_ADDRESS"]
    port = int(os.environ.get("FRESHPULL_TEST_REGISTRY_PORT", "0"))
    has_node = "FRESHPULL_TEST_NODE" in os.environ
    with FakeAws(host=address, registry_port=port) as fake:
        keys = {"AWS_ACCESS_KEY_ID": fake.access_key, "AWS_SECRET_ACCESS_KEY": fake.secret_key}
        yield Place(
            title="a Kubernetes cluster of its own and a stand-in for AWS, both gone at the end",
            environment=_environment({**keys, ENDPOINT: fake.endpoint_url}),
            refresher_image=os.environ.get("FRESHPULL_TEST_AWS_CLI_IMAGE"),
            fake=fake,
            pause=Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"]) if has_node else None,
            no_pods=None if has_node else reason_for_no_node() or "The cluster was started without a node.",
        )


def own_cluster(confirmed: str) -> Place:
    """Return the user's cluster and AWS account, by KUBECONFIG and AWS_*.

    confirmed: the context that the user expects.
    """
    context = run(["kubectl", "config", "current-context"], _environment({})).strip()
    if context != confirmed:
        raise DemoError(f"CONFIRM is {confirmed!r}, but the kubeconfig's context is {context!r}. Nothing was done.")
    if not os.environ.get("AWS_ACCESS_KEY_ID", "").startswith("AKIA") or not os.environ.get("AWS_SECRET_ACCESS_KEY"):
        raise DemoError(
            "The CronJob needs AWS keys that last: set AWS_ACCESS_KEY_ID (it begins with AKIA) and "
            "AWS_SECRET_ACCESS_KEY to those of an IAM user with the policy "
            "AmazonElasticContainerRegistryPublicReadOnly. Nothing was done."
        )
    return Place(
        title=f"your cluster {context} and your AWS account, in namespaces of its own that are removed at the end",
        environment=_environment({}),
    )


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, without variables that would send Ansible to another cluster than kubectl."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    return {**kept, **own, **values}
