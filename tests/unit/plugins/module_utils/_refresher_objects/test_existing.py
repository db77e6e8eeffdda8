# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The existing objects of a refresher in a cluster."""

from __future__ import annotations

import concurrent.futures
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ForbiddenError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import AWS_SECRET, CONFIG

SETTINGS = {"policy.json": "{}", "namespaces": "team-a\n"}


class Server:
    """An API server with these ConfigMaps and this Secret, and nothing else."""

    host = "https://cluster.example"

    def __init__(self, config_maps: dict[str, dict[str, Any]], secret: dict[str, Any] | None = None) -> None:
        self.items = [{"metadata": {"name": name, "namespace": "own"}, **each} for name, each in config_maps.items()]
        self.secret = secret

    def send(self, request: Request) -> Response:
        if "limit" not in dict(request.query):
            found = self.secret if request.path == f"/api/v1/namespaces/own/secrets/{AWS_SECRET}" else None
            return Response(200 if found else 404, {}, json.dumps(found or {"kind": "Status"}).encode())
        items = self.items if request.path == "/api/v1/namespaces/own/configmaps" else []
        return Response(200, {}, json.dumps({"metadata": {}, "items": items}).encode())


def existing(config_maps: dict[str, dict[str, Any]], secret: dict[str, Any] | None = None) -> Existing:
    return read(Server(config_maps, secret))


def read(server: Server, *, partly: bool = False) -> Existing:
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return Existing(Cluster(server), "own", pool, partly=partly)


class ClosedServer(Server):
    """The account can only list ConfigMaps."""

    def send(self, request: Request) -> Response:
        if request.path.endswith("/configmaps"):
            return super().send(request)
        return Response(403, {}, json.dumps({"kind": "Status", "message": request.path}).encode())


@pytest.mark.parametrize(
    ("config_maps", "settings"),
    [
        ({}, {}),
        ({"code": {"data": {"a.py": ""}}, CONFIG: {"data": SETTINGS}}, SETTINGS),
        ({"other": {"data": {"policy.json": "other"}}, CONFIG: {"data": SETTINGS}}, SETTINGS),
        ({CONFIG: {}}, {}),
        ({CONFIG: {"data": {"namespaces": "a"}}}, {"namespaces": "a"}),
        ({"named-otherwise": {"data": SETTINGS}, "no-data": {}}, SETTINGS),
    ],
)
def test_its_settings_are_found(config_maps: dict[str, dict[str, Any]], settings: dict[str, str]) -> None:
    assert existing(config_maps).settings == settings


def test_an_object_that_is_gone_is_forgotten() -> None:
    found = existing({"code": {"data": {}}})
    (body,) = found.all("ConfigMap")
    assert found.stored(body) is body
    found.forget(body)
    assert found.stored(body) is None


@pytest.mark.parametrize(
    ("labels", "own"),
    [
        ({"ecr-public.freshpull/refresher": "own"}, True),
        ({"ecr-public.freshpull/refresher": "other"}, False),
        ({"theirs": "x"}, False),
        (None, False),
    ],
)
def test_a_secret_of_the_same_name_that_a_user_created_is_not_the_refresher_s(
    labels: dict[str, str] | None, own: bool
) -> None:
    secret = {"kind": "Secret", "metadata": {"name": AWS_SECRET, "namespace": "own", "labels": labels}}
    found = existing({}, secret)
    assert found.all("Secret") == ([secret] if own else [])
    assert (found.aws_secret, found.users_secret) == ((secret, None) if own else (None, secret))


def test_what_cannot_be_read_is_left_out_if_a_part_is_enough() -> None:
    found = read(ClosedServer({CONFIG: {"data": SETTINGS}}), partly=True)
    assert ([each["kind"] for each in found.all()], found.settings) == (["ConfigMap"], SETTINGS)
    assert isinstance(found.unreadable, ForbiddenError)
    assert existing({}).unreadable is None


def test_by_default_all_must_be_readable() -> None:
    with pytest.raises(ForbiddenError):
        read(ClosedServer({}))
