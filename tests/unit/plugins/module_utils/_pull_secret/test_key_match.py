# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which repositories a key matches. tests/e2e/test_keyring_oracle.py compares this with the kubelet's code."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import kubelet_key
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import key_match

REPOSITORY = "public.ecr.aws/team/app"

# Key as it is in a secret, repository, and whether the kubelet uses one for the other.
MATCHES = [
    ("public.ecr.aws", REPOSITORY, True),
    ("https://public.ecr.aws/v1/", REPOSITORY, True),
    ("public.ecr.aws/v2/team", REPOSITORY, True),
    ("public.ecr.aws/v1", REPOSITORY, False),
    ("Public.ECR.aws", REPOSITORY, False),
    # Ports are compared as text.
    ("public.ecr.aws:443", REPOSITORY, False),
    ("public.ecr.aws:", REPOSITORY, True),
    ("public.ecr.aws:443", "public.ecr.aws:443/app", True),
    ("*:5000", "localhost:5000/app", True),
    ("*:50*", "localhost:5000/app", False),
    # A path is a plain prefix.
    ("public.ecr.aws/tea", REPOSITORY, True),
    ("public.ecr.aws/team/app", REPOSITORY, True),
    ("public.ecr.aws/team/", REPOSITORY, True),
    ("public.ecr.aws/team/app/", REPOSITORY, False),
    ("public.ecr.aws//team", REPOSITORY, False),
    ("public.ecr.aws/*", REPOSITORY, False),
    # Globs match part by part.
    ("*.ecr.aws", REPOSITORY, True),
    ("*.aws", REPOSITORY, False),
    ("*", REPOSITORY, False),
    ("*.*.*", REPOSITORY, True),
    ("public.*.aws/team", REPOSITORY, True),
    ("p*c.ecr.aws", REPOSITORY, True),
    ("p*b*i*.e**r.aws", REPOSITORY, True),
    ("p*i*b*.ecr.aws", REPOSITORY, False),
    ("public*.ecr.aws", REPOSITORY, True),
    ("*public.ecr.aws", REPOSITORY, True),
    ("*publi.ecr.aws", REPOSITORY, False),
    ("publicc*c.ecr.aws", REPOSITORY, False),
    ("*lic*lic.ecr.aws", REPOSITORY, False),
    ("p?blic.ecr.aws", REPOSITORY, False),
    ("[public].ecr.aws", REPOSITORY, False),
    # Keys are parsed as URLs twice.
    ("public.ecr.aws/%74eam", REPOSITORY, True),
    ("public.ecr.aws/%2574eam", REPOSITORY, True),
    ("public.ecr.aws/team%3Fx", REPOSITORY, True),
    ("public.ecr.aws/tea%23x", REPOSITORY, True),
    ("public.ecr.aws/%25zz", REPOSITORY, False),
    ("public.ecr.aws/team%0a", REPOSITORY, False),
    ("public.ecr.aws#\n", REPOSITORY, True),
    ("public.ecr.aws#%0", REPOSITORY, False),
    ("AWS:pw@public.ecr.aws", REPOSITORY, True),
    # An IPv6 address without a port is a class of characters.
    ("[::1]:5000", "[::1]:5000/app", True),
    ("[::1]", "[::1]/app", False),
    ("[::F]", "F/app", True),
    ("[::1]", "F/app", False),
    ("[::1.2.3.4]", "[::1]/app", False),
    ("[a]:5000", "[a:]:5000/app", False),
    ("[::1]", "[abc]/app", False),
    # A zone can bring other characters into the host.
    ("[::1%2525*]", "F/app", False),
    ("[F::%251]", "F/app", False),
    ("[F::%2525251]", "F/app", True),
    ("[A::%2525251-Z]", "F/app", True),
    ("[A::%252525Z-A]", "F/app", False),
    ("[A::%2525251-]", "F/app", False),
    ("[A::%25251%255D*%255BF]", "AF/app", True),
    ("[A::%25251%255D*%255BF]", "AG/app", False),
    ("[A::%25251%255D*%255B]", "AF/app", False),
    ("[A::%25251%255D*%255BF%255D]", "AF/app", False),
    ("[A::%2525%25C3]", "A/app", False),
    ("[A::%2525%253F]", "A/app", False),
    ("[A::%2525%2520]", "A/app", True),
    ("[A::%2525\u00e9]", "A/app", True),
    ("*", "T" * 63 + "/app", True),
    ("*", "T" * 64 + "/app", False),
]


@pytest.mark.parametrize(("key", "repository", "expected"), MATCHES)
def test_a_key_matches(key: str, repository: str, expected: bool) -> None:
    normalised = kubelet_key(key)
    pattern = None if normalised is None else key_match.address(normalised)
    target = key_match.address(repository)
    assert bool(pattern and target and key_match.matches(pattern, target)) == expected
