# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide the secrets of connection options in results, messages and the system log. Private to this collection.

no_log is no way to it: it hides each secret string, and each string that contains one, everywhere in the result. With
`AWS_PROFILE: default` in a kubeconfig it would hide the namespace `default`.
"""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN

# https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/, in any place: a misplaced token is as secret.
_FIELDS = frozenset({"token", "password", "client-key-data"})
_SHORTEST = 8
"""Characters of a secret that is hidden in messages. A shorter one would hide other words."""


def redacted(kubeconfig: t.Any) -> t.Any:
    """Return a kubeconfig with its secrets hidden, and nothing else."""
    if isinstance(kubeconfig, list):
        return [redacted(each) for each in kubeconfig]
    if not isinstance(kubeconfig, dict):
        return kubeconfig
    return {key: _redacted_field(str(key), value) for key, value in kubeconfig.items()}


def _redacted_field(key: str, value: t.Any) -> t.Any:
    if key in _FIELDS and value:
        return MASK
    if key == "proxy-url" and isinstance(value, str):
        return _proxies.without_user_info(value)
    if key in ("exec", "auth-provider") and isinstance(value, dict):
        return {name: _all_hidden(each) if name in ("args", "env", "config") else each for name, each in value.items()}
    return redacted(value)


def _all_hidden(value: t.Any) -> t.Any:
    """Return a value with all texts hidden, except names of variables."""
    if isinstance(value, list):
        return [_all_hidden(each) for each in value]
    if isinstance(value, dict):
        return {key: each if key == "name" else _all_hidden(each) for key, each in value.items()}
    return MASK if value else value


def redacted_params(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of a module for its result and the system log."""
    shown = {**params}
    if isinstance(shown.get("kubeconfig"), (dict, list)):
        shown["kubeconfig"] = redacted(shown["kubeconfig"])
    if isinstance(shown.get("proxy"), str):
        shown["proxy"] = _proxies.without_user_info(shown["proxy"])
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
        yield from _proxies.secrets_in(before)
