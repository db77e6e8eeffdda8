# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide the secrets of connection options in results, messages and the system log. Private to this collection.

no_log is no way to it: it hides each secret string, and each string that contains one, everywhere in the result. With
`AWS_PROFILE: default` in a kubeconfig it would hide the namespace `default`.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN

# The fields that hold no secret: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. The value of any other
# field is hidden, since a misspelt or misplaced field is as secret.
_SHOWN = frozenset(
    {
        *("apiVersion", "kind", "current-context", "name", "server", "tls-server-name", "insecure-skip-tls-verify"),
        *("certificate-authority", "certificate-authority-data", "disable-compression", "cluster", "namespace"),
        *("client-certificate", "client-certificate-data", "client-key", "tokenFile", "username"),
        *("as", "as-uid", "as-groups", "command", "installHint", "provideClusterInfo", "interactiveMode"),
    }
)
_ADDRESSES = ("server", "proxy-url")
# What is below these has any names.
_OPEN = ("as-user-extra", "extensions", "preferences")
_SECRET = frozenset({"token", "password", "client-key-data"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHORTEST = 8
"""Characters of a secret that is hidden in messages. A shorter one would hide other words."""
CONTENT = "kubeconfig: the content of a kubeconfig is no path. Use the path of its file, or a dict (filter from_yaml)."
_OPTIONS_WITH_ADDRESSES = ("host", "proxy", "aws_proxy", "aws_endpoint_url")


def redacted(kubeconfig: t.Any) -> t.Any:
    """Return a kubeconfig with its secrets hidden. All fields that Kubernetes defines and that are no secret stay."""
    return _redacted(kubeconfig, "", "")


def _redacted(value: t.Any, key: str, above: str) -> t.Any:
    """key: the field that has the value, or the list that contains it. above: the field around it."""
    if isinstance(value, dict):
        inner = above if above in _OPEN else key
        return {name: _redacted(each, str(name), inner) for name, each in value.items()}
    if isinstance(value, list):
        return [_redacted(each, key, above) for each in value]
    if not value:
        return value
    if key in _ADDRESSES and isinstance(value, str):
        return _proxies.without_user_info(value)
    return value if _is_shown(value, key, above) else MASK


def _is_shown(value: t.Any, key: str, above: str) -> bool:
    if above in _OPEN:
        return key not in _SECRET
    if key == "user":
        # The name of one. The value of users[].user is a dict.
        return above == "context"
    if key == "name" and above == "env":
        return bool(_VARIABLE.fullmatch(str(value)))
    return key in _SHOWN


def is_content(kubeconfig: t.Any) -> bool:
    """Whether a text is the content of a kubeconfig instead of its path."""
    return isinstance(kubeconfig, str) and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{"))


def redacted_params(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of a module for its result and the system log."""
    shown = {**params}
    if isinstance(shown.get("kubeconfig"), (dict, list)):
        shown["kubeconfig"] = redacted(shown["kubeconfig"])
    elif is_content(shown.get("kubeconfig")):
        shown["kubeconfig"] = MASK
    if "PRIVATE KEY" in str(shown.get("ca_bundle") or ""):
        shown["ca_bundle"] = MASK
    for option in _OPTIONS_WITH_ADDRESSES:
        if isinstance(shown.get(option), str):
            shown[option] = _proxies.without_user_info(shown[option])
    if not _is_shown_token(shown.get("token")):
        # It has not been checked, and any part of it may be secret.
        shown["token"] = MASK
    return shown


def _is_shown_token(token: t.Any) -> bool:
    """Whether a token needs no hiding here: there is none, or it is a dict whose secret parts have no_log."""
    return not token or (isinstance(token, dict) and token.keys() <= TOKEN["options"].keys())


def secrets_in(kubeconfig: t.Any) -> list[str]:
    """Return the secrets of a kubeconfig that messages must not show."""
    hidden = redacted(kubeconfig)
    return [secret for secret in _differing(kubeconfig, hidden) if len(secret) >= _SHORTEST]


def _differing(before: t.Any, after: t.Any) -> t.Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from _differing(value, after[key])
    elif isinstance(before, list) and isinstance(after, list):
        for one, other in zip(before, after):
            yield from _differing(one, other)
    elif before != after:
        yield str(before)
        # A library can quote line breaks in another form.
        yield from (line.strip() for line in str(before).splitlines())
        yield from _proxies.secrets_in(before)
