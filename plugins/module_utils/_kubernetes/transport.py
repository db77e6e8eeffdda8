# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a transport: it sends one request to an API server. Private to this collection.

The module and the refresher have transports of their own. Everything else is shared and uses no client library.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
"""The body is JSON that is also YAML: see encoded()."""
JSON = "application/json"

# All but ASCII and the characters that JSON can only escape in two parts.
_ESCAPED = re.compile("[\x7f-\uffff]")


@dataclasses.dataclass(frozen=True)
class Request:
    """One request.

    path: absolute, its parts quoted. query: names and values, not quoted. body: to be sent as JSON; None for no body.
    """

    method: str
    path: str
    query: t.Sequence[tuple[str, str]] = ()
    body: t.Mapping[str, t.Any] | None = None
    content_type: str = JSON
    accept: str = JSON


@dataclasses.dataclass(frozen=True)
class Response:
    """A complete response of any status. headers: a mapping that ignores the case of names."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes


def encoded(body: t.Mapping[str, t.Any]) -> bytes:
    """Return a body as JSON that a YAML parser reads in the same way.

    YAML rejects the escapes of JSON for characters beyond the first 65,536, such as \\ud83d\\ude00, and some characters
    that are not escaped.
    """
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


class NoResponseError(Exception):
    """No complete response was received. str(): why."""

    def __init__(self, msg: str, *, final: bool = False) -> None:
        """final: whether a retry would fail too, as with a certificate that is not trusted."""
        super().__init__(msg)
        self.final = final


class TooLargeError(NoResponseError):
    """The response is larger than the transport accepts. For a list, request a smaller page."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg, final=True)


class Transport(t.Protocol):
    """Sends requests to one API server. Safe to use from many threads."""

    host: str
    """The API server's address, for results and messages."""

    def send(self, request: Request) -> Response:
        """Send it once, without a retry. Raises NoResponseError."""
