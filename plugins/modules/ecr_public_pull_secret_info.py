#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_pull_secret_info
short_description: Report status, expiry, users and planned action of pull secrets, and why a pull fails
version_added: 1.0.0
description:
  - Reads the pull secrets of M(freshpull.ecr_public.ecr_public_pull_secret) in one or thousands of namespaces. For each
    it returns the status, when the token expires, which service accounts use the secret, and what that module would do
    with the same options.
  - It writes nothing and requests no token. It accepts every option of that module, so that one dict of options serves
    both. The action plugin removes O(token) and O(aws), and O(verify) has no effect.
  - With O(pod) or O(service_account) it replays the pulls of pods with the rules of the kubelet. For each image it
    returns which credentials the kubelet tries, in which order, whether the pull is likely to succeed, and what is
    wrong, with the next step. It reads the API server only; with O(verify_pull) the registry too.
  - The status of a secret never makes the task fail. Check RV(summary) or RV(namespaces), as in the examples.
author:
  - freshpull contributors (@freshpull)
extends_documentation_fragment:
  - freshpull.ecr_public._attributes
  - freshpull.ecr_public._attributes.action_group
  - freshpull.ecr_public._cluster
  - freshpull.ecr_public._pull_secret
  - freshpull.ecr_public._token
  - freshpull.ecr_public._token.renewal
  - freshpull.ecr_public._info
attributes:
  check_mode:
    support: full
    details: Only reads, with and without check mode. In check mode O(verify_pull) has no effect.
  diff_mode:
    support: none
    details: Changes nothing.
  idempotent:
    support: full
    details: Changes nothing.
  async:
    support: none
    details: The decrypted copy of a kubeconfig in a vault is removed when the task returns.
  action_group:
    support: full
    membership:
      - freshpull.ecr_public.k8s
      - freshpull.ecr_public.aws
notes:
  - "Permissions needed in the cluster: C(get) on secrets in the selected namespaces; C(list) on namespaces for globs,
    selectors and more than 8 namespaces. C(list) on secrets saves one request for each namespace; resourceNames can
    limit it to the one name. C(list) on serviceaccounts in all namespaces saves requests too. Without C(list) on
    serviceaccounts the task warns and returns everything else."
  - "With O(pod) the task needs C(get) on pods, or C(list) for a glob; with both options C(get) on the pull secrets that
    the pods name. C(list) on pods and secrets in all namespaces saves requests in more than 8 namespaces, and shows
    whether a missing secret is in another namespace. C(get) on nodes, and C(list) for more than 8 of them, shows
    whether the node of a pod has the image already."
  - "With O(refresher_namespace) the task needs C(get) on cronjobs in that namespace."
  - The options describe what M(freshpull.ecr_public.ecr_public_pull_secret) would do. Only O(name), O(registries) and
    O(renew_before) affect the status of a secret.
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret
"""

EXAMPLES = r"""
- name: Get the status of the pull secrets in all namespaces
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: ['*']
  register: pull_secrets

- name: Show the secrets that have no valid token
  ansible.builtin.debug:
    msg: "{{ item.namespace }}: {{ item.status }}, {{ item.msg or item.reason }}"
  loop: "{{ pull_secrets.namespaces | rejectattr('status', 'in', ['fresh', 'due']) }}"
  loop_control:
    label: "{{ item.namespace }}"

- name: Fail if a token expires within two hours
  ansible.builtin.assert:
    that: pull_secrets.namespaces | selectattr('remaining_seconds', 'ne', none)
      | selectattr('remaining_seconds', 'lt', 7200) | length == 0

- name: Show what would be adopted or recreated
  freshpull.ecr_public.ecr_public_pull_secret_info:
    kubeconfig: ~/.kube/production
    context: production
    name: registry-logins
    namespaces: ['team-*']
    exclude_namespaces: [team-sandbox]
    adopt: true
    recreate: true

- name: Show which orphans would be removed
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: ['team-*']
    owner: team-a
    prune: true

- name: Find out why the images of a pod are not pulled
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: [team-a]
    pod: web-6d4b75cb6d-hx2kq
  register: web

- name: Show what is wrong, and the next step
  ansible.builtin.debug:
    msg: "{{ item.0.image }} ({{ item.0.outcome }}), {{ item.1.object }}: {{ item.1.msg }}"
  loop: "{{ web.namespaces | map(attribute='pull') | flatten | subelements('findings') }}"
  loop_control:
    label: "{{ item.1.code }}"

- name: Find out whether the registry accepts the credentials of a pod
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: [team-a]
    pod: web-6d4b75cb6d-hx2kq
    verify_pull: true

