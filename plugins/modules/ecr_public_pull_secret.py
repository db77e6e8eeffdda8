#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_pull_secret
short_description: Keep a pull secret for Amazon ECR Public in any number of namespaces
version_added: 1.0.0
description:
  - Writes a token of Amazon ECR Public as a Kubernetes pull secret (type V(kubernetes.io/dockerconfigjson)) into one or
    thousands of namespaces, renews it in place before it expires, and takes it away.
  - A secret of ours whose token has enough life left is left alone, with no write and without asking AWS for a token.
  - A secret is ours if it has the label C(ecr-public.freshpull/managed) with the value V(true). Others are never
    touched unless O(adopt=true).
  - One namespace's failure does not stop the others. The task then fails at the end, with every result in it.
  - AWS is asked on the controller, by the lookup P(freshpull.ecr_public.ecr_public_token#lookup), once for all
    namespaces and only if one of them needs a token. AWS credentials never reach the managed host.
  - If AWS gives no token, a stored one that is still good is kept. One that has ended or is about to is taken out of
    its secret, so that pulls go anonymous instead of being refused, see O(fail_open). The task fails either way, and
    says which.
author:
  - freshpull contributors (@freshpull)
requirements:
  - kubernetes >= 26.1.0, on the host that runs the module
  - boto3, on the controller, unless O(token) is given
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - freshpull.ecr_public._pull_secret
  - freshpull.ecr_public._token
  - freshpull.ecr_public._token.renewal
options:
  fail_open:
    description:
      - Whether our keys are taken out of a secret whose token has ended, or ends within O(fail_open_before), if AWS
        gives no new one. With a stale token pulls are refused; without our keys they are anonymous.
      - The secret stays the same object with its other entries, and the next good token is put back by itself.
      - A token whose expiry cannot be believed, since somebody else changed it, counts as ended.
      - It is done only if the AWS side failed. Options that cannot be used and a O(token) that has expired are errors
        before anything is written.
      - With V(false) such a token is kept, the task fails and says so.
      - "The price, with Kubernetes 1.35 and later: a pod whose image is on its node already, recorded under our secret,
        would have started without asking the registry. Without our keys the node asks it, anonymously."
    type: bool
    default: true
  fail_open_before:
    description:
      - A stored token with more life than this is never given up, as a Go duration.
      - It must be more than the time until your next run, or the token may end in between; and less than
        O(renew_before), so that a renewal is tried before.
      - It counts as at most 1/3 of the stored token's whole life.
    type: str
    default: 1h
  verify:
    description:
      - Try a new token on each of O(registries) before anything is written, on the controller, with three requests over
        HTTPS.
      - If the registry refuses the token (401 or 403) it is withheld. One that AWS gave counts as none, see
        O(fail_open); with one that was given as O(token) nothing is written.
      - No answer is a warning. So is a registry that asks for no bearer token, as ECR Public does.
      - C(validate_certs) and C(aws_ca_bundle) of O(aws) hold for it, and proxies are taken from the environment. Never
        done in check mode.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reads only. AWS is not asked, so an expiry that only a token could tell is V(unknown).
  diff_mode:
    support: full
    description:
      - Our metadata, registries, expiry and short fingerprints, never a token, and the names in the C(imagePullSecrets)
        of service accounts, of the first 100 namespaces that change.
  async:
    support: none
    description: The task waits for AWS on the controller between reading and writing.
notes:
  - O(aws) is taken off on the controller. Where AWS gave no token, what the module itself gets in its place is the
    reason, as the only key C(outage).
  - A token carries the rights of the principal that fetched it, and whoever can read the secret has them. Use a
    principal that may do no more than C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken).
  - "Rights needed in the cluster: C(get), C(create) and C(patch) on secrets in the namespaces (C(delete) for
    O(state=absent) and O(recreate)); C(list) on namespaces for globs, selectors and more than 8 namespaces. C(list)
    on secrets, which can be limited to the one name by resourceNames, saves one request a namespace, and is
    needed for O(prune), as C(delete) is; C(get) on namespaces gives a clearer error."
  - "For O(service_accounts) that are named: C(get) and C(patch) on them; C(list), which can be limited to the names by
    resourceNames, saves one request each. For globs: C(list) and C(patch) on serviceaccounts. With O(state=absent) the
    same is needed where a secret is deleted; without it that is a warning, and accounts that are not listed may go on
    naming a secret that is gone, which does no harm but to tidiness."
  - A restart of the API server, an overload and lost connections are borne for up to a minute. A server that serves
    nobody for that long is given up, with every namespace that was not reached in the result. If the task is told to
    stop by a signal, it finishes what it is writing and reports the rest as V(stopped). Run it again after either.
  - Where neither C(list) nor C(get) on namespaces is allowed, named namespaces are taken to exist; check mode then
    cannot see that one is missing.
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret_info
  - plugin: freshpull.ecr_public.ecr_public_token
    plugin_type: lookup
  - name: Amazon ECR Public quotas
    description: Pull rates with and without a token.
    link: https://docs.aws.amazon.com/AmazonECR/latest/public/public-service-quotas.html
