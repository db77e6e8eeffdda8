# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kubernetes.client import Configuration

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Transport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.pod_transport import PodTransport

Make = Callable[[str, str], Transport]
"""A transport to a URL, with a file of certificates."""


@pytest.fixture(autouse=True)
def no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps the configuration of a kubeconfig, as the default for a later one in the same process."""
    monkeypatch.setattr(Configuration, "_default", None)


def configuration_of(url: str, ca: str) -> Configuration:
    configuration = Configuration()
    configuration.host = url
    configuration.ssl_ca_cert = ca
    return configuration


def of_the_client(url: str, ca: str) -> Transport:
    return client.ClientTransport(configuration_of(url, ca), connections=1)


def of_the_modules(url: str, ca: str) -> Transport:
    return client.direct(configuration_of(url, ca), tuple)


@pytest.fixture(params=["modules", "client", "pod"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    token = tmp_path / "token"
    token.write_text("t\n")

    def of_the_pod(url: str, ca: str) -> Transport:
        parts = urlsplit(url)
        return PodTransport(str(parts.hostname), parts.port or 443, token_file=str(token), ca_file=ca)

    makes: dict[str, Make] = {"modules": of_the_modules, "client": of_the_client, "pod": of_the_pod}
    return makes[request.param]