- name: Find out whether new pods could pull an image in all namespaces
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: ['*']
    service_account: default
    image: public.ecr.aws/docker/library/busybox:1.37
  register: new_pods

- name: Fail if the registry is likely to reject a pull, or the kubelet does not pull
  ansible.builtin.assert:
    that: new_pods.namespaces | map(attribute='pull') | select | flatten
      | selectattr('outcome', 'in', ['rejected_likely', 'blocked']) | length == 0

- name: Fail if the refresher has not succeeded for 5 hours
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: ['team-*']
    owner: ecr-public-refresher
    refresher_namespace: ecr-public-refresher
  register: refreshed
  failed_when: >-
    not refreshed.refresher.last_success_at
    or (now(utc=true) - (refreshed.refresher.last_success_at | to_datetime('%Y-%m-%dT%H:%M:%SZ'))).total_seconds()
       > 5 * 3600

- name: Show what state absent would remove
  freshpull.ecr_public.ecr_public_pull_secret_info:
    state: absent
    namespace_selector: ecr-public=enabled
"""

RETURN = r"""
host:
  description: The URL of the API server.
  type: str
  returned: when the connection options name a cluster
  sample: https://10.0.0.1:6443
namespaces:
  description: The secret of each selected namespace, and each orphan, sorted by namespace.
  type: list
  elements: dict
  returned: success
  contains:
    namespace:
      description: The namespace.
      type: str
    status:
      description:
        - The status of the secret, one word.
        - V(fresh), the token is valid for O(renew_before) or longer; V(due), it is valid for less; V(expired), the
          registry rejects pulls with it.
        - V(failed_open), the managed entries were removed because AWS returned no token, and pulls are anonymous.
        - V(unknown_expiry), the secret is managed, but it has no managed entries, or their expiry is not known.
          RV(namespaces[].reason) gives the cause.
        - V(orphaned), the secret is managed and its namespace is not selected. Orphans are found with O(prune) or more
          than 8 selected namespaces, and permission to list secrets.
        - V(missing), the secret or the namespace does not exist; V(unmanaged), the secret is unmanaged; V(wrong_type),
          the kubelet ignores it; V(malformed), it cannot be read, and the kubelet pulls nothing with it.
        - V(other_owner), it is managed and belongs to another O(owner); V(copy), another tool copied it from another
          namespace, and no task of this collection renews it.
        - V(terminating), the namespace or the secret is being deleted; V(forbidden), reading the secret is denied;
          V(unknown), the secret could not be read for another reason, see RV(namespaces[].msg).
      type: str
    owner:
      description: The owner of a managed secret; empty if it has none.
      type: str
    expires_at:
      description: When the token in the secret expires, in UTC; null if that is not known.
      type: str
    renewed_at:
      description: When the token was written, in UTC, as the secret states it; null if it does not, or is unmanaged.
      type: str
    remaining_seconds:
      description: The remaining lifetime of the token, negative if it has expired; null if that is not known.
      type: int
    planned_action:
      description:
        - The C(action) that M(freshpull.ecr_public.ecr_public_pull_secret) returns in check mode with the same options,
          such as V(created), V(renewed), V(unchanged), V(failed).
        - V(unchanged) for an orphan without O(prune); that module only warns about it.
      type: str
    reason:
      description: The C(reason) for it, as that module returns it.
      type: str
    msg:
      description: If the planned action is V(failed), what is wrong and the next step.
      type: str
    secret_uid:
      description: The UID of the secret; null if there is none.
      type: str
    service_accounts:
      description:
        - The service accounts in the namespace that name the secret, whether it exists or not.
        - Null if they could not be listed.
      type: list
      elements: str
    pull:
      description:
        - The pulls of the pods that O(pod) matches, or of a pod that O(service_account) would get; empty if there is
          none. Null if they could not be replayed.
      type: list
      elements: dict
      returned: with O(pod) or O(service_account)
      contains:
        pod:
          description: The pod; null with O(service_account).
          type: str
        service_account:
          description: The service account of the pod.
          type: str
        image:
          description: The image.
          type: str
        containers:
          description:
            - The containers with this image. Those of init and ephemeral containers and of image volumes begin with
              C(init/), C(ephemeral/) and C(volume/). Empty if no container of the pod has the image.
          type: list
          elements: str
        outcome:
          description:
            - What is likely to happen when the kubelet pulls the image, see RV(assumption).
            - V(authenticated), it pulls with a credential that is not known to be expired; V(anonymous), no pull secret
              has an entry for the image, so it pulls without credentials; V(rejected_likely), all matching credentials
              have expired, or the registry rejected them.
            - V(blocked), it does not pull, because a pull secret is malformed or the name of the image is invalid.
            - V(unknown), a pull secret could not be read, or the only credentials have no user name and password.
            - V(not_our_registry), the image is not in one of O(registries), and nothing is known about its credentials.
          type: str
        credential:
          description: The first element of RV(namespaces[].pull[].chain) that is not known to be rejected, or null.
          type: dict
        chain:
          description:
            - The matching credentials of all pull secrets, in the order in which the kubelet tries them, then the pull
              secrets without any. At most 100 elements.
          type: list
          elements: dict
          contains:
            secret:
              description: The pull secret.
              type: str
            state:
              description:
                - Of a credential V(valid), V(expired), V(unknown_expiry), V(rejected) if the registry rejected it, or
                  V(empty) if it has no user name and password.
                - Of a secret V(no_match), V(missing), V(wrong_type), V(malformed), or V(unreadable).
              type: str
            key:
              description: The key of the entry, without user info; null for a secret without a matching entry.
              type: str
            username:
              description: The user name of the entry. Passwords are never returned.
              type: str
            expires_at:
              description: When the credential expires, in UTC. It is known of managed entries only; null otherwise.
              type: str
            registry:
              description:
                - What the registry states about the credential, with O(verify_pull).
                - V(accepted); V(rejected); V(no_such_image), it accepts the credential and does not have the image;
                  V(throttled), it limits the rate of pulls; V(unverified), it did not respond, or its response states
                  nothing about the credential. Null if it was not tried.
              type: str
        findings:
          description:
            - What is wrong, or worth knowing, and the next step. The collection's guide "Diagnose a pull that fails"
              lists the codes.
          type: list
          elements: dict
          contains:
            code:
              description: One word for conditions, such as V(missing_secret).
              type: str
            object:
              description: The object in the namespace, as kubectl names it, such as V(secret/ecr-public-secret).
              type: str
            msg:
              description: What is wrong, and the next step.
              type: str
    pull_msg:
      description: Why the pulls could not be replayed, or empty.
      type: str
      returned: with O(pod) or O(service_account)
  sample:
    - namespace: default
      status: due
      expires_at: '2026-01-01T18:00:00Z'
      renewed_at: '2026-01-01T06:00:00Z'
      remaining_seconds: 16200
      planned_action: renewed
      reason: due
      msg: ''
      secret_uid: 5f0c5a2e-5b0c-4bb7-9a49-6f0a4c1b7e7d
      service_accounts: [default]
