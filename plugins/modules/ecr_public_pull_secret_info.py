#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_pull_secret_info
short_description: See how pull secrets for Amazon ECR Public are, and what would be done with them
version_added: 1.0.0
description:
  - Reads the pull secrets of M(freshpull.ecr_public.ecr_public_pull_secret) in one or thousands of namespaces, and says
    of each how it is, until when its token is good, which service accounts use it, and what that module would do with
    it if it had the same options.
  - Nothing is written, and AWS is not asked.
  - What it finds never makes the task fail. Look at RV(summary) or RV(namespaces) for that, as in the examples.
author:
  - freshpull contributors (@freshpull)
requirements:
  - kubernetes >= 26.1.0, on the host that runs the module
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - freshpull.ecr_public._pull_secret
  - freshpull.ecr_public._token.renewal
options: {}
attributes:
  check_mode:
    support: full
    description: Reads only, in check mode and without.
  diff_mode:
    support: none
    description: Nothing is changed.
  async:
    support: none
    description: The decrypted copy of a vaulted kubeconfig goes away when the task returns.
notes:
  - "Rights needed in the cluster: C(get) on secrets in the namespaces; C(list) on namespaces for globs, selectors and
    more than 8 namespaces. C(list) on secrets, which can be limited to the one name by resourceNames, saves one request
    a namespace, as C(list) on serviceaccounts in all namespaces does. Without C(list) on serviceaccounts in the
    namespaces all else is still returned, with a warning."
  - The options say what the other module would do. None of them but O(name), O(registries) and O(renew_before) changes
    what is said of how a secret is.
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret
"""

EXAMPLES = r"""
- name: See how the pull secrets of all namespaces are
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: ['*']
  register: pull_secrets

- name: Show those that nobody will be able to pull with
  ansible.builtin.debug:
    msg: "{{ item.namespace }}: {{ item.status }}, {{ item.msg or item.reason }}"
  loop: "{{ pull_secrets.namespaces | rejectattr('status', 'in', ['fresh', 'due']) }}"
  loop_control:
    label: "{{ item.namespace }}"

- name: Fail if a token ends within two hours, as a check from outside
  ansible.builtin.assert:
    that: pull_secrets.namespaces | selectattr('remaining_seconds', 'ne', none)
      | selectattr('remaining_seconds', 'lt', 7200) | length == 0

- name: What would be adopted or made anew in the namespaces of the teams
  freshpull.ecr_public.ecr_public_pull_secret_info:
    kubeconfig: ~/.kube/production
    context: production
    name: registry-logins
    namespaces: ['team-*']
    exclude_namespaces: [team-sandbox]
    adopt: true
    recreate: true

- name: What would be taken away where it is no longer chosen
  freshpull.ecr_public.ecr_public_pull_secret_info:
    namespaces: ['team-*']
    prune: true

- name: What would be removed
  freshpull.ecr_public.ecr_public_pull_secret_info:
    state: absent
    namespace_selector: ecr-public=enabled
"""

RETURN = r"""
host:
  description: The URL of the API server that was asked.
  type: str
  returned: when a cluster could be found in the options
  sample: https://10.0.0.1:6443
namespaces:
  description: What was found in each chosen namespace, by name.
  type: list
  elements: dict
  returned: success
  contains:
    namespace:
      description: The namespace.
      type: str
    status:
      description:
        - How the secret is, one word.
        - V(fresh), its token is good for O(renew_before) or longer; V(due), it is good for less; V(expired), it has
          ended and pulls with it are refused.
        - V(failed_open), our keys were taken out of it because AWS gave no token, and pulls are anonymous; V(orphaned),
          it is ours and its namespace is not chosen. Orphans are seen where the secrets are listed, so with O(prune),
          globs, selectors and more than 8 namespaces.
        - V(unknown_expiry), it is ours, but no token that we wrote is in it, or nothing that can be believed says when
          that ends. RV(namespaces[].reason) says which.
        - V(missing), there is no such secret or no such namespace; V(unmanaged), it is not ours; V(wrong_type), the
          kubelet ignores it; V(malformed), it cannot be read and keeps the kubelet from pulling anything.
        - V(terminating), the namespace is being deleted; V(forbidden), the secret may not be read; V(unknown), it could
          not be read for another reason, see RV(namespaces[].msg).
      type: str
    expires_at:
      description: When the token in the secret ends, in UTC; null if that is not known.
      type: str
    remaining_seconds:
      description: The life that is left, negative if it is over; null if that is not known.
      type: int
    would:
      description:
        - The C(action) of M(freshpull.ecr_public.ecr_public_pull_secret) with the same options, as its check mode
          returns it, such as V(created), V(renewed), V(unchanged), V(failed).
        - V(unchanged) for an orphan without O(prune); that module then only warns of it.
      type: str
    reason:
      description: The word that says why, as that module returns it.
      type: str
    msg:
      description: Where it would fail, what is wrong and what to do.
      type: str
    secret_uid:
      description: The UID of the secret; null if there is none.
      type: str
    service_accounts:
      description:
        - The service accounts in the namespace that name the secret as one of theirs, whether it exists or not.
        - Null if they may not be listed.
      type: list
      elements: str
  sample:
    - namespace: default
      status: due
      expires_at: '2026-01-01T18:00:00Z'
      remaining_seconds: 16200
      would: renewed
      reason: due
      msg: ''
      secret_uid: 5f0c5a2e-5b0c-4bb7-9a49-6f0a4c1b7e7d
      service_accounts: [default]
summary:
  description: How many namespaces had which status.
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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import connect, make_module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.status import StatusReader


def main() -> None:
    module = make_module(options.PULL_SECRET_INFO, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        given = options.read(module.params)
        cluster = connect(module, connections=given.workers)
        result["host"] = cluster.host
        reader = StatusReader(cluster, given.policy, workers=given.workers, prune=given.prune)
        findings = reader.read(given.selection)
    except CollectionError as exc:
        module.fail_json(msg=str(exc), **result)
    for warning in findings.warnings:
        module.warn(warning)
    module.exit_json(changed=False, **result, **findings.to_result())


if __name__ == "__main__":
    main()
