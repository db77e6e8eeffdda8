# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ecr_public_refresher for its namespace, its CronJob, its pod, its access to AWS and its record.

    Without it the module would be too long.
    """

    DOCUMENTATION = r"""
options:
  namespace:
    description:
      - The namespace of the CronJob. It is created if it is missing. Use a namespace for the refresher alone, since all
        users who can create pods in it can use the refresher's permissions and AWS keys.
      - This is not an alias of O(namespaces).
    type: str
    default: ecr-public-refresher
  schedule:
    description:
      - When the refresher runs, as the five fields of a cron schedule, or a nickname such as V(@hourly).
      - The default is every 2 hours, at a minute that depends on the cluster, O(namespace) and O(name). A run with
        nothing to renew costs one read for each secret, no write and no call of AWS.
      - A schedule is rejected if a token could expire between two runs. The task warns if a failed renewal has no
        second chance before that.
      - Two runs must be further apart than O(active_deadline), since a run replaces a run that is still active. A pod
        that cannot end, such as one on a dead node, therefore never stops the schedule.
    type: str
    default: ''
  time_zone:
    description: The time zone of the schedule, by its IANA name. Summer time makes one gap of the year longer.
    type: str
    default: Etc/UTC
  active_deadline:
    description:
      - The deadline of a Job in seconds, at least 180.
      - Its pod is ended 60 seconds before that. The program stops 30 seconds before the pod's end, and writes its
        termination message.
    type: int
    default: 600
  history:
    description: The number of successful and of failed Jobs to keep. All are deleted after a day.
    type: int
    default: 3
  test_run:
    description:
      - Start a Job from the CronJob that renews all secrets, whatever their remaining lifetime, and wait until the same
        secrets have tokens that expire later.
      - V(on_change) does it if this task changed the refresher, and again in later tasks until a test run succeeds.
      - V(deferred) does it in a later task with V(on_change), if this task changed the refresher. It is for a play that
        writes the secrets between the two tasks.
      - It needs existing secrets, unless O(namespace_selector) is given. Without them the task warns.
      - It is not done in check mode or with O(state=suspended).
    type: str
    choices: [on_change, always, deferred, never]
    default: on_change
  keep_record:
    description:
      - With O(state=absent), keep the ConfigMap that records the name, the owner and the namespaces of the secrets, and
        the namespace. RV(complete) is then V(false) if there is a record.
      - Use it if a later task removes the secrets, and O(record_only) after that task.
    type: bool
    default: false
  record_only:
    description: With O(state=absent), remove only what O(keep_record) kept.
    type: bool
    default: false
  unreadable_is_absent:
    description:
      - With O(state=absent), if the account has no permission to read some objects of the refresher, and none of those
        that it can read exists, assume that there is no refresher. If one of them exists, the task fails.
      - Use it for an account that only has the permissions for the pull secrets, as in push mode.
    type: bool
    default: false
  image:
    description:
      - An image with C(sh), Python 3.9 or newer as C(python3) and the AWS CLI v2 as C(aws), with a tag or a digest. The
        refresher needs no Python packages.
      - The default is the official image on ECR Public, which is pulled without credentials. A mirror can be used.
    type: str
    default: public.ecr.aws/aws-cli/aws-cli:2.36.7
  image_pull_policy:
    description: When the node pulls the image.
    type: str
    choices: [Always, IfNotPresent, Never]
    default: IfNotPresent
  image_pull_secrets:
    description:
      - Pull secrets in O(namespace) for the image, if it comes from a mirror that needs them.
      - The secret that the refresher renews is rejected, since an expired token would stop its own pod from starting.
    type: list
    elements: str
    default: []
  resources:
    description:
      - Requests and limits of the refresher's container.
      - Its scratch directory is in memory, and its content (at most 16 MiB) counts for the memory limit.
    type: dict
    default: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 512Mi}}
  node_selector:
    description:
      - Labels of nodes on which the refresher's pods run, as a pod's C(nodeSelector). Values must be strings.
      - The default keeps the pods from Windows nodes. A value of yours replaces it.
    type: dict
    default: {kubernetes.io/os: linux}
  tolerations:
    description: Taints of nodes that the refresher's pods tolerate, as a pod's C(tolerations).
    type: list
    elements: dict
    default: []
  affinity:
    description: Rules for the nodes of the refresher's pods, as a pod's C(affinity).
    type: dict
    default: {}
  priority_class:
    description: The priority class of the refresher's pods. The default is the cluster's.
    type: str
    default: ''
  run_as_user:
    description:
      - The number of the user and the group of the refresher's process, and of the group of its files (C(runAsUser),
        C(runAsGroup) and C(fsGroup)).
      - With an empty value the pod has none of the three. Use that on platforms that assign them, such as OpenShift.
        Elsewhere the kubelet then rejects the image, since its user is root and C(runAsNonRoot) is set.
    type: str
    default: '65532'
  env:
    description:
      - Variables of the refresher's container, as a container's C(env), for example V(AWS_USE_DUALSTACK_ENDPOINT).
      - Rejected are variables that the refresher sets, variables that change how Python or the loader start, and AWS
        keys and tokens. For keys use O(aws_auth=existing_secret).
    type: list
    elements: dict
    default: []
  volumes:
    description: Volumes of the refresher's pods, as a pod's C(volumes). The names of its own volumes are rejected.
    type: list
    elements: dict
    default: []
  volume_mounts:
    description:
      - Mounts of O(volumes) in the refresher's container, as a container's C(volumeMounts).
      - Paths at, above or below those of the refresher are rejected, such as V(/scratch) and V(/etc).
    type: list
    elements: dict
    default: []
  object_labels:
    description:
      - Labels of every object that this module writes, and of the refresher's Jobs and pods. Values must be strings.
      - The option O(labels) is for the pull secrets.
      - The prefix V(ecr-public.freshpull/), V(app.kubernetes.io/name) and V(app.kubernetes.io/managed-by) are rejected.
    type: dict
    default: {}
  object_annotations:
    description: Annotations of the same objects, by the same rules. The option O(annotations) is for the pull secrets.
    type: dict
    default: {}
  pod_labels:
    description:
      - Labels of the refresher's pods. They are merged over O(object_labels) and over V(sidecar.istio.io/inject=false).
        An empty value removes a label.
      - The default keeps the sidecar of Istio out of the pod. A sidecar that does not end keeps a Job from completing.
    type: dict
    default: {}
  pod_annotations:
    description:
      - Annotations of the refresher's pods. They are merged over O(object_annotations) and over
        V(linkerd.io/inject=disabled). An empty value removes an annotation.
    type: dict
    default: {}
  allowed_metadata:
    description:
      - Keys of labels and annotations that other webhooks and policies add to pull secrets and service accounts when
        the refresher writes them, such as V(istio.io/rev). Globs with V(*) and V(?) are allowed.
      - The admission policies of the refresher reject a write that changes any other label or annotation.
      - Globs that match the collection's own keys, or an annotation that gives a service account a role in a cloud, are
        rejected.
    type: list
    elements: str
    default: []
  aws_proxy:
    description:
      - The proxy through which the refresher reaches AWS, such as V(http://proxy.example.com:3128). The default is
        none.
      - The refresher never uses it for the API server. A user name and a password are rejected, since everyone who can
        read the CronJob would see them.
      - The option O(proxy) is for the connection of this module to the cluster.
    type: str
    default: ''
  aws_no_proxy:
    description:
      - Hosts that the refresher reaches without O(aws_proxy), separated by commas, as in the variable E(NO_PROXY).
      - The addresses that return credentials on a node are added.
    type: str
    default: ''
  ca_bundle:
    description:
      - Certificates of the authorities for the connection to AWS, instead of the public ones, for example of a proxy
        that inspects TLS. The text in PEM format, not the name of a file.
    type: str
    default: ''
  aws_auth:
    description:
      - The refresher's access to AWS. Required unless O(state=absent).
      - V(secret) stores O(aws_access_key) and O(aws_secret_key) in a Secret of O(namespace).
      - V(existing_secret) uses O(aws_existing_secret).
      - V(web_identity) gives the pod a token of its service account, for which STS returns a session of O(role_arn). It
        works on every cluster whose issuer is an identity provider in IAM.
      - V(irsa) does the same by the webhook of Amazon EKS and an annotation of the service account.
      - V(pod_identity) relies on an association of EKS Pod Identity, which must name O(namespace) and the service
        account C(refresh-ecr-public-token).
      - V(ambient) uses the role of the node's instance. Its metadata service must respond to pods (a hop limit of 2).
      - V(roles_anywhere) gets a session of O(role_arn) from IAM Roles Anywhere for the certificate in
        O(certificate_secret). It works on every cluster with Kubernetes 1.29 or newer. AWS's credential helper runs as
        a sidecar of the pod, and only the sidecar has the key of the certificate.
    type: str
    choices: [secret, existing_secret, irsa, pod_identity, web_identity, ambient, roles_anywhere]
  aws_access_key:
    description: The AWS access key of an IAM user with no other permissions. Temporary keys are rejected.
    type: str
  aws_secret_key:
    description: The AWS secret key of that user.
    type: str
  aws_existing_secret:
    description:
      - A Secret in O(namespace) with a key C(credentials), in the format of the AWS shared credentials file, or with
        the keys C(AWS_ACCESS_KEY_ID), C(AWS_SECRET_ACCESS_KEY) and optionally C(AWS_SESSION_TOKEN). C(credentials)
        wins.
      - They are mounted as files. No environment variable of the pod contains a key.
    type: str
  role_arn:
    description:
      - The IAM role that requests the tokens. Required if O(aws_auth) is V(irsa), V(web_identity) or V(roles_anywhere).
      - With the other values the refresher assumes this role with the access that they give.
      - Give the role only C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken), since a token carries
        the permissions of the principal that requested it.
    type: str
    default: ''
  external_id:
    description:
      - The external ID that the trust policy of O(role_arn) requires. Not for V(irsa), V(web_identity) and
        V(roles_anywhere).
    type: str
    default: ''
  audience:
    description: For V(irsa) and V(web_identity), the audience of the identity provider in IAM.
    type: str
    default: sts.amazonaws.com
  trust_anchor_arn:
    description:
      - For V(roles_anywhere), the trust anchor. It must have the certificate of the CA that issued the certificate,
        since the sidecar sends no intermediate certificates.
    type: str
    default: ''
  profile_arn:
    description: For V(roles_anywhere), the profile that names O(role_arn), in the region of O(trust_anchor_arn).
    type: str
    default: ''
  certificate_secret:
    description:
      - For V(roles_anywhere), a Secret in O(namespace) of the type C(kubernetes.io/tls), with C(tls.crt) and
        C(tls.key), such as cert-manager writes and renews. The key must be an RSA or an ECDSA key. Each run reads the
        Secret again.
    type: str
    default: ''
  roles_anywhere_image:
    description:
      - For V(roles_anywhere), the image of the sidecar, with a tag or a digest. Its entry point must be AWS's
        credential helper. O(image_pull_policy) and O(image_pull_secrets) apply to it, too.
      - The default is the official image on ECR Public, which is pulled without credentials. A mirror can be used.
    type: str
    default: public.ecr.aws/rolesanywhere/credential-helper:1.8.1-2026.04.09.16.01
  roles_anywhere_resources:
    description: For V(roles_anywhere), requests and limits of the sidecar.
    type: dict
    default: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 128Mi}}
  aws_endpoint_url:
    description: The address of the ECR Public API, for example a VPC endpoint. The default is the official one.
    type: str
    default: ''
"""
