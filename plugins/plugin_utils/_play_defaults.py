# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module_defaults of a play mean for a task of this collection, as pure functions. Private to this collection.

Ansible hands them to a task itself, with two exceptions. An argument that is omitted hides the default: the role writes
each option of the connection, and omits those that its user does not give. And defaults for kubernetes.core never reach
this collection: a task that names no cluster would use the one of the environment or of the default kubeconfig, while
the play's other tasks use another.

module_defaults: in all functions those of the task with its blocks and its play, the play's first, by resolved names of
groups and modules.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

Defaults = t.Iterable[t.Mapping[str, t.Any]]

CONNECTION = frozenset(
    {*AUTH_ARG_SPEC, *(alias for option in AUTH_ARG_SPEC.values() for alias in option.get("aliases", []))}
)
"""The options of the connection."""
NAMING = ("kubeconfig", "context", "host")
"""Those that name a cluster."""
CLUSTER_GROUP = "group/freshpull.ecr_public.k8s"
AWS_GROUP = "group/freshpull.ecr_public.aws"
_OTHERS = (
    *("kubernetes.core.", "group/kubernetes.core.", "community.kubernetes.", "group/community.kubernetes."),
    # The role calls more than one module.
    "freshpull.ecr_public.",
)


def connection(module_defaults: Defaults, module: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of the connection that a task of the module omits, if it names no cluster."""
    if any(arguments.get(option) for option in NAMING):
        return {}
    options = _options(module_defaults, CLUSTER_GROUP, module)
    return {name: options[name] for name in CONNECTION & options.keys() - arguments.keys()}


def aws(module_defaults: Defaults, module: str) -> t.Any:
    """The option aws for a task of the module that omits it; None if there is no default."""
    return _options(module_defaults, AWS_GROUP, module).get("aws")


def problem(module_defaults: Defaults, arguments: t.Mapping[str, t.Any]) -> str:
    """Why a task with these arguments, completed by connection(), is rejected, or ""."""
    if any(arguments.get(option) for option in NAMING):
        return ""
    for defaults in module_defaults:
        for name, options in defaults.items():
            if name.startswith(_OTHERS) and isinstance(options, t.Mapping) and any(map(options.get, NAMING)):
                return (
                    f"module_defaults name a cluster for {name} and none for this task, which does not read them and "
                    f"would use another cluster. Name it in module_defaults of {CLUSTER_GROUP}, which serves "
                    "kubernetes.core, too, or by options of the task (pull_secret_cluster of the role)."
                )
    return ""


def _options(module_defaults: Defaults, group: str, module: str) -> dict[str, t.Any]:
    """As Ansible merges them: inner defaults replace outer ones of the same name, and a module's come last."""
    by_name: dict[str, t.Any] = {}
    for defaults in module_defaults:
        by_name.update(defaults)
    found = [by_name.get(name) for name in (group, module)]
    return {name: value for each in found if isinstance(each, t.Mapping) for name, value in each.items()}
