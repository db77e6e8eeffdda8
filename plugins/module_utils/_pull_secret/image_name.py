# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository in the name of an image, as the kubelet parses it. Private to this collection.

Source: ParseImageName in k8s.io/kubernetes/pkg/util/parsers v1.37.2, which calls ParseNormalizedNamed in
github.com/distribution/reference v0.6.0; digests are those of github.com/opencontainers/go-digest v1.0.0.
"""

from __future__ import annotations

import json
import re

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import shortened_key
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

_DOCKER_HUB = "docker.io"
_LEGACY_DOCKER_HUB = "index.docker.io"
_OFFICIAL = "library/"
_DEFAULT_TAG = "latest"
_LONGEST_PATH = 255
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_REMAINDER = re.compile(r"([a-z0-9._/\-]+)(?::([A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}))?(?:@(.*))?", re.DOTALL)
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*")
_PORT = re.compile(r"(?::[0-9]+)?")
_IP_LITERAL = re.compile(r"\[[a-fA-F0-9:]+\]")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?")


class ImageNameError(CollectionError):
    """The kubelet rejects the name of an image: a pod with it waits with the reason InvalidImageName."""


def repository(image: str) -> str:
    """Return the name without tag and digest, with its registry: nginx is docker.io/library/nginx.

    Raises ImageNameError.
    """
    return _parse(image)[0]


def reference(image: str) -> str:
    """Return what a pull requests from the registry: the digest, the tag, or the tag latest. Raises ImageNameError."""
    return _parse(image)[1]


def is_default_registry(name: str) -> bool:
    """Whether the kubelet uses the login of Docker Hub for a repository for which it finds no other one.

    That includes localhost/app and Team/app.
    Source: isDefaultRegistryMatch in k8s.io/kubernetes/pkg/credentialprovider.
    """
    registry = name.partition("/")[0]
    return registry in (_DOCKER_HUB, _LEGACY_DOCKER_HUB) or not ("." in registry or ":" in registry)


def _parse(image: str) -> tuple[str, str]:
    """Return repository and reference."""
    domain, remainder = _split_domain(image)
    found = _REMAINDER.fullmatch(remainder)
    if _IDENTIFIER.fullmatch(image) or not found or not _is_digest(found[3]) or not _is_name(domain, found[1]):
        raise ImageNameError(f"{json.dumps(shortened_key(image), ensure_ascii=False)} is not the name of an image")
    return f"{domain}/{found[1]}", found[3] or found[2] or _DEFAULT_TAG


def _split_domain(image: str) -> tuple[str, str]:
    """Source: splitDockerDomain in github.com/distribution/reference."""
    domain, slash, remainder = image.partition("/")
    if not slash or not (domain == "localhost" or "." in domain or ":" in domain or domain.lower() != domain):
        domain, remainder = _DOCKER_HUB, image
    if domain == _LEGACY_DOCKER_HUB:
        domain = _DOCKER_HUB
    if domain == _DOCKER_HUB and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder


def _is_digest(text: str | None) -> bool:
    return text is None or bool(_DIGEST.fullmatch(text))


def _is_name(domain: str, path: str) -> bool:
    if not _is_domain(domain):
        # Such as my_registry.example/app: the grammar has it as a path without a registry.
        path = f"{domain}/{path}"
    return len(path) <= _LONGEST_PATH and bool(_PATH.fullmatch(path))


def _is_domain(domain: str) -> bool:
    literal = _IP_LITERAL.match(domain)
    if literal:
        return bool(_PORT.fullmatch(domain, literal.end()))
    host, colon, port = domain.partition(":")
    return bool(_PORT.fullmatch(colon + port)) and all(_LABEL.fullmatch(label) for label in host.split("."))
