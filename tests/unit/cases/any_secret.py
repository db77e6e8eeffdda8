# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any secret that an API server can store: strategies for hypothesis, and the largest secrets of each kind."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from unit.cases import decide as cases

MAX_DATA = 1024 * 1024
"""Bytes that a Secret can hold (MaxSecretSize of the API server)."""
MAX_ANNOTATIONS = 256 * 1024
"""Bytes that all annotations of an object can have."""
REGISTRY = _docker_config.DEFAULT_REGISTRY

TIMES = (
    *("", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"),
    *(
        "2026-01-01T12:00:00Z",
        "2026-01-01T05:00:00",
        "2026-01-01T12:00:00.123456789Z",
        "2026-01-01",
        "20260101T120000Z",
    ),
    *("2026-01-01T12:00:00+23:59", "2026-W01-1T12:00:00Z", "٢٠٢٦-01-01T12:00:00Z", "2026-01-01T24:00:00Z", "unknown"),
)
_KEYS = st.sampled_from(
    [
        REGISTRY,
        f"https://{REGISTRY}",
        f"{REGISTRY}/v1/",
        f"{REGISTRY}/team",
        "other.example",
        "",
        "auths",
        "*.aws",
        "\ud800",
    ]
)
# Characters that a string in JSON or in an annotation can have. JSON can also escape a lone surrogate.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    _TEXT,
    st.sampled_from(["\ud800", "QVdTOm9sZA==", "eDp5", "!", "AWS"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(_KEYS, _TEXT), inner, max_size=3)),
    max_leaves=12,
)
_ENTRIES = st.one_of(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("username", "password", "auth", "email"), _SCALARS)),
    st.just(_docker_config.auth_entry("AWS", cases.OLD)),
    _VALUES,
)
_MANAGED = st.fixed_dictionaries({REGISTRY: st.just(_docker_config.auth_entry("AWS", cases.OLD))})
_AUTHS = st.one_of(
    _MANAGED,
    st.builds(lambda one, others: {**others, **one}, _MANAGED, st.dictionaries(_TEXT, _ENTRIES, max_size=3)),
    st.dictionaries(st.one_of(_KEYS, _TEXT), _ENTRIES, max_size=6),
    _VALUES,
)
_CONFIGS = st.fixed_dictionaries({"auths": _AUTHS}, optional={"Auths": _AUTHS, "credsStore": _SCALARS, "x": _VALUES})


def _rarely(draw: st.DrawFn, one_in: int) -> bool:
    """Return True for about one case in so many. hypothesis prefers the ends of a range."""
    return draw(st.integers(0, one_in - 1)) == one_in // 2


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """The text of a config: spaces, escapes, duplicate keys, deep nesting, or no JSON at all."""
    config = draw(_VALUES if _rarely(draw, 10) else _CONFIGS)
    indent = draw(st.sampled_from([None, 1, "\t"]))
    text = json.dumps(config, indent=indent, ensure_ascii=True)
    if _rarely(draw, 10):
        return draw(_TEXT) + text
    if _rarely(draw, 10) and text.startswith("{"):
        return '{"auths":' + json.dumps(draw(_AUTHS)) + "," + text[1:].lstrip()
    if _rarely(draw, 10):
        depth = draw(st.sampled_from([10, 100, 900, 986, 1000, 9000]))
        opening, closing = draw(st.sampled_from([("[", "]"), ('{"a":', "}")]))
        return '{"auths":{"other.example":{"x":' + opening * depth + "1" + closing * depth + "}}}"
    return text


