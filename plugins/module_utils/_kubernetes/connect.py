# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' connection options, and the connection to the API server that they name. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import plain_kubeconfig, redaction
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Transport

_PREFIX = "K8S_AUTH_"
_NAMING = ("kubeconfig", "context", "host")
"""The options that name a cluster."""
# Read in any case: the way to a cluster, not the cluster. The first also begins the names for headers of the proxy.
_OF_PROXIES = ("K8S_AUTH_PROXY", "K8S_AUTH_NO_PROXY")
# Versions of kubernetes.core differ in what no_log hides of it.
_KUBECONFIG = {"type": "raw", "no_log": False}


class ClusterModule(Module):
    """An AnsibleModule that shows the secrets of a kubeconfig neither in the system log nor in the result."""

    def _log_invocation(self) -> None:
        params, self.params = self.params, redaction.redacted_params(self.params)
        try:
            super()._log_invocation()
        finally:
            self.params = params

    def shown_params(self) -> dict[str, t.Any]:
        return redaction.redacted_params(super().shown_params())


def make_module(argument_spec: dict[str, t.Any], **kwargs: t.Any) -> ClusterModule:
    """Return an AnsibleModule with kubernetes.core's connection options."""
    return ClusterModule(argument_spec={**AUTH_ARG_SPEC, "kubeconfig": _KUBECONFIG, **argument_spec}, **kwargs)


def connect(module: ClusterModule, connections: int) -> Cluster:
    """Return the cluster that the module's options name. Raises ClusterError if they name none.

    connections: kept open at most.
    """
    for variable in unread(module.params, os.environ):
        del os.environ[variable]
    transport: Transport | None = plain_kubeconfig.transport(module, AUTH_ARG_SPEC, os.environ)
    if not transport:
        # Its import takes longer than a task with nothing to do.
        from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client

        transport = client.transport(module, connections)
    retries = RetryBudget()
    retries.listen()
    return Cluster(transport, retries=retries)


def unread(params: t.Mapping[str, t.Any], environment: t.Iterable[str]) -> list[str]:
    """Return the connection variables that are not read, because an option names the cluster.

    Under AWX they come from the job's credential, and would send every host with its own kubeconfig to the credential's
    cluster, or trust its CA. A context alone is one of the kubeconfig that a variable names.
    """
    named = [option for option in _NAMING if params.get(option)]
    kept = (*_OF_PROXIES, "K8S_AUTH_KUBECONFIG") if named == ["context"] else _OF_PROXIES
    return [name for name in environment if named and name.startswith(_PREFIX) and not name.startswith(kept)]
