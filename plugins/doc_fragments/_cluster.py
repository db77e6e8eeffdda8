# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Notes about the options for the connection to a cluster, which kubernetes.core documents."""

    DOCUMENTATION = r"""
options: {}
notes:
  - If O(kubeconfig), O(context) or O(host) is given, no variable C(K8S_AUTH_*) is read, except those for proxies; with
    O(context) alone E(K8S_AUTH_KUBECONFIG) is read. Under AWX, these variables would otherwise send all hosts of a play
    to the cluster of the credential. M(kubernetes.core.k8s) reads them.
  - In a pod, the task is rejected if E(KUBECONFIG) is set, and neither O(kubeconfig), O(context) nor O(host) with
    credentials is given, as options or as variables C(K8S_AUTH_*). The client library would use the service account of
    the pod instead. It does the same where only C(~/.kube/config) exists, of which the task warns.
  - With a local connection, O(kubeconfig) is a path on the control node, and the file can be encrypted with Ansible
    Vault. With any other connection it is a path on the target host. To use a kubeconfig of the control node there,
    give it as a dict.
  - With a local connection and C(become), a file that the user of the play cannot read is read by the C(become_user),
    such as C(/etc/rancher/k3s/k3s.yaml) or C(/etc/kubernetes/admin.conf). Such a file cannot be encrypted.
  - The certificate of the API server is verified, unless O(validate_certs) is V(false) or the kubeconfig disables it.
    Key identifiers, which some clusters do not have and Python 3.13 requires by default, are not needed.
"""
