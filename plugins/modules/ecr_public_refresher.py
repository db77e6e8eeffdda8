#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_refresher
short_description: Install the CronJob that renews the pull secrets for Amazon ECR Public
version_added: 1.0.0
description:
  - Installs the refresher, a CronJob that renews the pull secrets of M(freshpull.ecr_public.ecr_public_pull_secret)
    from inside the cluster, with its permissions, its admission policy and its access to AWS.
  - It writes no pull secret. Run it before that module. If the cluster rejects the refresher, the task fails and no
    token is written.
  - Existing objects are read first, with one request for each kind or name. Only objects that differ are written, by
    server-side apply with the field manager C(freshpull).
  - "The order is safe: first the objects that grant nothing (the namespace, the policies, which must be in force, the
    ClusterRoles, the service account); then a dry run of all other objects, which stops the task if the cluster rejects
    one; then these objects; then the removal of objects that are no longer wanted."
  - The role P(freshpull.ecr_public.pull_secret#role) uses this module and ecr_public_pull_secret, and is easier to use.
author:
  - freshpull contributors (@freshpull)
extends_documentation_fragment:
  - freshpull.ecr_public._attributes
  - freshpull.ecr_public._attributes.action_group
  - freshpull.ecr_public._cluster
  - freshpull.ecr_public._refresher_pod
options:
  state:
    description:
      - V(present) installs the refresher or changes it.
      - V(suspended) does the same, suspends the CronJob and deletes its active Jobs. The secrets are then not renewed,
        and pulls are rejected once the tokens expire. Remove the secrets, or renew them in push mode.
      - V(absent) removes the permissions and the AWS keys first, then the CronJob, then the rest. The pull secrets
        stay. The namespace is deleted only if this module created it and it contains no other objects.
    type: str
    choices: [present, suspended, absent]
    default: present
  name:
    description:
      - The name of the pull secrets, the same in each namespace.
      - When it changes, the secrets of the former name are removed, since they are no longer renewed.
    type: str
    default: ecr-public-secret
  owner:
    description:
      - The owner of the pull secrets, see O(freshpull.ecr_public.ecr_public_pull_secret#module:owner). The refresher
        changes only secrets of this owner.
      - The default is the owner that the refresher recorded in its ConfigMap, and O(namespace) if there is no record.
      - A value that differs from the record is rejected unless O(adopt) is set.
      - With O(state=absent) and without this option, the secrets lose the recorded owner, so that tasks without an
        owner manage them.
    type: str
    default: ''
  adopt:
    description:
      - Allow an O(owner) that differs from the recorded one. The secrets of the former owner are taken over by
        M(freshpull.ecr_public.ecr_public_pull_secret) with C(adopt), not by this module.
    type: bool
    default: false
  namespaces:
    description:
      - Names and shell globs such as V(team-*) of the namespaces whose secrets are renewed.
      - Without O(namespace_selector) globs are resolved when the task runs. Namespaces that do not exist are skipped
        with a warning.
      - The default is V([default]), and V(['*']) if O(namespace_selector) is given.
    type: list
    elements: str
  exclude_namespaces:
    description: Names and shell globs of namespaces that are not selected.
    type: list
    elements: str
    default: []
  namespace_selector:
    description:
      - Label selectors, in the syntax of C(kubectl -l), that a namespace must match. All of them must hold.
      - The refresher then selects the namespaces itself, at each run. It creates missing secrets, and removes managed
        entries where a namespace no longer matches.
      - It needs Kubernetes 1.30 or newer and permission to write admission policies. Such a policy restricts the
        refresher to that secret in those namespaces.
    type: list
    elements: str
  service_accounts:
    description:
      - Names of service accounts to whose C(imagePullSecrets) the refresher adds the secret, at each run, in each
        selected namespace where the secret is managed and well-formed. Their other entries stay.
      - Shell globs are allowed, for the same list as in M(freshpull.ecr_public.ecr_public_pull_secret). Only that
        module attaches the service accounts that they match. This module warns of globs.
      - An account that is dropped from the list stays attached.
    type: list
    elements: str
    default: []
  attach_service_accounts:
    description:
      - Attach the secret to O(service_accounts) in each run of the refresher. It needs Kubernetes 1.30 or newer and
        permission to write admission policies. Such a policy restricts the refresher to adding that entry.
    type: bool
    default: true
  registries:
    description:
      - The registries for which the secret is used. V(ecr-public.aws.com), the dual-stack address, can be added.
    type: list
    elements: str
    default: [public.ecr.aws]
  renew_before:
    description:
      - Renew a token when less lifetime than this remains, as a Go duration. It counts as at most 2/3 of a token's
        whole lifetime.
      - It must be more than the time that may pass until the next run is done.
    type: str
    default: 8h
  fail_open:
    description:
      - If no token is available, remove a token that has expired, or that expires before the next run is done. Pulls
        are then anonymous instead of rejected, until a new token is written.
    type: bool
    default: true
  fail_open_before:
    description:
      - If no token is available, keep tokens with more remaining lifetime than this, a Go duration.
      - The default is the longest time until the next run is done, which is the longest gap of O(schedule), plus 10
        minutes in which a run may start, plus O(active_deadline). It cannot be less, and must be less than
        O(renew_before).
    type: str
    default: ''
  labels:
    description: Labels of the pull secrets that the refresher creates. Values must be strings.
    type: dict
    default: {}
  annotations:
    description: Annotations of the pull secrets that the refresher creates. Values must be strings.
    type: dict
    default: {}
  workers:
    description: The number of parallel requests of the module and of the refresher, from 1 to 256.
    type: int
    default: 32
  _program:
    description: The files of the refresher, by name. Not for users; this collection's action plugin passes them.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    details: Dry runs and reads only. If the namespace does not exist yet, the task warns that dry runs in it are not
      possible.
  diff_mode:
    support: full
    details: The first 100 objects that change. The data of a Secret is shown as digests.
  idempotent:
    support: partial
    details: With O(test_run=always) each task starts a Job.
  async:
    support: none
    details: The action plugin on the control node passes the files of the refresher to the module.
  action_group:
    support: full
    membership:
      - freshpull.ecr_public.k8s
notes:
  - "Permissions needed in the cluster: those that the refresher gets (or C(escalate) and C(bind)), C(get), C(create),
    C(patch) and C(delete) on the objects in O(namespace), on ClusterRoles and, in the selected namespaces, on
    RoleBindings, which are listed in all namespaces; C(list) on ConfigMaps and Jobs in O(namespace); C(get), C(create),
    C(patch) and C(delete) on ClusterRoleBindings; C(get) on admission policies, and with O(namespace_selector) or
    O(service_accounts) C(create), C(patch) and C(delete) on these. C(create) on pods is for a dry run; without it the
    task warns. The test run needs C(create) on jobs, C(list) on pods and events, and C(get) on the logs of pods."
  - Two refreshers in one cluster need different values of O(namespace), which also gives them different owners.
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret
  - name: CronJob
    description: Jobs on a schedule in Kubernetes.
    link: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

EXAMPLES = r"""
- name: Install a refresher for three namespaces, with an IAM role and no AWS keys in the cluster
  freshpull.ecr_public.ecr_public_refresher:
    namespaces: [default, team-a, team-b]
    aws_auth: web_identity
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    test_run: deferred  # The secrets do not exist yet.

- name: Install it with a certificate and IAM Roles Anywhere, which works on every cluster
  freshpull.ecr_public.ecr_public_refresher:
    aws_auth: roles_anywhere
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    trust_anchor_arn: arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/01234567-89ab-cdef-0123-456789abcdef
    profile_arn: arn:aws:rolesanywhere:eu-central-1:123456789012:profile/01234567-89ab-cdef-0123-456789abcdef
    certificate_secret: ecr-public-certificate

- name: Install it with the AWS keys of an IAM user, behind a proxy
  freshpull.ecr_public.ecr_public_refresher:
    namespaces: [default, team-a, team-b]
    aws_auth: secret
    aws_access_key: "{{ vault_pull_only_access_key }}"
    aws_secret_key: "{{ vault_pull_only_secret_key }}"
    aws_proxy: http://proxy.example.com:3128
    aws_no_proxy: .internal.example.com
    ca_bundle: "{{ lookup('ansible.builtin.file', 'proxy-ca.pem') }}"

- name: Install a refresher that selects namespaces by their labels
  freshpull.ecr_public.ecr_public_refresher:
    kubeconfig: ~/.kube/production
    context: production
    name: ecr-public
    namespace: platform-refresher
    namespace_selector: ecr-public=enabled
    exclude_namespaces: [team-sandbox]
    service_accounts: [default]
    attach_service_accounts: true
    registries: [public.ecr.aws, ecr-public.aws.com]
    labels: {team: platform}
    annotations: {example.com/runbook: pull-secrets}
    aws_auth: irsa
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    audience: sts.amazonaws.com
    workers: 64

- name: Install a refresher that runs every hour in the time zone of Berlin, on dedicated nodes, from a mirror
  freshpull.ecr_public.ecr_public_refresher:
    namespaces: ['team-*']
    aws_auth: existing_secret
    aws_existing_secret: pull-only
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    external_id: partner
    aws_endpoint_url: https://vpce-0123.api.ecr-public.us-east-1.vpce.amazonaws.com
    image: registry.example.com/mirror/aws-cli:2.36.7
    image_pull_policy: Always
    image_pull_secrets: [mirror]
    node_selector: {kubernetes.io/os: linux, pool: infra}
    tolerations: [{key: dedicated, operator: Exists}]
    affinity: {podAntiAffinity: "{{ away_from_the_ingress }}"}
    priority_class: infra
    resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 512Mi}}
    schedule: '17 * * * *'
    time_zone: Europe/Berlin
    renew_before: 10h
    fail_open: true
    fail_open_before: 3h
    active_deadline: 300
    history: 1

- name: Install it in a cluster with a service mesh, policies that demand metadata, and users that the platform assigns
  freshpull.ecr_public.ecr_public_refresher:
    namespace_selector: ecr-public=enabled
    aws_auth: web_identity
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    run_as_user: ''
    object_labels: {team: platform}
    object_annotations: {example.com/contact: platform}
    pod_labels: {example.com/mesh: disabled}
    pod_annotations: {example.com/inject: disabled}
    allowed_metadata: ['policies.example.com/*']
    env: [{name: AWS_USE_DUALSTACK_ENDPOINT, value: 'true'}]
    volumes: [{name: extra, configMap: {name: extra}}]
    volume_mounts: [{name: extra, mountPath: /extra}]

- name: Give the refresher another owner, and test it now
  freshpull.ecr_public.ecr_public_refresher:
    owner: platform
    adopt: true
    aws_auth: pod_identity
    test_run: always

- name: Remove the refresher and keep the pull secrets, or change nothing if the account cannot look for a refresher
  freshpull.ecr_public.ecr_public_refresher:
    state: absent
    unreadable_is_absent: true

- name: Remove the refresher, and keep the record of its secrets until a second task removes only that
  freshpull.ecr_public.ecr_public_refresher:
    state: absent
    keep_record: true
    record_only: false
"""

RETURN = r"""
host:
  description: The URL of the API server.
  type: str
  returned: if the options name a cluster
  sample: https://10.0.0.1:6443
objects:
  description: The action for each object. Also returned if the task fails.
  type: list
  elements: dict
  returned: if the options name a cluster
  contains:
    kind:
      description: The kind, such as V(CronJob). For V(Secret) with a former value of O(name), a pull secret.
      type: str
    namespace:
      description: The namespace; empty for a cluster-scoped object.
      type: str
    name:
      description: The name.
      type: str
    action:
      description:
        - V(created), V(changed), V(removed) or V(unchanged). Unchanged RoleBindings are not listed.
      type: str
  sample:
    - kind: CronJob
      namespace: ecr-public-refresher
      name: refresh-ecr-public-token
      action: created
unbound:
  description: Selected namespaces in which the permissions could not be granted. The task fails, but the refresher
    works in all other selected namespaces.
  type: list
  elements: str
  returned: with RV(objects)
  sample: []
served:
  description: The namespaces whose secrets the refresher renewed before this task; V(*) for all.
  type: list
  elements: str
  returned: with RV(objects)
  sample: [default, team-a]
owner:
  description: The owner of the secrets, from O(owner), the record or O(namespace). With O(state=absent) it is empty if
    there is neither the option nor a record.
  type: str
  returned: with RV(objects)
  sample: ecr-public-refresher
complete:
  description:
    - V(true) if the refresher is as the options say. It is V(true) even if the task fails for namespaces in
      RV(unbound), for secrets of a former name that could not be removed, or for the test run.
    - With O(state=absent), V(true) if nothing of the refresher is left. It is V(false) if a namespace that this module
      created stays, since it contains other objects.
  type: bool
  returned: with RV(objects)
  sample: true
may_create_pods:
  description:
    - V(false) if the task has no permission to create pods. It is then unknown whether the cluster accepts the
      refresher's pods, and the task warns.
  type: bool
  returned: with RV(objects)
  sample: true
fail_open_before:
  description: The value of O(fail_open_before) in effect, for other tasks that write the same secrets.
  type: str
  returned: with RV(objects); null if O(state=absent)
  sample: 8400s
test_run:
  description: The result of the test run.
  type: dict
  returned: with RV(objects)
  contains:
    due:
      description: Whether O(test_run=on_change) requires a test run, even if none was done.
      type: bool
    outcome:
      description:
        - V(succeeded); V(failed); V(nothing_to_renew) if there is no managed secret; empty if none was done.
      type: str
    job:
      description: The name of the Job.
      type: str
    msg:
      description: After a failure, its cause, the next step and the end of the pod's log.
      type: str
  sample: {due: true, outcome: succeeded, job: refresh-ecr-public-token-test-x7k2p, msg: ''}
"""

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.connect import connect, make_module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import options, task


def main() -> None:
    module = make_module(options.SPEC, supports_check_mode=True)
    try:
        wanted = options.read(module.params, dt.datetime.now(tz=dt.timezone.utc).year)
        cluster = connect(module, connections=wanted.workers)
    except CollectionError as exc:
        module.fail_json(msg=str(exc))
    report = task.RefresherReport()
    try:
        task.carry_out(cluster, wanted, report, dry_run=module.check_mode)
    except CollectionError as exc:
        report.problems.insert(0, str(exc))
    result: dict[str, t.Any] = {"host": cluster.host, **report.to_result()}
    for warning in report.shown_warnings():
        module.warn(warning)
    if module._diff:
        result["diff"] = report.diff()
    if report.problem:
        module.fail_json(msg=report.problem, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
