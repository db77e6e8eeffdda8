# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report
author:
  - freshpull contributors (@freshpull)
version_added: 1.0.0
short_description: Build the report of many clusters from results of ecr_public_pull_secret_info
description:
  - Builds one dict from the results of M(freshpull.ecr_public.ecr_public_pull_secret_info) of many clusters, for a file
    in JSON, a page or a ticket. The playbook C(freshpull.ecr_public.report) uses it.
  - The result has only known fields of the results, and no secret.
  - Clusters and namespaces with the worst status come first.
options:
  _input:
    description:
      - The name of each cluster and its registered result. A result without C(namespaces), such as that of a task that
        failed or had a timeout, is that of a cluster that could not be read.
    type: dict
    required: true
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret_info
"""

EXAMPLES = r"""
- name: Write a report of one cluster
  ansible.builtin.copy:
    content: "{{ {'production': pull_secrets} | freshpull.ecr_public.report | to_nice_json }}"
    dest: report.json
    mode: '0600'
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    generated_at:
      description: When the report was built, in UTC.
      type: str
    summary:
      description:
        - The number of C(clusters), of C(unreachable) ones, of C(namespaces), and C(statuses), the number of namespaces
          for each status.
      type: dict
    levels:
      description: How good each status is, V(good), V(attention) or V(bad).
      type: dict
    clusters:
      description: The clusters, those that could not be read first.
      type: list
      elements: dict
      contains:
        cluster:
          description: The name of the cluster.
          type: str
        host:
          description: The URL of its API server.
          type: str
        reachable:
          description: Whether it could be read.
          type: bool
        msg:
          description: Why it could not be read, or empty.
          type: str
        expires_at:
          description: The earliest known expiry among its secrets.
          type: str
        statuses:
          description: The number of namespaces for each status.
          type: dict
        refresher:
          description: The runs of its refresher, if they were read.
          type: dict
        warnings:
          description: The warnings of the task.
          type: list
          elements: str
        namespaces:
          description:
            - The namespaces, with the fields C(namespace), C(status), C(owner), C(expires_at), C(remaining_seconds),
              C(renewed_at), C(planned_action), C(reason), C(msg) and C(service_accounts) of that module.
          type: list
          elements: dict
"""

import datetime as dt
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _report


def report(results: t.Any) -> dict[str, t.Any]:
    """Build the report. Raises AnsibleFilterError."""
    if not isinstance(results, t.Mapping) or not all(isinstance(one, t.Mapping) for one in results.values()):
        raise AnsibleFilterError("report: the input must be a dict of clusters and their registered results")
    return _report.build(results, dt.datetime.now(tz=dt.timezone.utc))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"report": report}