@st.composite
def secrets(draw: st.DrawFn, namespace: str = "team-a", owner: str = "") -> dict[str, Any]:
    """A v1 Secret as the API server returns it. owner: of most of them."""
    secret = cases.secret(namespace=namespace, owner=owner)
    metadata = secret["metadata"]
    raw = draw(st.binary(max_size=20)) if _rarely(draw, 20) else draw(_texts()).encode(errors="replace")
    data = {_docker_config.DATA_KEY: base64.b64encode(raw).decode()}
    data.update({"extra": "eA=="} if _rarely(draw, 5) else {})
    if _rarely(draw, 10):
        secret["type"] = draw(st.sampled_from([_docker_config.LEGACY_TYPE, "Opaque", "x"]))
    if secret["type"] == _docker_config.LEGACY_TYPE:
        data = {_docker_config.LEGACY_DATA_KEY: base64.b64encode(raw).decode()}
    if _rarely(draw, 10):
        secret["immutable"] = True
    secret["data"] = draw(st.sampled_from([{}, None])) if _rarely(draw, 10) else data
    # Mostly what this collection writes, so that the odd values are read at all.
    annotations = metadata["annotations"]
    annotations[managed_metadata.FINGERPRINT] = _fingerprint(raw)
    times = st.one_of(st.sampled_from(TIMES), _TEXT)
    odd = {
        managed_metadata.EXPIRES_AT: times,
        managed_metadata.RENEWED_AT: times,
        managed_metadata.FAILED_OPEN_AT: times,
        managed_metadata.RENEWED_BY: _TEXT,
        managed_metadata.FINGERPRINT: _TEXT,
        managed_metadata.REGISTRIES: st.one_of(_TEXT, st.sampled_from([",", f"{REGISTRY},other.example"])),
        managed_metadata.CREATED: st.sampled_from(["yes", ""]),
        "meta.helm.sh/release-name": _TEXT,
    }
    for key, values in odd.items():
        if _rarely(draw, 6):
            annotations[key] = draw(values)
        elif _rarely(draw, 20):
            annotations.pop(key, None)
    if _rarely(draw, 20):
        metadata["annotations"] = None
    if _rarely(draw, 10):
        metadata["labels"] = draw(st.sampled_from([None, {managed_metadata.MANAGED_LABEL: "false"}]))
    return secret


def service_accounts(namespace: str = "team-a") -> st.SearchStrategy[dict[str, Any]]:
    """A v1 ServiceAccount as the API server returns it."""
    metadata = {"namespace": namespace, "name": "default", "uid": "u", "resourceVersion": "1"}
    entries = st.lists(
        st.fixed_dictionaries({}, optional={"name": st.one_of(_TEXT, st.just("ecr-public-secret"))}), max_size=4
    )
    return st.fixed_dictionaries(
        {
            "metadata": st.fixed_dictionaries(
                {key: st.just(value) for key, value in metadata.items()},
                optional={"labels": st.one_of(st.none(), st.dictionaries(_TEXT, _TEXT, max_size=2))},
            )
        },
        optional={"imagePullSecrets": st.one_of(st.none(), entries)},
    )


def _fingerprint(raw: bytes) -> str:
    """The fingerprint of the default registry's entry, where there is one."""
    try:
        entry = json.loads(raw)["auths"][REGISTRY]
        return _docker_config.fingerprint({REGISTRY: entry})
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _listed(count: int, registries: str = "") -> dict[str, Any]:
    entries = {f"r{number:06}.example": {"auth": "eDp5"} for number in range(count)}
    secret = cases.secret(raw=json.dumps({"auths": entries}, separators=(",", ":")))
    secret["metadata"]["annotations"][managed_metadata.REGISTRIES] = registries or ",".join(entries)
    return secret


def _raw(text: str) -> dict[str, Any]:
    return cases.secret(raw=text)


def _deep(size: int) -> dict[str, Any]:
    depth = size // 2 - 20
    return _raw('{"auths":{"x":' + "[" * depth + "]" * depth + "}}")


