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
  - It writes no pull secret. Run it before that module, so that no token is written where the cluster rejects the
    refresher.
  - What exists is read first, one list or one object of each kind. Only what differs is written, by server-side apply
    with the field manager C(freshpull).
  - "The order is safe: first what grants nothing (the namespace, the policy until it is in force, the ClusterRole, the
    service account); then a dry run of everything else, which stops the task if the cluster rejects an object; then the
    same for real; then the removal of what is no longer wanted."
  - The role P(freshpull.ecr_public.pull_secret#role) uses this module, and is the easier way to all of it.
author:
  - freshpull contributors (@freshpull)
requirements:
  - kubernetes >= 26.1.0, on the host that runs the module
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - freshpull.ecr_public._refresher_pod
options:
  state:
    description:
      - V(present) installs the refresher or changes it.
      - V(suspended) does the same, suspends the CronJob and ends the Jobs that run. Nobody renews the secrets then,
        and pulls are rejected once their tokens expire. Remove the secrets, or renew them from outside.
      - V(absent) removes the permissions and the AWS keys first, then the CronJob, then the rest. The pull secrets
        stay. The namespace is deleted only if this module created it and nothing else is in it.
    type: str
    choices: [present, suspended, absent]
    default: present
  name:
    description:
      - The name of the pull secrets, the same in each namespace.
      - When it changes, the secrets of the former name are removed, since nobody renews them any more.
    type: str
    default: ecr-public-secret
  namespaces:
    description:
      - Names and shell globs such as V(team-*) of the namespaces whose secrets are renewed.
      - Without O(namespace_selector) globs are resolved when the task runs, and namespaces that do not exist are left
        out with a warning.
      - The default is V([default]), and V(['*']) if O(namespace_selector) is given.
    type: list
    elements: str
  exclude_namespaces:
    description: Names and shell globs of namespaces that are left out.
    type: list
    elements: str
    default: []
  namespace_selector:
    description:
      - Label selectors, in the syntax of C(kubectl -l), that a namespace must match. All of them must hold.
      - The refresher then selects the namespaces itself, at each run. It creates missing secrets, and removes managed
        entries where a namespace no longer matches.
      - It needs Kubernetes 1.30 or newer, where an admission policy restricts the refresher to that secret in those
        namespaces.
    type: list
    elements: str
  service_accounts:
    description:
      - Names of service accounts to whose C(imagePullSecrets) the refresher adds the secret, at each run, in each
        selected namespace where the secret is managed and well-formed. Their other entries stay.
      - Shell globs are allowed, since the same list serves M(freshpull.ecr_public.ecr_public_pull_secret), but only
        that module attaches what they match. This one warns of them.
      - An account that is dropped from the list stays attached.
    type: list
    elements: str
    default: []
  attach_service_accounts:
    description:
      - Whether the refresher attaches O(service_accounts). It needs Kubernetes 1.30 or newer, where an admission policy
        restricts the refresher to adding that entry, and the permission to write such policies.
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
      - Renew a token if less lifetime than this remains, as a Go duration. It counts as at most 2/3 of a token's whole
        lifetime.
      - It must be more than the time that may pass until the next run is done.
    type: str
    default: 8h
  fail_open:
    description:
      - Whether the refresher removes a token that has expired, or expires before the next run is done, if AWS returns
        no other. Pulls are then anonymous instead of rejected, until the next good token is written.
    type: bool
    default: true
  fail_open_before:
    description:
      - A token with more remaining lifetime than this is never removed, as a Go duration.
      - The default is what may pass until the next run is done, which is the longest gap of O(schedule), 10 minutes in
        which a run may start, and O(active_deadline). It cannot be less, and must be less than O(renew_before).
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
  test_run:
    description:
      - Whether to start a Job from the CronJob that renews the secrets whatever lifetime remains, and to wait for
        tokens that expire later, in the same secrets.
      - V(on_change) does it if this task changed the refresher, and again in later tasks until a test run succeeds.
      - V(deferred) does none, but if this task changed the refresher, a later task with V(on_change) does. It is for a
        play that writes the secrets between the two.
      - It needs secrets that exist, unless O(namespace_selector) is given. Without any the task warns.
      - Not done in check mode, nor with O(state=suspended).
    type: str
    choices: [on_change, always, deferred, never]
    default: on_change
  _program:
    description: The files of the refresher, by name. Not for users; this collection's action plugin passes them.
    type: dict
    default: {}
  namespace:
    description:
      - The namespace of the CronJob, created if it is missing. Use one of its own, since whoever can create pods in it
        can use the refresher's permissions and AWS keys.
      - It has no alias, so that it is not mistaken for O(namespaces).
    type: str
    default: ecr-public-refresher
  schedule:
    description:
      - When the refresher runs, as the five fields of a cron schedule, or a nickname such as V(@hourly).
      - The default is every 2 hours, at a minute that depends on the cluster, O(namespace) and O(name). A run with
        nothing to renew costs one read for each secret, no write and no call of AWS.
      - A schedule with which a token could expire between two runs is rejected. One with which a renewal that fails has
        no second chance is a warning.
      - Two runs must be further apart than O(active_deadline), since a run ends the one before it if that still works.
        So a pod that cannot end, as on a node that is gone, never stops the schedule.
    type: str
    default: ''
  time_zone:
    description: The time zone of the schedule, by its IANA name. Summer time makes one gap of the year longer.
    type: str
    default: Etc/UTC
  active_deadline:
    description:
      - Seconds after which a Job is ended, at least 180.
      - Its pod is ended 60 seconds before that, and the program stops by itself another 30 seconds before, so that what
        it says can be read.
    type: int
    default: 600
  history:
    description: How many finished Jobs are kept, of the successful and of the failed ones. All are deleted after a day.
    type: int
    default: 3
attributes:
  check_mode:
    support: full
    description:
      - Dry runs and reads only. Where the namespace does not exist yet, a warning says that nothing could be tried in
        it.
  diff_mode:
    support: full
    description: The first 100 objects that change. Of the data of a Secret it shows digests.
  async:
    support: none
    description: The action plugin gives the module its files on the control node.
notes:
  - If any of O(kubeconfig), O(context) or O(host) is given, then E(K8S_AUTH_HOST), E(K8S_AUTH_API_KEY),
    E(K8S_AUTH_USERNAME), E(K8S_AUTH_PASSWORD), E(K8S_AUTH_CERT_FILE) and E(K8S_AUTH_KEY_FILE) are not read, as with
    M(freshpull.ecr_public.ecr_public_pull_secret).
  - With a local connection O(kubeconfig) is a path on the control node and may be vaulted, otherwise it is a path on
    the target host.
  - "Permissions needed in the cluster: those that the refresher gets (or C(escalate) and C(bind)), C(get), C(create),
    C(patch) and C(delete) on the objects in O(namespace), on ClusterRoles and, in the selected namespaces, on
    RoleBindings, which are listed in all namespaces; C(list) on ConfigMaps and Jobs in O(namespace); C(get), C(create),
    C(patch) and C(delete) on ClusterRoleBindings; C(get) on admission policies, and with O(namespace_selector) or
    O(service_accounts) C(create), C(patch) and C(delete) on these. C(create) on pods is for a dry run, and without it
    the task warns. The test run needs C(create) on jobs, C(list) on pods and events, and C(get) on the logs of pods."
  - Two refreshers in one cluster need different values of O(namespace), and of O(name) if one of them has a
    O(namespace_selector).
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret
  - name: CronJob
    description: How Kubernetes runs Jobs on a schedule.
    link: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

EXAMPLES = r"""
- name: A refresher for three namespaces, with a role of IAM and no AWS keys in the cluster
  freshpull.ecr_public.ecr_public_refresher:
    namespaces: [default, team-a, team-b]
    aws_auth: web_identity
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    # There are no secrets yet that it could renew.
    test_run: deferred

- name: The same with the AWS keys of an IAM user, behind a proxy
  freshpull.ecr_public.ecr_public_refresher:
    namespaces: [default, team-a, team-b]
    aws_auth: secret
    aws_access_key: "{{ vault_pull_only_access_key }}"
    aws_secret_key: "{{ vault_pull_only_secret_key }}"
    aws_proxy: http://proxy.example.com:3128
    aws_no_proxy: .internal.example.com
    ca_bundle: "{{ lookup('ansible.builtin.file', 'proxy-ca.pem') }}"

- name: A refresher that selects namespaces by their labels, in a namespace of its own
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
    labels:
      owner: platform
    annotations:
      example.com/runbook: pull-secrets
    aws_auth: irsa
    role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
    audience: sts.amazonaws.com
    workers: 64

- name: On nodes of its own, from a mirror, every hour by the clock of Berlin
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
    node_selector:
      pool: infra
    tolerations:
      - key: dedicated
        operator: Exists
    priority_class: infra
    resources:
      requests: {cpu: 50m, memory: 128Mi}
      limits: {memory: 512Mi}
    schedule: '17 * * * *'
    time_zone: Europe/Berlin
    renew_before: 10h
    fail_open: true
    fail_open_before: 3h
    active_deadline: 300
    history: 1

- name: Test it now
  freshpull.ecr_public.ecr_public_refresher:
    namespaces: [default]
    aws_auth: pod_identity
    test_run: always

- name: Remove it, and leave the pull secrets
  freshpull.ecr_public.ecr_public_refresher:
    state: absent
"""

RETURN = r"""
host:
  description: The URL of the API server that was written to.
  type: str
  returned: when a cluster could be found in the options
  sample: https://10.0.0.1:6443
objects:
  description: What was done with each object, by kind, namespace and name. Also returned when the task fails.
  type: list
  elements: dict
  returned: when a cluster could be found in the options
  contains:
    kind:
      description: The kind, such as V(CronJob). For V(Secret) with a former value of O(name), a pull secret.
      type: str
    namespace:
      description: The namespace; empty for an object that is in none.
      type: str
    name:
      description: The name.
      type: str
    action:
      description:
        - One of V(created), V(changed), V(removed), V(unchanged). RoleBindings that are unchanged are left out.
      type: str
  sample:
    - kind: CronJob
      namespace: ecr-public-refresher
      name: refresh-ecr-public-token
      action: created
unbound:
  description: Selected namespaces in which the permissions could not be granted. All others are served, and the task
    fails.
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
complete:
  description:
    - Whether the refresher is as the options say, even if the task fails for namespaces in RV(unbound), for secrets of
      a former name that could not be removed, or for the test run.
    - With O(state=absent), whether nothing of it is left. It is V(false) if a namespace that this module created stays,
      since something else is in it.
  type: bool
  returned: with RV(objects)
  sample: true
may_create_pods:
  description:
    - V(false) if a dry run of the refresher's pod was rejected, since the task has no permission to create pods. It is
      unknown then whether the cluster accepts the pod, and the task warns.
  type: bool
  returned: with RV(objects)
  sample: true
fail_open_before:
  description: What O(fail_open_before) comes to, for other tasks that write the same secrets.
  type: str
  returned: with RV(objects); null if O(state=absent)
  sample: 8400s
test_run:
  description: The test run.
  type: dict
  returned: with RV(objects)
  contains:
    due:
      description: Whether O(test_run=on_change) calls for a test run, even if none was done.
      type: bool
    outcome:
      description:
        - V(succeeded); V(failed); V(nothing_to_renew) if there is no managed secret; empty if none was done.
      type: str
    job:
      description: The name of the Job.
      type: str
    msg:
      description: For a failure, what is wrong and what to do, with the end of the pod's log.
      type: str
  sample: {due: true, outcome: succeeded, job: refresh-ecr-public-token-test-x7k2p, msg: ''}
"""

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import connect, make_module
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
