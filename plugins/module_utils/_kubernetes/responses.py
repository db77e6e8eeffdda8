# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the responses of an API server from those of something else. Private to this collection.

The address may lead to a login page, a load balancer without its API server, or another service. Such a response is
described without its content, which may hold a secret: by its status, its type and the title of its page.
"""

from __future__ import annotations

import html
import http.client
import re
import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _json_text
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response

_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_SEARCHED = 65536
"""Bytes of a page in which its title is searched."""
_LONGEST_TITLE = 60
_LONGEST_WORD = 24
"""A longer word of a title may be a token."""
_AWAY = (502, 503, 504)
_NOT_SERVED = b"404 page not found"
"""What an API server returns, as text, for an API group or version that it does not serve."""


def json_of(response: Response) -> dict[str, t.Any]:
    """Return the object in a successful response. Raises ValueError if it is not one of an API server."""
    found = _json_text.parse(response.body)
    # Of all that this collection reads, only the version of an API server has neither kind nor metadata.
    if not isinstance(found, dict) or not (
        isinstance(found.get("metadata"), dict) or found.get("kind") or found.get("gitVersion")
    ):
        raise ValueError("this is no object of Kubernetes")
    return found


def text_of(response: Response) -> str:
    """Return the text in a successful response, such as a log. Raises ValueError if it is a page."""
    if _is_html(response):
        raise ValueError("this is a page")
    return response.body.decode(errors="replace")


def status_of(response: Response) -> dict[str, t.Any] | None:
    """Return the Status with which an API server rejects a request, or None."""
    try:
        found = _json_text.parse(response.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("kind") == "Status" else None


def is_of_another_server(request: Request, response: Response) -> bool:
    """Whether a response that json_of, text_of or status_of does not accept is certainly not from an API server.

    An API server rejects some requests with a text and no Status, above all when it is overloaded.
    """
    if status_of(response) is not None:
        return False
    if response.status < 400 or _is_html(response) or _is_json(response.body):
        return True
    return response.status == 404 and not (
        request.path.startswith("/apis") and response.body.strip().startswith(_NOT_SERVED)
    )


def message_of(response: Response) -> str:
    """Return the message in a response, or its first words if it is a text, or the words of HTTP for its status."""
    try:
        found = _json_text.parse(response.body)
    except ValueError:
        found = None
    message = found.get("message") if isinstance(found, dict) else None
    if isinstance(message, str) and message:
        return message
    if found is None and response.status >= 400 and not _is_html(response):
        message = _words(response.body[:_SEARCHED].decode(errors="replace").partition("\n")[0])
    return message or http.client.responses.get(response.status, "no reason given")


def described(request: Request, response: Response, host: str) -> str:
    """Return sentences about the response of another server: what came, from where, and why."""
    if not response.body.strip():
        what = "nothing"
    elif _is_html(response):
        title = _TITLE.search(response.body[:_SEARCHED].decode(errors="replace"))
        words = _words(html.unescape(title.group(1))) if title else ""
        what = f'an HTML page with the title "{words}"' if words else "an HTML page"
    else:
        what = "JSON of another service" if _is_json(response.body) else "a text"
    came = f"{host}{request.path} returned {what} ({_content_type(response) or 'no Content-Type'})"
    return f"{came}, which is not from a Kubernetes API server. {_cause(response, host)}"


def _cause(response: Response, host: str) -> str:
    if response.status in _AWAY:
        return "A load balancer or a proxy responds in its place: the API server behind it is not available."
    if 300 <= response.status < 400:
        target = urllib.parse.urlsplit(response.headers.get("Location") or "")
        where = f" to {target.scheme}://{target.hostname}" if target.scheme and target.hostname else ""
        return f"It redirects{where}, as a login page or a proxy does. Check the address.{_path(host)}"
    return (
        f"Check the address: a login page, a proxy or another service responds instead of the API server.{_path(host)}"
    )


def _path(host: str) -> str:
    """Return the advice for an address that has no path."""
    if urllib.parse.urlsplit(host).path.strip("/"):
        return ""
    return " It may lack a path: that of a cluster in Rancher ends with /k8s/clusters/ and the ID of the cluster."


def _content_type(response: Response) -> str:
    kind = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    return kind if re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}", kind) else ""


def _is_html(response: Response) -> bool:
    return "html" in _content_type(response) or response.body.lstrip()[:5].lower() in (b"<!doc", b"<html")


def _is_json(body: bytes) -> bool:
    try:
        _json_text.parse(body)
    except ValueError:
        return False
    return True


def _words(text: str) -> str:
    """Return the first words of a text, in one line and without any that could be a token."""
    words = [word if len(word) <= _LONGEST_WORD else "..." for word in text.split()]
    shown = " ".join(word for word in words if word.isprintable())
    return shown if len(shown) <= _LONGEST_TITLE else shown[:_LONGEST_TITLE].rpartition(" ")[0] + " ..."
