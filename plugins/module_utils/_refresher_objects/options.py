# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ecr_public_refresher, and the rules that hold for each of them. Private to this collection.

The rules across options that concern times are in timing.py.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import globs_of, names_of, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import read_registries
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options as pull_secret_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests, program, timing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import (
    Requirement,
    SelectorError,
    check_globs,
    requirements,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CA,
    FEDERATED,
    AwsAccess,
    Places,
    Pod,
    Renewal,
    Schedule,
    Settings,
)

PROGRAM = "_program"
"""The text of each of program.FILES. The action plugin gives them, never the user."""

SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "suspended", "absent"], "default": "present"},
    **{
        option: pull_secret_options.PULL_SECRET[option]
        for option in ("name", "exclude_namespaces", "registries", "renew_before", "fail_open", "labels", "annotations")
    },
    # The aliases of ecr_public_pull_secret would be mistaken for the refresher's own namespace.
    "namespaces": {"type": "list", "elements": "str"},
    "namespace_selector": {"type": "list", "elements": "str"},
    "service_accounts": pull_secret_options.PULL_SECRET["service_accounts"],
    "attach_service_accounts": {"type": "bool", "default": True},
    "fail_open_before": {"type": "str", "default": ""},
    "workers": {"type": "int", "default": 32},
    "test_run": {"type": "str", "choices": ["on_change", "always", "deferred", "never"], "default": "on_change"},
    "namespace": {"type": "str", "default": "ecr-public-refresher"},
    "schedule": {"type": "str", "default": ""},
    "time_zone": {"type": "str", "default": "Etc/UTC"},
    "image": {"type": "str", "default": "public.ecr.aws/aws-cli/aws-cli:2.36.7"},
    "image_pull_policy": {"type": "str", "choices": ["Always", "IfNotPresent", "Never"], "default": "IfNotPresent"},
    "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "resources": {
        "type": "dict",
        "default": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    },
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "priority_class": {"type": "str", "default": ""},
    # Of the refresher's way to AWS. The option proxy is kubernetes.core's, for this module's way to the cluster.
    "aws_proxy": {"type": "str", "default": ""},
    "aws_no_proxy": {"type": "str", "default": ""},
    "ca_bundle": {"type": "str", "default": ""},
    "aws_auth": {
        "type": "str",
        "choices": ["secret", "existing_secret", "irsa", "pod_identity", "web_identity", "ambient"],
    },
    "aws_access_key": {"type": "str", "no_log": False},
    "aws_secret_key": {"type": "str", "no_log": True},
    "aws_existing_secret": {"type": "str", "no_log": False},
    "role_arn": {"type": "str", "default": ""},
    "external_id": {"type": "str", "default": ""},
    "audience": {"type": "str", "default": "sts.amazonaws.com"},
    "aws_endpoint_url": {"type": "str", "default": ""},
    "active_deadline": {"type": "int", "default": 600},
    "history": {"type": "int", "default": 3},
    # No secret, but no_log keeps so much text out of the results and of the target host's system log.
    PROGRAM: {"type": "dict", "default": {}, "no_log": True},
}

MOST_BYTES = 1024 * 1024
"""Of the values of a ConfigMap. https://kubernetes.io/docs/concepts/configuration/configmap/"""

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ACCESS_KEY = re.compile(r"AKIA[A-Z0-9]{12,}")
_SECRET_KEY = re.compile(r"[!-~]{16,}")
# Neither a line break nor a space: it goes into a configuration file.
_ROLE_ARN = re.compile(r"(arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+)?")
_EXTERNAL_ID = re.compile(r"([A-Za-z0-9_+=,.@:/-]{2,1224})?")
_AUDIENCE = re.compile(r"[!-~]+")
_IMAGE = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
)
_PROXY = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+/?)?")


@dataclasses.dataclass(frozen=True)
class Removal:
    """The refresher in a namespace is to be removed. secret: the name of its pull secrets."""

    namespace: str
    secret: str
    workers: int


