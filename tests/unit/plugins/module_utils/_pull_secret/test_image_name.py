# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of images as the kubelet parses them. tests/e2e/test_keyring_oracle.py compares them with its code."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name
from unit.linear_time import assert_linear_time

DIGEST = "@sha256:" + "0a" * 32

# Image -> repository.
NAMES = {
    "nginx": "docker.io/library/nginx",
    "nginx:1.0": "docker.io/library/nginx",
    f"nginx{DIGEST}": "docker.io/library/nginx",
    f"nginx:1.0{DIGEST}": "docker.io/library/nginx",
    "nginx@sha384:" + "a" * 96: "docker.io/library/nginx",
    "nginx@sha512:" + "a" * 128: "docker.io/library/nginx",
    "team/app": "docker.io/team/app",
    "docker.io/nginx": "docker.io/library/nginx",
    "index.docker.io/nginx": "docker.io/library/nginx",
    "index.docker.io/team/app": "docker.io/team/app",
    "public.ecr.aws/team/app:1.0": "public.ecr.aws/team/app",
    "public.ecr.aws/app": "public.ecr.aws/app",
    "public.ecr.aws:443/team/app": "public.ecr.aws:443/team/app",
    "Public.ECR.aws/app": "Public.ECR.aws/app",
    "localhost/app": "localhost/app",
    "localhost:5000/app:1": "localhost:5000/app",
    "Team/app": "Team/app",
    "registry:5000/app": "registry:5000/app",
    "[::1]:5000/app": "[::1]:5000/app",
    "[a:c]/app": "[a:c]/app",
    "my_registry.example/app": "my_registry.example/app",
    "a__b/c--d.e": "docker.io/a__b/c--d.e",
    "app:" + "a" * 128: "docker.io/library/app",
    "public.ecr.aws/" + "a" * 255: "public.ecr.aws/" + "a" * 255,
    "a" * 63: "docker.io/library/" + "a" * 63,
    "a" * 64 + ":1": "docker.io/library/" + "a" * 64,
}

INVALID = {
    "nothing": "",
    "64 hexadecimal digits": "a" * 64,
    "a registry alone": "public.ecr.aws/",
    "capital letters": "public.ecr.aws/Team/app",
    "capital letters without a registry": "Nginx",
    "an empty part": "public.ecr.aws//app",
    "a slash at the end": "public.ecr.aws/team/",
    "a slash at the beginning": "/team",
    "a scheme": "https://public.ecr.aws/app",
    "three underscores": "a___b",
    "two dots": "a..b/c",
    "a separator at the end": "app-",
    "an empty tag": "app:",
    "a tag that is too long": "app:" + "a" * 129,
    "a tag that begins with a dash": "app:-a",
    "a tag before the path": "app:1/x/y/Z",
    "a digest in capital letters": "app@sha256:" + "A" * 64,
    "a digest that is too short": "app@sha256:" + "a" * 63,
    "a digest of another kind": "app@md5:" + "a" * 32,
    "an algorithm in capital letters": "app@SHA256:" + "a" * 64,
    "a digest before a tag": f"app{DIGEST}:1",
    "two digests": f"app{DIGEST}{DIGEST}",
    "an empty digest": "app@",
    "a port that is no number": "public.ecr.aws:x/app",
    "an empty port": "public.ecr.aws:/app",
    "an address without a colon": "[a.c]/app",
    "an underscore in a registry with a port": "a_b.example:80/app",
    "a dash at the end of a label": "a-.b:80/c",
    "the end of a line": "app\n",
    "the end of a line after a digest": f"app{DIGEST}\n",
    "another alphabet": "\u00e9.example/app",
    "a letter that is lower case elsewhere": "\u212aelvin",
    "a path that is too long": "public.ecr.aws/" + "a" * 256,
    "a path that is too long with its prefix": "a" * 248,
    "a path that is too long with what is no registry": "my_registry.example/" + "a" * 240,
}


@pytest.mark.parametrize("image", NAMES)
def test_the_repository_of_an_image(image: str) -> None:
    assert image_name.repository(image) == NAMES[image]


@pytest.mark.parametrize("case", INVALID)
def test_a_name_that_the_kubelet_rejects(case: str) -> None:
    with pytest.raises(image_name.ImageNameError, match="is not the name of an image"):
        image_name.repository(INVALID[case])


@pytest.mark.parametrize("text", ["a.", "a", "a/", "a:", "-", "a_", "[:", "a@"], ids=repr)
def test_long_names_take_linear_time(text: str) -> None:
    def fail(image: str) -> None:
        with pytest.raises(image_name.ImageNameError) as caught:
            image_name.repository(image)
        assert len(str(caught.value)) < 200

    assert_linear_time(fail, lambda size: text * size, 500_000)


def test_a_long_registry_is_valid() -> None:
    registry = "a." * 500_000 + "b"
    assert image_name.repository(f"{registry}/c") == f"{registry}/c"


REFERENCES = {
    "nginx": "latest",
    "nginx:1.0": "1.0",
    f"nginx{DIGEST}": DIGEST[1:],
    f"nginx:1.0{DIGEST}": DIGEST[1:],
    "localhost:5000/app": "latest",
}


@pytest.mark.parametrize("image", REFERENCES)
def test_what_a_pull_asks_the_registry_for(image: str) -> None:
    assert image_name.reference(image) == REFERENCES[image]
