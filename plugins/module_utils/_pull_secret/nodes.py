# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a node has, and whether its kubelet verifies credentials for them, as pure functions. Private to this
collection.

From Kubernetes 1.35 on a kubelet verifies by default that a pod may use an image that another pod has pulled
(KEP-2535). The API server shows neither its policy, imagePullCredentialsVerificationPolicy, nor what it has recorded.
Source: MustAttemptImagePull in k8s.io/kubernetes/pkg/kubelet/images/pullmanager.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name

VERIFYING = (1, 35)
"""The first version with the feature gate KubeletEnsureSecretPulledImages on by default."""
_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})")


@dataclasses.dataclass(frozen=True)
class Node:
    """A node as it was when its kubelet last reported. It names at most 50 images by default (nodeStatusMaxImages)."""

    name: str
    kubelet: str
    """The version, such as v1.37.2."""
    images: frozenset[str] = dataclasses.field(default=frozenset(), repr=False)

    @classmethod
    def from_object(cls, item: t.Mapping[str, t.Any]) -> Node:
        status = item.get("status") or {}
        kubelet = (status.get("nodeInfo") or {}).get("kubeletVersion") or ""
        images = (name for image in status.get("images") or () for name in image.get("names") or ())
        return cls(item["metadata"]["name"], kubelet, frozenset(images))

    @property
    def verifies(self) -> bool:
        """Whether its kubelet verifies credentials by default."""
        found = _VERSION.match(self.kubelet)
        return found is not None and (int(found[1]), int(found[2])) >= VERIFYING

    def has(self, image: str) -> bool:
        """Whether it has the image. Raises ImageNameError."""
        reference = image_name.reference(image)
        separator = "@" if ":" in reference else ":"
        return f"{image_name.repository(image)}{separator}{reference}" in self.images