LARGEST: dict[str, Callable[[int], dict[str, Any]]] = {
    "entries that are not listed": lambda size: _listed(size // 35, REGISTRY),
    "entries that are all listed": lambda size: _listed(size // 65),
    "a list of nothing but commas": lambda size: _listed(10, "," * (size // 5)),
    "a list of one registry": lambda size: _listed(10, ",".join([REGISTRY] * (size // 65))),
    "entries of other spellings": lambda size: _raw(
        '{"auths":{' + ",".join(f'"https://{REGISTRY}?{number}":{{}}' for number in range(size // 40)) + "}}"
    ),
    "nested lists": _deep,
    "one long string": lambda size: _raw('{"auths":{"x":{"auth":"' + "a" * (size - 40) + '"}}}'),
    "one long number": lambda size: _raw('{"auths":{},"x":' + "1" * (size - 40) + "}"),
    "many spaces": lambda size: _raw('{"auths":' + " " * (size - 40) + "{}}"),
    "one key many times": lambda size: _raw('{"auths":{' + ",".join(['"public.ecr.aws":{}'] * (size // 20)) + "}}"),
    "auths many times": lambda size: _raw("{" + ",".join(['"auths":{}'] * (size // 11)) + "}"),
    "escapes": lambda size: _raw('{"auths":{"' + '\\"' * (size // 2 - 40) + '":{}}}'),
}
"""The name of a kind -> a secret of that kind for this many bytes of data. The annotation limits some kinds to less."""


def _account(*entries: dict[str, str], **metadata: Any) -> dict[str, Any]:
    named = {"namespace": "team-a", "name": "default", "uid": "u", "resourceVersion": "1", **metadata}
    return {"metadata": named, "imagePullSecrets": list(entries)}


def _applied_list(count: int) -> str:
    return json.dumps({"imagePullSecrets": [{"name": f"n{number}"} for number in range(count)]})


def _field_managers(count: int) -> list[dict[str, Any]]:
    fields: dict[str, Any] = {"f:imagePullSecrets": {}}
    return [{"manager": f"m{number}", "operation": "Apply", "fieldsV1": fields} for number in range(count)]


LARGEST_ACCOUNTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "other secrets": lambda size: _account(*({"name": f"n{number:06}"} for number in range(size // 20))),
    "the secret many times": lambda size: _account(*[{"name": "ecr-public-secret"}] * (size // 30)),
    "entries without a name": lambda size: _account(*[{}] * (size // 3)),
    "one long name": lambda size: _account({"name": "a" * (size - 40)}),
    "a long list that was applied": lambda size: _account(
        *({"name": f"n{number:06}"} for number in range(size // 24)),
        annotations={"kubectl.kubernetes.io/last-applied-configuration": _applied_list(size // 100)},
    ),
    "a list of many field managers": lambda size: _account(
        *({"name": f"n{number:06}"} for number in range(size // 40)), managedFields=_field_managers(size // 150)
    ),
}
"""The name of a kind -> a service account of that kind for about this many bytes, which etcd limits like a secret."""


_MOMENTS = st.one_of(st.none(), st.sampled_from(TIMES), _TEXT)
_METADATA = st.fixed_dictionaries(
    {},
    optional={
        "creationTimestamp": _MOMENTS,
        "deletionTimestamp": _MOMENTS,
        "finalizers": st.one_of(st.none(), st.lists(_TEXT, max_size=2)),
        "generation": st.integers(),
        "managedFields": st.one_of(st.none(), st.lists(st.dictionaries(_TEXT, _VALUES, max_size=2), max_size=3)),
        "ownerReferences": st.one_of(
            st.none(), st.lists(st.dictionaries(st.sampled_from(["kind", "name", "uid"]), _TEXT), max_size=2)
        ),
        "selfLink": _TEXT,
    },
)
_SIZES = st.sampled_from([*(2**power for power in range(7, 17)), MAX_DATA])


@st.composite
def stored_objects(draw: st.DrawFn, namespace: str, owner: str) -> dict[str, Any]:
    """A v1 Secret with any metadata, and of any size, as the API server returns it."""
    if _rarely(draw, 8):
        kind, size = draw(st.sampled_from(sorted(LARGEST))), draw(_SIZES)
        secret = in_namespace(LARGEST[kind](size), namespace, owner)
    else:
        secret = draw(secrets(namespace, owner))
    metadata = secret["metadata"]
    metadata.update(draw(_METADATA))
    for name in ("labels", "annotations"):
        if metadata.get(name) is not None:
            metadata[name].update(draw(st.dictionaries(_TEXT, _TEXT, max_size=3)))
    if secret["data"] is not None and _rarely(draw, 5):
        other = base64.b64encode(draw(st.binary(max_size=20))).decode()
        secret["data"].update(draw(st.dictionaries(_TEXT, st.just(other), max_size=3)))
    return secret


def in_namespace(secret: dict[str, Any], namespace: str, owner: str) -> dict[str, Any]:
    """Return a secret of this module as one of another namespace and owner."""
    metadata = secret["metadata"]
    metadata["namespace"] = metadata["annotations"][managed_metadata.NAMESPACE] = namespace
    metadata["labels"][managed_metadata.OWNER_LABEL] = owner
    return secret
