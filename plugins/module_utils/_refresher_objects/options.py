# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check the options of ecr_public_refresher. Private to this collection.

The rules about times, which concern several options, are in timing.py.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import (
    globs_of,
    is_dns_label,
    names_of,
    some,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import read_registries
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import options as pull_secret_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import (
    aws_options,
    manifests,
    pod_options,
    program,
    timing,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import (
    Requirement,
    SelectorError,
    requirements,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CA,
    Places,
    Renewal,
    Schedule,
    Settings,
)

PROGRAM = "_program"
"""The option with the text of each of program.FILES. The action plugin sets it, never the user."""

SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "suspended", "absent"], "default": "present"},
    **{
        option: pull_secret_options.PULL_SECRET[option]
        for option in (
            "name",
            "owner",
            "adopt",
            "exclude_namespaces",
            "registries",
            "renew_before",
            "fail_open",
            "labels",
            "annotations",
        )
    },
    # Without the alias namespace of ecr_public_pull_secret: here that is the refresher's own namespace.
    "namespaces": {"type": "list", "elements": "str"},
    "namespace_selector": {"type": "list", "elements": "str"},
    "service_accounts": pull_secret_options.PULL_SECRET["service_accounts"],
    "attach_service_accounts": {"type": "bool", "default": True},
    "fail_open_before": {"type": "str", "default": ""},
    "workers": {"type": "int", "default": 32},
    "keep_record": {"type": "bool", "default": False},
    "record_only": {"type": "bool", "default": False},
    "unreadable_is_absent": {"type": "bool", "default": False},
    "test_run": {"type": "str", "choices": ["on_change", "always", "deferred", "never"], "default": "on_change"},
    "namespace": {"type": "str", "default": "ecr-public-refresher"},
    "schedule": {"type": "str", "default": ""},
    "time_zone": {"type": "str", "default": "Etc/UTC"},
    **pod_options.SPEC,
    **aws_options.SPEC,
    "active_deadline": {"type": "int", "default": 600},
    "history": {"type": "int", "default": 3},
    # Not a secret. no_log keeps this much text out of results and of the target host's system log.
    PROGRAM: {"type": "dict", "default": {}, "no_log": True},
}

MOST_BYTES = 1024 * 1024
"""The limit of a ConfigMap's values. https://kubernetes.io/docs/concepts/configuration/configmap/"""


@dataclasses.dataclass(frozen=True)
class Removal:
    """Options for a removal. namespace: the refresher's. secret: the name of its pull secrets.

    owner: theirs. If it is "", the recorded one is used, and removed from the secrets at the end. adopt: whether owner
    may differ from the recorded one. keep_record: whether the record of the secrets, the namespace and the owner stay
    for now. record_only: whether only these are removed. unreadable_is_absent: whether an account that finds nothing
    and has no permission to read all objects of the refresher is treated as one that finds none.
    """

    namespace: str
    secret: str
    workers: int
    owner: str = ""
    adopt: bool = False
    keep_record: bool = False
    record_only: bool = False
    unreadable_is_absent: bool = False


@dataclasses.dataclass(frozen=True)
class Installation:
    """Options for an installation or a change.

    test_run: on_change, always, deferred or never. adopt: whether the refresher may get another owner. warnings: about
    the options.
    """

    selection: Selection
    adopt: bool
    test_run: str
    warnings: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    unplaced: Settings
    """The settings without those that depend on the cluster: namespaces, owner and the default schedule."""

    @property
    def workers(self) -> int:
        return self.unplaced.renewal.workers

    def settings(self, host: str, listed: t.Iterable[str], owner: str, former_schedule: str = "") -> Settings:
        """Complete the settings for one cluster. Raises OptionError if a ConfigMap would be too large.

        host: the URL of the API server. listed: the selected namespaces, ignored with a selector. owner: never "".
        former_schedule: that of the existing CronJob, or "".
        """
        selection, unplaced = self.selection, self.unplaced
        schedule = unplaced.schedule
        if not schedule.schedule:
            # The host can be known by several URLs. The first one decides.
            own = former_schedule if manifests.is_default_schedule(former_schedule) else ""
            own = own or manifests.default_schedule(host, unplaced.namespace, unplaced.renewal.secret)
            schedule = dataclasses.replace(schedule, schedule=own)
        if selection.selector:
            places = Places((), selection.selector, self.requirements, selection.namespaces, selection.exclude)
        else:
            places = Places(tuple(sorted(listed)))
        renewal = dataclasses.replace(unplaced.renewal, owner=owner)
        settings = dataclasses.replace(unplaced, schedule=schedule, places=places, renewal=renewal)
        _check_sizes(settings)
        return settings


