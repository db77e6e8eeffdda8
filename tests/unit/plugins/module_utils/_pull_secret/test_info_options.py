# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import info_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_reader import Subject

NONE: dict[str, Any] = {"pod": None, "service_account": None, "image": None, "verify_pull": False}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an image alone": ({"image": "nginx"}, "image: 'nginx' needs pod or service_account"),
    "a pod and an account": ({"pod": "a", "service_account": "b"}, "pod cannot be used with service_account"),
    "an account alone": ({"service_account": "a"}, "service_account needs image"),
    "an account and no image": ({"service_account": "a", "image": ""}, "service_account needs image"),
    "no pod's name": ({"pod": "A"}, "pod: 'A' is neither the name of a pod nor a glob"),
    "no account's name": ({"service_account": "a/b", "image": "nginx"}, "service_account: 'a/b' cannot be"),
    "a glob of accounts": ({"service_account": "*", "image": "nginx"}, "service_account: '[*]' cannot be"),
    "nothing to try": ({"verify_pull": True}, "verify_pull needs pod or service_account"),
    "no image's name": ({"pod": "a", "image": "public.ecr.aws/A"}, 'image: "public.ecr.aws/A" is not the name'),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    options, words = BAD[case]
    with pytest.raises(OptionError, match=words) as caught:
        info_options.read_subject({**NONE, **options}, check_mode=False)
    assert str(caught.value).partition(" ")[0].rstrip(":") in options


def test_whose_pulls_are_replayed() -> None:
    def read(check_mode: bool = False, **options: Any) -> Subject | None:
        return info_options.read_subject({**NONE, **options}, check_mode=check_mode)

    assert read() is None
    assert read(pod="", service_account="", image="") is None
    assert read(pod="web-*") == Subject(pod="web-*")
    assert read(pod="web", image="nginx") == Subject(pod="web", image="nginx")
    assert read(service_account="ci", image="nginx") == Subject(service_account="ci", image="nginx")
    assert read(pod="web", verify_pull=True) == Subject(pod="web", verify=True)
    assert read(pod="web", verify_pull=True, check_mode=True) == Subject(pod="web")
