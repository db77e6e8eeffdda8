# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the module that writes pull secrets and the one that looks at them have in common."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - With V(present) the secret is made, or renewed in place if it has not enough life left.
      - With V(absent) a secret that we made and that holds nothing else is deleted; from any other secret of ours,
        our keys and marks are removed and the rest is left as it is. A foreign secret is left alone.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The name of the secret, the same in each namespace.
    type: str
    default: ecr-public-secret
  namespaces:
    description:
      - Names and shell globs such as V(team-*) of the namespaces that get the secret.
      - Globs are resolved when the task runs, and need the right to list namespaces. One that matches nothing is a
        warning.
      - A namespace that is named and does not exist, or is being deleted, is a failure; one that a glob brought and
        that is being deleted is skipped.
      - The default is V([default]), and V(['*']) if O(namespace_selector) is given.
    type: list
    elements: str
    aliases: [namespace]
  exclude_namespaces:
    description: Names and shell globs of namespaces that are left out.
    type: list
    elements: str
    default: []
  namespace_selector:
    description:
      - Label selectors, in the syntax of C(kubectl -l), that a namespace must match. All of them must hold.
      - It is fine if no namespace matches.
    type: list
    elements: str
    aliases: [label_selectors]
  force_renew:
    description: Renew the token whatever life remains, unless the new one expires no later.
    type: bool
    default: false
  registries:
    description:
      - The registries for which the secret is used by the kubelet.
      - V(ecr-public.aws.com), the dual-stack address, can be added. The same token is good for both.
      - One that is dropped from the list is removed from the secret.
    type: list
    elements: str
    default: [public.ecr.aws]
  service_accounts:
    description:
      - Names and shell globs such as V(build-*) of the service accounts, in each of the namespaces, whose
        C(imagePullSecrets) get the secret's name. Their other entries stay, in their order.
      - This reaches only pods that are made later, and of these only the ones that name no C(imagePullSecrets) of their
        own.
      - An account that is named and does not exist is a failure; the secret is written all the same. The account
        C(default) of a new namespace, which Kubernetes makes a moment later, is waited for, up to a minute for all
        namespaces together; check mode takes it for granted. A glob that matches no account in any of the namespaces
        is a warning.
      - Nothing is attached where the secret fails, for example since it is foreign.
      - An account that is dropped from the list stays attached. With O(state=absent) the listed accounts are detached,
        from a secret that stays because it holds more as well; and where the secret is deleted, every account that
        names it.
      - The account of a refresher, known by its label C(ecr-public.freshpull/refresher), is never attached. A stale
        secret would keep its own cure from starting. A glob leaves it out, its name is a failure.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Labels for the secret, beside our own. Values must be strings.
      - One that is dropped later stays on the secret. Our own prefix C(ecr-public.freshpull/) is refused.
    type: dict
    default: {}
  annotations:
    description: Annotations for the secret, as O(labels).
    type: dict
    default: {}
  adopt:
    description:
      - Take over a secret of this name that is not ours. Our keys go in; an entry for the same registry is overwritten;
        all else is kept, to the byte, and given back with O(state=absent).
      - If Helm, Argo CD, Flux, External Secrets or any other owner looks after the secret, that is a warning, since it
        is likely to undo this.
    type: bool
    default: false
  recreate:
    description:
      - Delete a secret and make it anew where its type is wrong or it is immutable, since neither can be changed in
        place.
      - A foreign secret needs O(adopt) as well. Creating is tried by a dry run first, other registries' entries and the
        metadata are carried over, and if creating fails the old secret is put back.
      - The secret gets a new UID, so nodes ask the registry again for images that they have pulled with it.
    type: bool
    default: false
  prune:
    description:
      - Treat a secret of ours with this name in a namespace that is not chosen, or excluded, as with O(state=absent).
      - Without it such secrets are a warning, as far as they are seen. With up to 8 named namespaces nobody looks.
      - B(Not for two tasks or refreshers) that use one name in one cluster and choose different namespaces. Each would
        take away what the other writes. Give them different names.
      - It needs the right to list secrets of this name in all namespaces, and to get or list namespaces. Without it, or
        while a named namespace does not exist, nothing is pruned; the rest is done, and the task fails at the end.
    type: bool
    default: false
  placeholder:
    description:
      - Only make the secret where it is missing, without a token (V({"auths":{}}), with which pulls stay anonymous).
        Whatever exists is left alone.
      - For a refresher that may fill secrets but not create them.
    type: bool
    default: false
  workers:
    description: The number of requests that are under way at the same time, from 1 to 256.
    type: int
    default: 32
notes:
  - If any of O(kubeconfig), O(context) or O(host) is given, then E(K8S_AUTH_HOST), E(K8S_AUTH_API_KEY),
    E(K8S_AUTH_USERNAME), E(K8S_AUTH_PASSWORD), E(K8S_AUTH_CERT_FILE) and E(K8S_AUTH_KEY_FILE) are not read.
    Otherwise all hosts of a play under AWX would talk to the cluster of the credential. This differs from
    M(kubernetes.core.k8s).
  - With a local connection O(kubeconfig) is a path on the controller and may be vaulted, otherwise it is a path on the
    target. A dict is taken as it is, and so carries a file of the controller to a target.
"""
