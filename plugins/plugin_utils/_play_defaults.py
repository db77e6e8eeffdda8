# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply a play's module_defaults to a task of this collection, as pure functions. Private to this collection.

Ansible applies module_defaults itself, with two exceptions:
An option that is omitted hides its default. The role writes each connection option, and omits those that are not set.
Defaults for kubernetes.core do not apply to this collection. A task that names no cluster would use the cluster of the
environment or of the default kubeconfig, while the other tasks of the play use another one.

module_defaults: in all functions the defaults of the task, its blocks and its play, the play's first, by the resolved
names of groups and modules.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

Defaults = t.Iterable[t.Mapping[str, t.Any]]

CONNECTION = frozenset(
    {*AUTH_ARG_SPEC, *(alias for option in AUTH_ARG_SPEC.values() for alias in option.get("aliases", []))}
)
"""The connection options of kubernetes.core."""
NAMING = ("kubeconfig", "context", "host")
"""The connection options that name a cluster."""
CLUSTER_GROUP = "group/freshpull.ecr_public.k8s"
AWS_GROUP = "group/freshpull.ecr_public.aws"
_OTHERS = (
    *("kubernetes.core.", "group/kubernetes.core.", "community.kubernetes.", "group/community.kubernetes."),
    # The role calls more than one module.
    "freshpull.ecr_public.",
)


def connection(module_defaults: Defaults, module: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the connection options that a task omits. Empty if the task names a cluster."""
    if any(arguments.get(option) for option in NAMING):
        return {}
    options = _options(module_defaults, CLUSTER_GROUP, module)
    return {name: options[name] for name in CONNECTION & options.keys() - arguments.keys()}


def aws(module_defaults: Defaults, module: str) -> t.Any:
    """Return the default of the option aws for a task that omits it; None if there is no default."""
    return _options(module_defaults, AWS_GROUP, module).get("aws")


def problem(module_defaults: Defaults, arguments: t.Mapping[str, t.Any]) -> str:
    """Return the reason to reject a task with these arguments, completed by connection(), or ""."""
    if any(arguments.get(option) for option in NAMING):
        return ""
    for defaults in module_defaults:
        for name, options in defaults.items():
            if name.startswith(_OTHERS) and isinstance(options, t.Mapping) and any(map(options.get, NAMING)):
                return (
                    f"module_defaults name a cluster for {name}, which this task does not read: it would use another "
                    f"cluster. Name the cluster in module_defaults of {CLUSTER_GROUP}, which also applies to "
                    "kubernetes.core, or in options of the task (pull_secret_cluster of the role)."
                )
    return ""


def _options(module_defaults: Defaults, group: str, module: str) -> dict[str, t.Any]:
    """Merge the defaults as Ansible does: inner ones replace outer ones of the same name, the module's come last."""
    by_name: dict[str, t.Any] = {}
    for defaults in module_defaults:
        by_name.update(defaults)
    merged = [by_name.get(name) for name in (group, module)]
    return {name: value for each in merged if isinstance(each, t.Mapping) for name, value in each.items()}