"""

EXAMPLES = r"""
- name: A pull secret in three namespaces
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: [default, team-a, team-b]

- name: In all namespaces of the teams but one, with a profile of the controller
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

- name: Wherever a namespace asks for it, also for the dual-stack registry
  freshpull.ecr_public.ecr_public_pull_secret:
    kubeconfig: ~/.kube/production
    context: production
    namespace_selector: ecr-public=enabled
    registries: [public.ecr.aws, ecr-public.aws.com]
    renew_before: 10h
    # Rather refused than anonymous, if AWS gives no token in time.
    fail_open: false
    workers: 64

- name: One token for many clusters, asked for once
  block:
    - name: Fetch it
      ansible.builtin.set_fact:
        ecr_public_token: "{{ lookup('freshpull.ecr_public.ecr_public_token') }}"
      run_once: true
      no_log: true
    - name: Write it where it is needed
      freshpull.ecr_public.ecr_public_pull_secret:
        kubeconfig: "{{ cluster_kubeconfig }}"
        token: "{{ ecr_public_token }}"

- name: For all pods of some service accounts, without a word in the pods
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['team-*']
    service_accounts: [default, 'build-*']

- name: From a schedule that runs every 3 hours
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['team-*']
    # More than the time until the next run.
    fail_open_before: 4h
    verify: true
    # A namespace that is taken out of the list, or excluded, loses its secret.
    prune: true

- name: Renew now, whatever life remains
  freshpull.ecr_public.ecr_public_pull_secret:
    force_renew: true

- name: Add our keys to a secret that exists already, and make it anew if its type is wrong
  freshpull.ecr_public.ecr_public_pull_secret:
    name: registry-logins
    adopt: true
    recreate: true

- name: Reserve the secret for a refresher that may not create it
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['*']
    placeholder: true

- name: Take it away everywhere
  freshpull.ecr_public.ecr_public_pull_secret:
    state: absent
    namespaces: ['*']
"""

RETURN = r"""
host:
  description: The URL of the API server that was written to.
  type: str
  returned: when a cluster could be found in the options
  sample: https://10.0.0.1:6443
namespaces:
  description: What became of each chosen namespace, by name. Also returned when the task fails.
  type: list
  elements: dict
  returned: when the namespaces could be read
  contains:
    namespace:
      description: The namespace.
      type: str
    action:
      description:
        - One of V(created), V(renewed), V(updated), V(adopted), V(recreated), V(reserved), V(failed_open),
          V(removed), V(unchanged), V(skipped), V(failed).
      type: str
    reason:
      description:
        - A word that says why, such as V(missing), V(due), V(expired), V(forced), V(empty), V(restored),
          V(modified), V(registries), V(metadata), V(fresh), V(kept), V(fail_open_disabled), V(token_unavailable),
          V(orphaned), V(unmanaged),
          V(wrong_type), V(immutable), V(malformed), V(forbidden), V(terminating), V(missing_namespace),
          V(unreachable), V(stopped); V(service_accounts) where nothing but an account changed, and
          V(missing_service_account)
          where one does not exist.
      type: str
    expires_at:
      description: When the token in the secret expires, in UTC; V(unknown) in check mode where no token was given.
      type: str
    secret_uid:
      description: The UID of the secret; null if there is none.
      type: str
    service_accounts:
      description:
        - The service accounts that were looked at, by name. For a glob that could not be resolved, the glob.
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
      description: For a failure, what is wrong and what to do.
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
  description: How many namespaces had which action.
  type: dict
  returned: with RV(namespaces)
  sample: {renewed: 2, unchanged: 498}
expires_at:
  description: The earliest known expiry among the secrets.
  type: str
  returned: with RV(namespaces)
  sample: '2026-01-01T18:00:00Z'
fingerprint:
  description: A short digest of what was written for the token given or fetched, as in the secret's annotation; else
    null.
  type: str
  returned: with RV(namespaces)
  sample: sha256:0f343b0931126a20
aws_from_play:
  description: Whether C(AWS_) variables of the task's C(environment), or the play's default for O(aws), are used.
  type: bool
  returned: if they are
  sample: true
"""

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import connect, make_module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask


def main() -> None:
    module = make_module(options.PULL_SECRET, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        given = options.read(module.params)
        cluster = connect(module, connections=given.workers)
        result["host"] = cluster.host
        task = PullSecretTask(
            cluster,
            given.policy,
            workers=given.workers,
            token=given.token,
            outage=given.outage,
            prune=given.prune,
        )
        report = task.plan(given.selection)
        if not module.check_mode:
            report = task.apply(report)
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


if __name__ == "__main__":
    main()
