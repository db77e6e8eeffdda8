# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options that only ecr_public_pull_secret_info has. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import (
    is_dns_label,
    is_dns_subdomain,
    matches_objects,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name, options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.image_name import ImageNameError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_reader import Subject

PULL_SECRET_INFO: dict[str, t.Any] = {
    **options.PULL_SECRET,
    "pod": {"type": "str"},
    "service_account": {"type": "str"},
    "image": {"type": "str"},
    "verify_pull": {"type": "bool", "default": False},
    "refresher_namespace": {"type": "str"},
}
"""Those of ecr_public_pull_secret and its own: one dict of options serves both modules."""


def read_refresher_namespace(params: t.Mapping[str, t.Any]) -> str:
    """Return the namespace of the refresher whose runs are read, or "". Raises OptionError."""
    namespace: str = params["refresher_namespace"] or ""
    if namespace and not is_dns_label(namespace):
        raise OptionError(f"refresher_namespace: {namespace!r} cannot be the name of a namespace. Use a name, no glob.")
    return namespace


def read_subject(params: t.Mapping[str, t.Any], *, check_mode: bool) -> Subject | None:
    """Read whose pulls are replayed. None if none are asked for. In check mode no pull is tried.

    Raises OptionError.
    """
    pod, account, image = (params[option] or "" for option in ("pod", "service_account", "image"))
    if pod and account:
        raise OptionError("pod cannot be used with service_account. Use pod for pods that exist, or remove it.")
    if image and not (pod or account):
        raise OptionError(
            f"image: {image!r} needs pod or service_account, whose pull secrets are used. Set one of them."
        )
    if params["verify_pull"] and not (pod or account):
        raise OptionError("verify_pull needs pod or service_account, whose pulls are tried. Set one of them.")
    if pod and not matches_objects(pod):
        raise OptionError(f"pod: {pod!r} is neither the name of a pod nor a glob. Use one such as web-0 or web-*.")
    if account and not is_dns_subdomain(account):
        raise OptionError(f"service_account: {account!r} cannot be the name of a service account. Use a name, no glob.")
    if account and not image:
        raise OptionError(
            "service_account needs image, which is the image of the pod that would be created. Set image."
        )
    if image:
        try:
            image_name.repository(image)
        except ImageNameError as exc:
            raise OptionError(f"image: {exc}. Use one such as public.ecr.aws/docker/library/busybox:1.37.") from exc
    verify = params["verify_pull"] and not check_mode
    return Subject(pod, account, image, verify) if pod or account else None
