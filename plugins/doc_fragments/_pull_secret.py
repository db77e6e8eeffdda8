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
      - V(absent) deletes a managed secret that the module created and that contains nothing else, except O(labels) and
        O(annotations). From any other managed secret it removes the managed entries and the managed metadata, and keeps
        the rest. An unmanaged secret is not changed. Nor is one with another O(owner).
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
      - The task warns if Helm, Flux, Argo CD, C(kubectl apply) or another tool applies an account with an
        C(imagePullSecrets) list of its own in which the secret is missing. The next deployment of that tool fails with
        a conflict or removes the entry. The warning names accounts, tool and next step.
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
      - Set it with O(state=absent), too. A secret with other labels is used by something else, and is not deleted.
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
      - The task warns if another tool manages the secret, such as Helm, Argo CD, Flux, External Secrets or a
        replicator, since that tool is likely to undo the change. The warning names the tool and the next step.
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
      - With O(state=absent), all secrets of this name and this O(owner) are removed, whatever O(namespaces) selects.
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
  fail_open:
    description:
      - If AWS returns no token, remove the managed entries of secrets whose token has expired or expires within
        O(fail_open_before). The registry rejects pulls with an expired token; without managed entries pulls are
        anonymous.
      - The secret stays the same object and keeps its other entries. The next run that gets a token restores the
        managed entries.
      - A token whose expiry is not known, for example because something else changed the managed entries, is treated
        as expired.
      - This applies only if no token is available from AWS. If an option of O(aws) is wrong, or the registry rejects
        O(token), only tokens that have already expired are removed. Options that cannot be read, and an expired
        O(token), are errors before anything is written.
      - With V(false) such a token is kept, and the task fails and reports it.
      - "Since Kubernetes 1.35 a node that pulled an image with the secret starts further pods with that image without
        asking the registry. Once the managed entries are removed, it asks the registry, anonymously."
    type: bool
    default: true
  fail_open_before:
    description:
      - If AWS returns no token, keep tokens with more remaining lifetime than this. A Go duration such as V(1h30m).
      - It must be more than the time until your next run, or a token can expire in between. It must be less than
        O(renew_before), which leaves time for a renewal.
      - It is limited to 1/3 of the stored token's whole lifetime.
    type: str
    default: 1h
  verify:
    description:
      - Try a new token on each of O(registries) before anything is written, with three HTTPS requests from the control
        node.
      - If the registry rejects a token that AWS returned (401 or 403), the token is not written and the task continues
        without one, see O(fail_open). If it rejects a token given as O(token), nothing is written.
      - If the registry does not respond, or does not use bearer tokens as ECR Public does, the task warns and writes
        the token.
      - C(validate_certs) and C(aws_ca_bundle) of O(aws) apply to these requests. Proxies are taken from the
        environment. Check mode makes no such request.
    type: bool
    default: false
  token_shared:
    description:
      - Whether O(token) was requested from AWS for several clusters, as the role does in a play with several hosts.
      - With O(verify), a registry that rejects such a token counts as no token available, see O(fail_open). A token of
        your own that is rejected is an error.
    type: bool
    default: false
  expired_only:
    description:
      - With O(token_unavailable), remove only tokens that have expired, and keep all others. The action plugin sets it
        if it requested no token because an option of the task is invalid.
    type: bool
    default: false
  token_unavailable:
    description:
      - Why no token is available, if it was requested before the task, for example for several clusters. The task then
        requests no token, and applies O(fail_open). The message of the task contains this text.
      - It cannot be used with O(token).
    type: str
    default: ''
"""