@dataclasses.dataclass(frozen=True)
class Installation:
    """A refresher is to be written, or changed.

    test_run: on_change, always, deferred or never. warnings: of the options.
    """

    selection: Selection
    test_run: str
    warnings: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    unplaced: Settings
    """All settings but those that only the cluster tells: the namespaces, and a schedule that is not given."""

    @property
    def workers(self) -> int:
        return self.unplaced.renewal.workers

    def settings(self, host: str, listed: t.Iterable[str]) -> Settings:
        """listed: the selected namespaces. With a selector they do not matter: the refresher selects at each run.

        Raises OptionError if they are too many.
        """
        selection, unplaced = self.selection, self.unplaced
        schedule = unplaced.schedule
        if not schedule.schedule:
            own = manifests.default_schedule(host, unplaced.namespace, unplaced.renewal.secret)
            schedule = dataclasses.replace(schedule, schedule=own)
        if selection.selector:
            places = Places((), selection.selector, self.requirements, selection.namespaces, selection.exclude)
        else:
            places = Places(tuple(sorted(listed)))
        settings = dataclasses.replace(unplaced, schedule=schedule, places=places)
        _check_sizes(settings)
        return settings


def _check_sizes(settings: Settings) -> None:
    for each in manifests.config_maps(settings):
        size = sum(len(value.encode()) for value in each["data"].values())
        if size <= MOST_BYTES:
            continue
        if each["metadata"]["name"] == CA:
            raise OptionError(f"ca_bundle: has {size} bytes. A ConfigMap holds at most {MOST_BYTES}.")
        raise OptionError(
            f"namespaces: the names of {len(settings.places.listed)} namespaces need {size} bytes, and a ConfigMap "
            f"holds at most {MOST_BYTES}. Use namespace_selector, with which the refresher finds the namespaces itself."
        )


def read(params: t.Mapping[str, t.Any], year: int) -> Removal | Installation:
    """Raises OptionError or TokenError. year: the present one, from which schedules are read."""
    pull_secret_options.check_name(params["name"])
    pull_secret_options.check_workers(params["workers"])
    if not _DNS_LABEL.fullmatch(params["namespace"]):
        raise OptionError(
            f"namespace: {params['namespace']!r} cannot be a namespace. Use at most 63 lower-case letters, digits and "
            "'-'."
        )
    if params["state"] == "absent":
        return Removal(params["namespace"], params["name"], params["workers"])
    if params[PROGRAM].keys() != set(program.FILES):
        raise OptionError("The module was given no program for the refresher. Run it as a task of a play.")
    selection = pull_secret_options.read_selection(params)
    required = _requirements(selection)
    aws = _aws(params)
    times = timing.read(params, year)
    pod = _pod(params)
    if params["history"] < 1:
        raise OptionError(f"history: must be at least 1, not {params['history']}.")
    schedule = Schedule(
        params["schedule"],
        params["time_zone"],
        params["active_deadline"],
        params["history"],
        suspend=params["state"] == "suspended",
    )
    accounts, globs = _service_accounts(params)
    renewal = Renewal(
        params["name"],
        read_registries(params["registries"]),
        times.renew_before,
        params["fail_open"],
        times.fail_open_before,
        params["workers"],
        pull_secret_options.read_metadata("labels", params["labels"]),
        pull_secret_options.read_metadata("annotations", params["annotations"]),
        accounts,
    )
    unplaced = Settings(params["namespace"], aws, pod, schedule, renewal, Places(), dict(params[PROGRAM]))
    return Installation(selection, params["test_run"], (*times.warnings, *globs), required, unplaced)


