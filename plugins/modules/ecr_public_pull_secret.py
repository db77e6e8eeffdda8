#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_pull_secret
short_description: Keep a pull secret for Amazon ECR Public valid in any number of namespaces
version_added: 1.0.0
description:
  - Writes a token of Amazon ECR Public as a Kubernetes pull secret (type V(kubernetes.io/dockerconfigjson)) into one or
    thousands of namespaces, renews it in place before it expires, and removes it.
  - A secret is managed if it has the label C(ecr-public.freshpull/managed) with the value V(true). An unmanaged secret
    is not changed unless O(adopt=true).
  - A managed secret whose token has enough remaining lifetime is not changed. The task writes nothing and requests no
    token for it.
  - The token is requested on the control node, by the lookup P(freshpull.ecr_public.ecr_public_token#lookup). One
    request serves all namespaces, and it is made only if one of them needs a token. AWS credentials never reach the
    target host.
  - A failure in one namespace does not stop the others. The task then fails at its end and returns the result of every
    namespace.
  - If AWS returns no token, a valid stored token is kept. If it has expired or is about to, the managed entries are
    removed, and pulls are anonymous instead of rejected. See O(fail_open). In both cases the task fails and reports
    which.
author:
  - freshpull contributors (@freshpull)
requirements:
  - boto3, on the control node, unless O(token) is given
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
    details: Only reads, and requests no token. The expiry of a token that would be requested is V(unknown).
  diff_mode:
    support: full
    details:
      - Managed metadata, registries, expiry and short fingerprints, never a token; and the names in the
        C(imagePullSecrets) of service accounts. Limited to the first 100 namespaces that change.
  idempotent:
    support: partial
    details:
      - A secret is unchanged until its remaining lifetime is less than O(renew_before). With O(force_renew) it is
        renewed each time.
  async:
    support: none
    details: The control node requests the token between the reads and the writes of the task.
  action_group:
    support: full
    membership:
      - freshpull.ecr_public.k8s
      - freshpull.ecr_public.aws
notes:
  - O(aws) is removed on the control node. If AWS returned no token, the module receives only the reason.
  - A token carries the permissions of the principal that requested it, and everyone who can read the secret has them.
    Use a principal with no other permissions than C(ecr-public:GetAuthorizationToken) and
    C(sts:GetServiceBearerToken).
  - "Permissions needed in the cluster: C(get), C(create) and C(patch) on secrets in the selected namespaces, and
    C(delete) for O(state=absent), O(recreate) and O(prune). C(list) on namespaces for globs, selectors and more than 8
    namespaces; C(get) on namespaces makes errors clearer. C(list) on secrets saves one request for each namespace and
    is needed for O(prune); resourceNames can limit it to the one name."
  - "Permissions needed for O(service_accounts): C(get) and C(patch) on named accounts; C(list) saves one request for
    each, and resourceNames can limit it to these names. Globs need C(list) and C(patch) on all service accounts.
    O(state=absent) needs the same where it deletes a secret. Without it the task warns, and accounts that are not
    listed can still name the deleted secret, which does no harm."
  - If C(list) and C(get) on namespaces are both denied, named namespaces are assumed to exist. Check mode then cannot
    report that one is missing.
  - The module retries for up to one minute when the API server restarts, throttles or drops connections. After one
    minute without any successful request it fails, with V(unreachable) for each namespace that it did not reach. After
    SIGINT, SIGTERM or SIGHUP it finishes the writes in progress and reports the other namespaces as V(stopped). Run
    the task again in both cases.
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret_info
  - plugin: freshpull.ecr_public.ecr_public_token
    plugin_type: lookup
  - name: Amazon ECR Public quotas
    description: Pull rates with and without a token.
    link: https://docs.aws.amazon.com/AmazonECR/latest/public/public-service-quotas.html
"""

EXAMPLES = r"""
- name: Write a pull secret into three namespaces
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: [default, team-a, team-b]

- name: Write it into all namespaces of the teams but one, with an AWS profile of the control node
  freshpull.ecr_public.ecr_public_pull_secret:
    name: ecr-public
    namespaces: ['team-*']
    exclude_namespaces: [team-sandbox]
    labels:
      owner: platform
    annotations:
      example.com/runbook: pull-secrets
    aws:
      profile: pull-only

- name: Select namespaces by a label, and add the dual-stack registry
  freshpull.ecr_public.ecr_public_pull_secret:
    kubeconfig: ~/.kube/production
    context: production
    namespace_selector: ecr-public=enabled
    registries: [public.ecr.aws, ecr-public.aws.com]
    renew_before: 10h
    # If AWS returns no token, keep the stored one: pulls are rejected once it expires, and never anonymous.
    fail_open: false
    workers: 64

- name: Use one token for many clusters
  block:
    - name: Request it once
      ansible.builtin.set_fact:
        ecr_public_token: "{{ lookup('freshpull.ecr_public.ecr_public_token') }}"
      run_once: true
      no_log: true
    - name: Write it where it is needed
      freshpull.ecr_public.ecr_public_pull_secret:
        kubeconfig: "{{ cluster_kubeconfig }}"
        token: "{{ ecr_public_token }}"

- name: Attach the secret to service accounts, whose pods then need no imagePullSecrets
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['team-*']
    service_accounts: [default, 'build-*']

- name: Run from a schedule every 3 hours
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['team-*']
    # More than the time until the next run.
    fail_open_before: 4h
    verify: true
    # Remove the secret from namespaces that are no longer selected.
    owner: team-a
    prune: true

- name: Renew now, whatever the remaining lifetime
  freshpull.ecr_public.ecr_public_pull_secret:
    force_renew: true

- name: Take over an existing secret, and recreate it if its type is wrong
  freshpull.ecr_public.ecr_public_pull_secret:
    name: registry-logins
    adopt: true
    recreate: true

- name: Create empty secrets for a refresher that cannot create them
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['*']
    placeholder: true

- name: Remove the secret from all namespaces
  freshpull.ecr_public.ecr_public_pull_secret:
    state: absent
    namespaces: ['*']
"""

RETURN = r"""
host:
  description: The URL of the API server.
  type: str
  returned: when the connection options name a cluster
  sample: https://10.0.0.1:6443
namespaces:
  description: The result for each selected namespace, and for each orphan with O(prune), sorted by name. Also returned
    when the task fails.
  type: list
  elements: dict
  returned: when the namespaces could be read
  contains:
    namespace:
      description: The namespace.
      type: str
    action:
      description:
        - V(created), V(renewed), V(updated), V(adopted), V(recreated) or V(removed).
        - V(reserved), an empty secret was created, see O(placeholder).
        - V(failed_open), the managed entries were removed because AWS returned no token, see O(fail_open). The task
          fails.
        - V(unchanged); V(skipped), the namespace or the secret is being deleted; V(failed), see RV(namespaces[].msg).
      type: str
    reason:
      description:
        - The reason for the action, one word.
        - "A token was written: V(missing), the secret did not exist; V(unmanaged), it was adopted; V(forced), see
          O(force_renew); V(empty), it had no managed entries; V(restored), its managed entries had been removed because
          AWS returned no token; V(modified), the managed entries are not those that were written; V(unknown_expiry),
          the recorded expiry is missing or cannot be read; V(expired); V(due), see O(renew_before); V(wrong_type) or
          V(immutable), it was recreated."
        - "Something else was written: V(registries), another list of registries; V(metadata), O(labels) or
          O(annotations); V(other_owner), O(owner) with O(adopt); V(service_accounts), only service accounts changed."
        - "Nothing was changed: V(fresh); V(not_later), the token at hand expires no later than the stored one;
          V(exists), see O(placeholder). With O(state=absent) V(missing), V(unmanaged), V(other_owner), V(copy),
          V(missing_namespace), V(not_selected) or V(terminating)."
        - "Removed: V(managed), the secret was deleted; V(shared), it contains something else, and only the managed
          entries and metadata were removed; V(orphaned), an orphan, see O(prune)."
        - "AWS returned no token: V(kept), the stored token stays; V(fail_open_disabled), the same although it has
          expired or is about to; V(clocks), the same because the clocks differ by more than 10 minutes;
          V(token_unavailable), there is no token to keep. With RV(namespaces[].action=failed_open) V(due), V(expired),
          V(modified) or V(unknown_expiry)."
        - "The secret cannot be used: V(unmanaged), V(wrong_type), V(malformed), V(immutable); V(other_owner), it
          belongs to another O(owner); V(copy), another tool copied it from another namespace."
        - "The secret is being deleted: V(terminating). Its managed entries were removed, since nothing renews them."
        - "The namespace cannot be used: V(missing_namespace), V(not_selected), V(terminating)."
        - "A service account: V(missing_service_account), it does not exist; V(refresher_service_account), it belongs to
          a refresher."
        - "The API server: V(forbidden), V(unauthorized), V(unreachable), V(api_error); V(conflict), something else
          keeps writing the secret."
        - "Other failures: V(token_needed), the secret changed during the task and now needs a token;
          V(recreate_refused), the new secret was rejected and the old one restored; V(secret_lost), the old one could
          not be restored; V(stopped), a signal stopped the task; V(internal_error), a bug of this collection, which
          stops at this namespace."
      type: str
    expires_at:
      description: When the token in the secret expires, in UTC; V(unknown) in check mode if no token was given.
      type: str
    secret_uid:
      description: The UID of the secret; null if there is none.
      type: str
    service_accounts:
      description:
        - The service accounts that were checked, sorted by name. For a glob that could not be resolved, the glob.
      type: list
      elements: dict
      contains:
        name:
          description: The service account.
          type: str
        action:
          description: One of V(attached), V(detached), V(unchanged), V(failed).
          type: str
    msg:
      description: For a failure, what is wrong and the next step.
      type: str
  sample:
    - namespace: default
      action: renewed
      reason: due
      expires_at: '2026-01-01T18:00:00Z'
      secret_uid: 5f0c5a2e-5b0c-4bb7-9a49-6f0a4c1b7e7d
      service_accounts: [{name: default, action: attached}]
      msg: ''
summary:
  description: The number of namespaces for each action.
  type: dict
  returned: with RV(namespaces)
  sample: {renewed: 2, unchanged: 498}
expires_at:
  description: The earliest known expiry among the secrets.
  type: str
  returned: with RV(namespaces)
  sample: '2026-01-01T18:00:00Z'
fingerprint:
  description: A short digest of the managed entries for the token that was given or requested, as in the secret's
    annotation; null without a token.
  type: str
  returned: with RV(namespaces)
  sample: sha256:0f343b0931126a20
planned:
  description: Present and V(true) if the task failed before anything was written. RV(namespaces) then has what the task
    would have done.
  type: bool
  returned: if nothing was written because of a failure
  sample: true
aws_from_play:
  description: Whether C(AWS_*) variables of the task's C(environment), or the play's default for O(aws), are used.
  type: bool
  returned: if they are
  sample: true
"""

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.connect import connect, make_module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._plan_socket import waiting_plugin
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask


def main() -> None:
    module = make_module(options.PULL_SECRET, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        given = options.read(module.params)
        cluster = connect(module, connections=given.workers)
        result["host"] = cluster.host
        given, report = run(module, cluster, given)
    except CollectionError as exc:
        module.fail_json(msg=str(exc), **result)
    result.update(report.to_result(given.policy, given.token))
    for warning in report.warnings:
        module.warn(warning)
    if module._diff:
        result["diff"] = report.diff(given.policy)
    problem = report.problem(given.policy, given.selection)
    if problem:
        module.fail_json(msg=problem, **result)
    module.exit_json(**result)


def run(module: Module, cluster: Cluster, given: options.Options) -> tuple[options.Options, Report]:
    """Plan, and carry the plan out. Return the options, which the action plugin may have completed, and the report."""
    task = PullSecretTask(
        cluster,
        given.policy,
        workers=given.workers,
        token=given.token,
        outage=given.outage,
        prune=given.prune,
        find_orphans=given.find_orphans,
    )
    report = task.plan(given.selection)
    if module.check_mode:
        return given, report
    plugin = waiting_plugin()
    if plugin and report.changed:
        if not plugin.complete(module, report.to_result(given.policy, given.token)):
            return given, report
        # A token can take a minute, so the cluster is read again.
        return run(module, cluster, options.read(module.params))
    return given, task.apply(report)


if __name__ == "__main__":
    main()
