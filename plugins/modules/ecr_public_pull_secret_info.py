#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_pull_secret_info
short_description: Report status, expiry, users and planned action of pull secrets for Amazon ECR Public
version_added: 1.0.0
description:
  - Reads the pull secrets of M(freshpull.ecr_public.ecr_public_pull_secret) in one or thousands of namespaces. For each
    it returns the status, when the token expires, which service accounts use the secret, and what that module would do
    with the same options.
  - It writes nothing and requests no token. It accepts every option of that module, so that one dict of options serves
    both. The action plugin removes O(token) and O(aws), and O(verify) has no effect.
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
options: {}
attributes:
  check_mode:
    support: full
    details: Only reads, with and without check mode.
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
  sample:
    - namespace: default
      status: due
      expires_at: '2026-01-01T18:00:00Z'
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
"""

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.connect import connect, make_module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.status import StatusReader


def main() -> None:
    module = make_module(options.PULL_SECRET, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        given = options.read(module.params)
        cluster = connect(module, connections=given.workers)
        result["host"] = cluster.host
        reader = StatusReader(
            cluster,
            given.policy,
            workers=given.workers,
            outage=given.outage,
            prune=given.prune,
            find_orphans=given.find_orphans,
        )
        findings = reader.read(given.selection)
    except CollectionError as exc:
        module.fail_json(msg=str(exc), **result)
    for warning in findings.warnings:
        module.warn(warning)
    module.exit_json(changed=False, **result, **findings.to_result())


if __name__ == "__main__":
    main()