def _check_sizes(settings: Settings) -> None:
    for each in manifests.config_maps(settings):
        size = sum(len(value.encode()) for value in each["data"].values())
        if size <= MOST_BYTES:
            continue
        if each["metadata"]["name"] == CA:
            raise OptionError(
                f"ca_bundle: has {size} bytes, and a ConfigMap holds at most {MOST_BYTES}. Remove certificates from it."
            )
        raise OptionError(
            f"namespaces: the names of {len(settings.places.listed)} namespaces need {size} bytes, and a ConfigMap "
            f"holds at most {MOST_BYTES}. Use namespace_selector: the refresher then selects the namespaces itself."
        )


def read(params: t.Mapping[str, t.Any], year: int) -> Removal | Installation:
    """Read the options. Raises OptionError or TokenError. year: the current year, for the gaps of the schedule."""
    pull_secret_options.check_name(params["name"])
    pull_secret_options.check_owner(params["owner"])
    pull_secret_options.check_workers(params["workers"])
    if not is_dns_label(params["namespace"]):
        raise OptionError(
            f"namespace: {params['namespace']!r} is not a name of a namespace. Use at most 63 lower-case letters, "
            "digits and '-'."
        )
    if params["keep_record"] and params["record_only"]:
        raise OptionError("record_only cannot be used with keep_record. Remove one of the two.")
    if params["state"] == "absent":
        return Removal(
            params["namespace"],
            params["name"],
            params["workers"],
            params["owner"],
            params["adopt"],
            params["keep_record"],
            params["record_only"],
            params["unreadable_is_absent"],
        )
    if params[PROGRAM].keys() != set(program.FILES):
        raise OptionError(
            f"{PROGRAM}: the refresher's program is missing. Run the module as a task of a play: its action plugin "
            "adds it."
        )
    selection = pull_secret_options.read_selection(params)
    required = _requirements(selection)
    aws = aws_options.read(params)
    times = timing.read(params, year)
    pod = pod_options.read_pod(params)
    metadata = pod_options.read_metadata(params)
    if params["history"] < 1:
        raise OptionError(f"history: {params['history']} is too few. Use 1 or more.")
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
        params["owner"],
        read_registries(params["registries"]),
        times.renew_before,
        params["fail_open"],
        times.fail_open_before,
        params["workers"],
        pull_secret_options.read_metadata("labels", params["labels"]),
        pull_secret_options.read_metadata("annotations", params["annotations"]),
        accounts,
    )
    unplaced = Settings(params["namespace"], aws, pod, schedule, renewal, Places(), metadata, dict(params[PROGRAM]))
    return Installation(selection, params["adopt"], params["test_run"], (*times.warnings, *globs), required, unplaced)


def _service_accounts(params: t.Mapping[str, t.Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names that the refresher attaches, and a warning about globs. Raises OptionError."""
    given = pull_secret_options.read_service_accounts(params["service_accounts"])
    if not params["attach_service_accounts"]:
        return (), ()
    globs = globs_of(given)
    if not globs:
        return given, ()
    warning = (
        f"service_accounts: the refresher attaches names only, not {some(globs)}. The service accounts that a glob "
        "matches are attached when ecr_public_pull_secret or the role runs."
    )
    return names_of(given), (warning,)


def _requirements(selection: Selection) -> tuple[Requirement, ...]:
    """Return the selector in a form that an admission policy can check. Raises OptionError."""
    if not selection.selector:
        return ()
    try:
        return requirements(selection.selector)
    except SelectorError as exc:
        raise OptionError(
            f"namespace_selector: {str(exc)!r} is not in the syntax of kubectl -l. "
            "Use a=b, a!=b, a in (b,c), a notin (b,c), a or !a, but not a>1."
        ) from exc
