# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """The options that only ecr_public_pull_secret_info has."""

    DOCUMENTATION = r"""
options:
  pod:
    description:
      - The name of a pod, or a shell glob such as V(web-*), in the selected namespaces. Each of its images is replayed
        with the pull secrets of the pod, those of init and ephemeral containers and of image volumes too.
      - A glob leaves out pods that have finished.
    type: str
  service_account:
    description:
      - The name of a service account in the selected namespaces. The pull of O(image) is replayed for a pod that would
        be created now with this account and without C(imagePullSecrets) of its own.
      - It cannot be used with O(pod), and it needs O(image).
    type: str
  image:
    description:
      - The image whose pull is replayed, spelled as in the pod. It needs O(pod) or O(service_account).
      - With the name of a pod, the pull is replayed even if no container of the pod has the image. A glob leaves out
        the pods without it.
    type: str
  verify_pull:
    description:
      - Try each credential on the registry, in the order of the kubelet, up to the first one that the registry accepts.
        Without a matching credential a pull without credentials is tried.
      - Only the registries in O(registries) get requests. The requests are those for the head of the image's manifest,
        from the host where the module runs. That host sends the stored passwords to the registry, and it needs the
        network and the certificate authorities for it. Proxies are read from the environment.
      - The same credential and image are tried once, whatever number of namespaces has them, and at most 100 times in a
        namespace. A registry that does not respond is not tried again.
      - Nothing is tried in check mode. It needs O(pod) or O(service_account).
    type: bool
    default: false
  refresher_namespace:
    description:
      - The namespace of a refresher. The task reads its CronJob and returns RV(refresher).
    type: str
"""
