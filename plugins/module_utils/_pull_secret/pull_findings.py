# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the pull of an image, where, and the next step. Private to this collection.

docs/docsite/rst/guide_pull_failures.rst has an entry for each code.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened

Code = t.Literal[
    "malformed_secret",
    "missing_secret",
    "other_namespace",
    "wrong_type",
    "unreadable_secret",
    "too_many_secrets",
    "expired",
    "expired_first",
    "rejected",
    "rejected_first",
    "immutable_secret",
    "empty_credential",
    "undefined_order",
    "no_pull_secret",
    "no_matching_entry",
    "no_entries",
    "failed_open",
    "own_list",
    "older_than_account",
    "list_differs",
    "account_without_secret",
    "unreadable_account",
    "other_registry",
    "invalid_image",
    "image_not_in_pod",
    "never_pulled",
    "on_node",
    "on_node_verified",
    "no_such_image",
    "anonymous_rejected",
    "anonymous_throttled",
    "throttled",
    "unverified",
]

TEXTS: dict[Code, str] = {
    "malformed_secret": (
        "Secret {secret} is malformed: {malformed}. As long as the pod names such a secret, the kubelet uses none of "
        "its pull secrets, and does not pull anonymously. Repair or delete the secret, or remove it from the list of "
        "{lister}."
    ),
    "missing_secret": (
        "Secret {secret} does not exist in this namespace, and the kubelet pulls without it. Create it here, or remove "
        "it from the list of {lister}."
    ),
    "other_namespace": (
        "Secret {secret} does not exist in this namespace, but in {namespaces}. A pod can use only the secrets of its "
        "own namespace. Select this namespace in the task that writes the secret, or create the secret here."
    ),
    "wrong_type": (
        "The kubelet ignores secret {secret}, which has the type {type}: it reads only secrets with data of the type "
        "kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg. Delete the secret and create it with the former "
        "type, or set recreate: true."
    ),
    "unreadable_secret": (
        "Secret {secret} could not be read, so it is not known what the kubelet finds in it. {error} Grant permission "
        "to get this secret."
    ),
    "too_many_secrets": (
        "Secret {secret} was not read: the pods and service accounts of this namespace name more than {most} pull "
        "secrets. Remove the names that are not needed."
    ),
    "expired": (
        "The credential for {key} in secret {secret} expired at {expires_at}, and the registry rejects it. Renew the "
        "secret, with ecr_public_pull_secret or with a Job of the refresher, or remove the entry."
    ),
    "expired_first": (
        "The kubelet first tries the credential for {key} in secret {secret}, which expired at {expires_at}. After the "
        "registry has rejected it, the kubelet tries the next one. Renew this secret, or remove the entry."
    ),
    "rejected": (
        "The registry rejects the credential for {key} in secret {secret}. {error} Renew the secret, with "
        "ecr_public_pull_secret or with a Job of the refresher, or remove the entry."
    ),
    "rejected_first": (
        "The kubelet first tries the credential for {key} in secret {secret}, which the registry rejects. {error} Then "
        "the kubelet tries the next one. Renew this secret, or remove the entry."
    ),
    "immutable_secret": (
        "Secret {secret} is immutable, so its expired credential cannot be renewed in place. Set recreate: true, or "
        "delete the secret by hand."
    ),
    "empty_credential": (
        "The entry for {key} in secret {secret} has no user name and no password that the kubelet reads; it ignores "
        "identity tokens. The kubelet tries it nevertheless, and the container runtime can fail with it. Write user "
        "name and password, or remove the entry."
    ),
    "undefined_order": (
        "Secret {secret} has several entries that are the same key {key} for the kubelet, which tries them in no "
        "defined order. Keep one of them."
    ),
    "no_pull_secret": (
        "{Lister} names no pull secret, so the kubelet pulls anonymously. To pull with credentials, attach a secret to "
        "the service account, and restart the workload."
    ),
    "no_matching_entry": (
        "No entry of secret {secret} matches {repository}. It has entries for: {keys}. If the image needs credentials, "
        "add an entry for its registry, without a path, to a secret of the list."
    ),
    "no_entries": (
        "Secret {secret} has no entries, so it has no effect. A managed secret gets its entries from the next task or "
        "Job that has a token."
    ),
    "failed_open": (
        "Secret {secret} failed open: no token was available, and its managed entries were removed. Correct the access "
        "to AWS. The next token restores the entries."
    ),
    "own_list": (
        "The pod has an imagePullSecrets list of its own ({names}), so that of service account {account} ({current}) "
        "has no effect on it. Add {add} to the workload's list, or remove that list."
    ),
    "older_than_account": (
        "The pod got its imagePullSecrets ({names}) when it was created, and service account {account} now has other "
        "ones ({current}){written}. A change of a service account reaches only pods that are created later. Restart "
        "the workload."
    ),
    "list_differs": (
        "The pod's imagePullSecrets ({names}) differ from those of service account {account} ({current}){written}. "
        "Either the pod is older than the account's change, or its workload has a list of its own; the pod's "
        "managedFields do not show which. Restart the workload. If the difference stays, change the workload's list."
    ),
    "account_without_secret": (
        "Service account {account} does not name secret {secret}. Attach it with service_accounts: [{account}], and "
        "restart the workload."
    ),
    "unreadable_account": (
        "Service account {account} could not be read, so the pod's list could not be compared with the account's. "
        "{error} Grant permission to get or list serviceaccounts."
    ),
    "other_registry": (
        "{repository} is not in one of the registries of this task ({registries}). The findings for it are of its pull "
        "secrets only. If the registry is Amazon ECR Public, add it to registries."
    ),
    "invalid_image": (
        "{error}, so the kubelet does not pull it: the container waits with the reason InvalidImageName. Correct the "
        "name in the workload."
    ),
    "image_not_in_pod": (
        "No container of the pod has exactly this image. The result is that of a container with it. To see the pod's "
        "images, omit image."
    ),
    "never_pulled": (
        "Every container with this image has imagePullPolicy: Never, so the kubelet does not pull it. If it is not on "
        "the node, set IfNotPresent."
    ),
    "on_node": (
        "Node {node} has the image, and its kubelet {kubelet} uses it without a pull, whatever the pull secrets are. "
        "The outcome is that of a pull, as on a node without the image. Correct the other findings before the pod "
        "moves."
    ),
    "on_node_verified": (
        "Node {node} has the image. By default its kubelet {kubelet} uses it without a pull if no kubelet pulled it, "
        "or if it was pulled without credentials, with a secret of the same UID or with the same credential. Otherwise "
        "it pulls again, or with imagePullPolicy: Never reports ErrImageNeverPull. Renew secrets in place, so that "
        "their UID stays."
    ),
    "no_such_image": (
        "The registry accepts the pull, but does not have the image. {error} Correct the repository, tag or digest in "
        "the workload."
    ),
    "anonymous_rejected": (
        "The registry rejects a pull without credentials. {error} Check the name of the image. If it is right, attach "
        "a pull secret to the service account, and restart the workload."
    ),
    "anonymous_throttled": (
        "The registry limits the rate of pulls without credentials. {error} Amazon ECR Public allows one per second "
        "for an address, which all nodes behind it share. Attach a pull secret to the service account, and restart the "
        "workload."
    ),
    "throttled": (
        "The registry limits the rate of pulls, so a credential could not be judged. {error} Try again later, with "
        "fewer namespaces."
    ),
    "unverified": (
        "A credential could not be tried on the registry, so its state is that of the API server. {error} Check the "
        "network from where the module runs."
    ),
}
"""What is wrong, and the next step."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """object: in the namespace, as kubectl names it, such as secret/a."""

    code: Code
    object: str
    msg: str

    def to_result(self) -> dict[str, str]:
        return {"code": self.code, "object": self.object, "msg": self.msg}


def finding(code: Code, kind: str, name: str, **values: str) -> Finding:
    """kind: of the object, in lower case. values: the words of the text, which can come from the cluster."""
    return Finding(code, f"{kind}/{shortened(name)}", TEXTS[code].format_map(values))