summary:
  description: The number of namespaces for each status.
  type: dict
  returned: success
  sample: {due: 2, fresh: 498}
expires_at:
  description: The earliest known expiry among the secrets.
  type: str
  returned: success
  sample: '2026-01-01T18:00:00Z'
refresher:
  description: The runs of the refresher in O(refresher_namespace).
  type: dict
  returned: with O(refresher_namespace)
  contains:
    namespace:
      description: The namespace.
      type: str
    exists:
      description: Whether the CronJob exists; null if it could not be read.
      type: bool
    schedule:
      description: The schedule of the CronJob.
      type: str
    suspended:
      description: Whether the CronJob is suspended.
      type: bool
    last_schedule_at:
      description: When a Job was last scheduled, in UTC.
      type: str
    last_success_at:
      description: When a Job last succeeded, in UTC.
      type: str
    msg:
      description: Why the CronJob could not be read, or empty.
      type: str
  sample:
    namespace: ecr-public-refresher
    exists: true
    schedule: 17 */2 * * *
    suspended: false
    last_schedule_at: '2026-01-01T08:17:00Z'
    last_success_at: '2026-01-01T08:17:12Z'
    msg: ''
assumption:
  description: What the outcomes of pulls assume, since the API server does not show it.
  type: str
  returned: with O(pod) or O(service_account)
"""

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.connect import connect, make_module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import info_options, options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.status import StatusReader
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import last_runs


def main() -> None:
    module = make_module(info_options.PULL_SECRET_INFO, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        given = options.read(module.params)
        subject = info_options.read_subject(module.params, check_mode=module.check_mode)
        refresher_namespace = info_options.read_refresher_namespace(module.params)
        cluster = connect(module, connections=given.workers)
        result["host"] = cluster.host
        reader = StatusReader(
            cluster,
            given.policy,
            workers=given.workers,
            outage=given.outage,
            prune=given.prune,
            find_orphans=given.find_orphans,
            subject=subject,
        )
        findings = reader.read(given.selection)
        if refresher_namespace:
            result["refresher"] = last_runs.read(cluster, refresher_namespace)
    except CollectionError as exc:
        module.fail_json(msg=str(exc), **result)
    for warning in findings.warnings:
        module.warn(warning)
    module.exit_json(changed=False, **result, **findings.to_result())


if __name__ == "__main__":
    main()