def _service_accounts(params: t.Mapping[str, t.Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that the refresher attaches, and a warning about globs. Raises OptionError."""
    given = pull_secret_options.read_service_accounts(params["service_accounts"])
    if not params["attach_service_accounts"]:
        return (), ()
    globs = globs_of(given)
    if not globs:
        return given, ()
    warning = (
        f"service_accounts: the refresher attaches names only, not {some(globs)}. What a glob matches is attached when "
        "ecr_public_pull_secret or the role runs."
    )
    return names_of(given), (warning,)


def _requirements(selection: Selection) -> tuple[Requirement, ...]:
    """Of the selector, in a form that an admission policy can check. Raises OptionError."""
    if not selection.selector:
        return ()
    try:
        found = requirements(selection.selector)
    except SelectorError as exc:
        raise OptionError(
            f"namespace_selector: {str(exc)!r} is not in the syntax of kubectl -l. "
            "Use a=b, a!=b, a in (b,c), a notin (b,c), a or !a, but not a>1."
        ) from exc
    try:
        check_globs((*selection.namespaces, *selection.exclude))
    except SelectorError as exc:
        raise OptionError(
            f"namespaces and exclude_namespaces: {str(exc)!r} cannot be used with namespace_selector. "
            "Use lower-case letters, digits, '-', '*', '?', [a-z] and [!a-z]."
        ) from exc
    return found


def _aws(params: t.Mapping[str, t.Any]) -> AwsAccess:
    kind = params["aws_auth"]
    if not kind or (kind == "existing_secret" and not params["aws_existing_secret"]):
        raise OptionError(
            "aws_auth: the refresher needs AWS access of its own, since the credentials of the control node are never "
            "copied. Use irsa, pod_identity, web_identity or ambient, which need no AWS keys in the cluster, secret "
            "(with aws_access_key and aws_secret_key) or existing_secret (with aws_existing_secret)."
        )
    if kind == "secret" and not (
        _ACCESS_KEY.fullmatch(params["aws_access_key"] or "") and _SECRET_KEY.fullmatch(params["aws_secret_key"] or "")
    ):
        # The message holds no value.
        raise OptionError(
            "aws_access_key must be the AWS access key of an IAM user, which begins with AKIA, and aws_secret_key its "
            "AWS secret key. Temporary keys (ASIA) are rejected: they expire within hours, and then so do the pull "
            "secrets."
        )
    _check_role(params, kind)
    if not _AUDIENCE.fullmatch(params["audience"]):
        raise OptionError(
            "audience: must be the audience of the identity provider in IAM, most often sts.amazonaws.com."
        )
    return AwsAccess(
        kind,
        access_key=params["aws_access_key"] or "",
        secret_key=params["aws_secret_key"] or "",
        existing_secret=params["aws_existing_secret"] or "",
        role_arn=params["role_arn"],
        external_id=params["external_id"],
        audience=params["audience"],
        endpoint_url=params["aws_endpoint_url"],
    )


def _check_role(params: t.Mapping[str, t.Any], kind: str) -> None:
    arn, external_id = params["role_arn"], params["external_id"]
    if not _ROLE_ARN.fullmatch(arn) or (kind in FEDERATED and not arn):
        raise OptionError(
            f"role_arn: {arn!r} must be the ARN of a role, such as arn:aws:iam::123456789012:role/ecr-public-pull, in "
            "the partition aws, since ECR Public exists in no other. aws_auth irsa and web_identity require it."
        )
    if external_id and (not _EXTERNAL_ID.fullmatch(external_id) or not arn or kind in FEDERATED):
        raise OptionError(
            "external_id: must have 2 or more letters, digits and characters of _+=,.@:/-, and needs role_arn. "
            "AWS has none for irsa and web_identity: name the service account in the role's trust policy instead."
        )


def _pod(params: t.Mapping[str, t.Any]) -> Pod:
    if not _IMAGE.fullmatch(params["image"]):
        raise OptionError(
            f"image: {params['image']!r} must be an image with a tag or a digest, such as "
            "public.ecr.aws/aws-cli/aws-cli:2.36.7 or registry.example.com/mirror/aws-cli@sha256:... with 64 "
            "hexadecimal digits."
        )
    if params["name"] in params["image_pull_secrets"]:
        raise OptionError(
            f"image_pull_secrets: {params['name']} is the secret that the refresher renews. Once its token has "
            "expired, the refresher could not start to renew it. Images of ECR Public need no pull secret; use another "
            "one for a mirror."
        )
    if not _PROXY.fullmatch(params["aws_proxy"]):
        # The value may hold a password.
        raise OptionError(
            "aws_proxy: must be an address such as http://proxy.example.com:3128, without a user name and a password: "
            "everyone who can read the CronJob would see them."
        )
    bundle = params["ca_bundle"]
    if bundle and ("-----BEGIN CERTIFICATE-----" not in bundle or "PRIVATE KEY" in bundle):
        raise OptionError(
            "ca_bundle: must be the certificates themselves in PEM format, not the name of a file, and no private key. "
            "lookup('ansible.builtin.file', 'ca.pem') reads a file."
        )
    return Pod(
        params["image"],
        params["image_pull_policy"],
        tuple(params["image_pull_secrets"]),
        params["resources"],
        pull_secret_options.read_strings("node_selector", params["node_selector"]),
        tuple(params["tolerations"]),
        params["priority_class"],
        params["aws_proxy"],
        params["aws_no_proxy"],
        bundle,
    )
