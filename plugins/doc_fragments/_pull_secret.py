# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that ecr_public_pull_secret and ecr_public_pull_secret_info share."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) creates the secret, or renews it in place if its remaining lifetime is too short.
      - V(absent) deletes a managed secret that the module created and that contains nothing else. From any other
        managed secret it removes the managed entries and the managed metadata, and keeps the rest. An unmanaged secret
        is not changed. Nor is one with another O(owner).
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The name of the secret, the same in each namespace.
    type: str
    default: ecr-public-secret
  owner:
    description:
      - The installation that the secrets belong to, as the value of the label C(ecr-public.freshpull/owner).
      - It keeps tasks and roles apart that use the same O(name) in one cluster. With different owners none of them
        changes or removes the secrets of another.
      - A task without an owner manages only secrets without one. Such tasks are not kept apart.
      - For a secret with another owner V(present) fails for its namespace, with the reason V(other_owner), and
        V(absent) changes nothing. O(adopt) takes such a secret over.
      - The role P(freshpull.ecr_public.pull_secret#role) uses the namespace of its refresher as the owner.
    type: str
    default: ''
  namespaces:
    description:
      - Names and shell globs such as V(team-*) of the namespaces to select.
      - Globs are resolved when the task runs and need permission to list namespaces. A glob that matches nothing is a
        warning.
      - A named namespace that does not exist or is being deleted is a failure. A namespace that only a glob or
        O(namespace_selector) selects is skipped while it is being deleted.
      - The default is V([default]), and V(['*']) if O(namespace_selector) is given.
    type: list
    elements: str
    aliases: [namespace]
  exclude_namespaces:
    description: Names and shell globs of namespaces that are not selected.
    type: list
    elements: str
    default: []
  namespace_selector:
    description:
      - Label selectors, in the syntax of C(kubectl -l). A namespace must match all of them.
      - If no namespace matches, the task succeeds.
    type: list
    elements: str
    aliases: [label_selectors]
  force_renew:
    description: Renew the token whatever its remaining lifetime, unless the new token expires no later.
    type: bool
    default: false
  registries:
    description:
      - The registries for which the kubelet uses the secret. Each of them is one managed entry.
      - V(ecr-public.aws.com), the dual-stack address, can be added. The same token is valid for both.
      - The entry of a registry that you remove from this list is removed from the secret.
    type: list
    elements: str
    default: [public.ecr.aws]
  service_accounts:
    description:
      - Names and shell globs such as V(build-*) of service accounts in each selected namespace. The module adds the
        secret to their C(imagePullSecrets) and keeps the other entries in their order.
      - This affects only pods that are created later and that have no C(imagePullSecrets) of their own.
      - A named account that does not exist is a failure; the secret itself is written. For the account C(default),
        which Kubernetes creates shortly after its namespace, the task waits up to one minute for all namespaces
        together. Check mode assumes that this account exists. A glob that matches no account in any selected namespace
        is a warning.
      - Where the secret fails, for example because it is unmanaged, no account is changed.
      - An account that you remove from this list stays attached. O(state=absent) detaches the listed accounts. Where
        it deletes the secret, it detaches every account that names the secret.
      - The service account of a refresher, known by its label C(ecr-public.freshpull/refresher), is never attached,
        because an expired token would stop the refresher's own pod from starting. A glob skips this account; its name
        is a failure.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Labels for the secret, in addition to the managed metadata. Values must be strings.
      - A label that you remove from this option stays on the secret. The prefix C(ecr-public.freshpull/) is rejected.
    type: dict
    default: {}
  annotations:
    description: Annotations for the secret, with the same rules as O(labels).
    type: dict
    default: {}
  adopt:
    description:
      - Take over an unmanaged secret of this name. The managed entries are added and replace entries for the same
        registries. The rest is kept byte for byte. O(state=absent) removes the managed entries again.
      - The task warns if another tool manages the secret, such as Helm, Argo CD, Flux or External Secrets, since that
        tool is likely to undo the change.
    type: bool
    default: false
  recreate:
    description:
      - Delete and create a secret again if its type is wrong or if it is immutable. Kubernetes allows neither to be
        changed in place.
      - An unmanaged secret also needs O(adopt). A dry run tests the creation first. Entries of other registries and
        the metadata are kept. If the creation fails, the old secret is restored.
      - The secret gets a new UID, and nodes ask the registry again for images that they pulled with it.
    type: bool
    default: false
  prune:
    description:
      - Treat orphans as with O(state=absent). An orphan is a managed secret of this name and this O(owner) in a
        namespace that is not selected.
      - It needs O(owner), so that it never removes the secrets of another task.
      - It needs permission to list secrets of this name in all namespaces, and to get or list namespaces. Without
        this permission, or while a named namespace does not exist, nothing is pruned. The task does everything else
        and fails at its end.
      - Nothing is pruned either if a glob matches no namespace, which may be a typing error. If there are orphans, the
        task then fails at its end and names them with their expiry.
    type: bool
    default: false
  find_orphans:
    description:
      - Look for orphans in all namespaces, even if few are selected, and warn of them. With up to 8 selected namespaces
        the task otherwise reads only these, unless O(prune) is set.
      - It needs permission to list secrets of this name in all namespaces. Without it the task does not warn.
    type: bool
    default: false
  placeholder:
    description:
      - Only create missing secrets, without a token (V({"auths":{}})). Pulls with such a secret are anonymous. Existing
        secrets are not changed.
      - Use it for a refresher that can renew secrets but cannot create them.
    type: bool
    default: false
  workers:
    description: The number of parallel requests, from 1 to 256.
    type: int
    default: 32
notes:
  - If O(kubeconfig), O(context) or O(host) is given, no variable C(K8S_AUTH_*) is read, except those for proxies; with
    O(context) alone E(K8S_AUTH_KUBECONFIG) is read. Under AWX, these variables would otherwise send all hosts of a play
    to the cluster of the credential. M(kubernetes.core.k8s) reads them.
  - In a pod, the task is rejected if E(KUBECONFIG) is set and neither these options nor E(K8S_AUTH_KUBECONFIG) are. The
    client library would use the service account of the pod instead.
  - With a local connection, O(kubeconfig) is a path on the control node, and the file can be encrypted with Ansible
    Vault. With any other connection it is a path on the target host. To use a kubeconfig of the control node there,
    give it as a dict.
"""
