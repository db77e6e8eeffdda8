# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins have in common: a token for the module, fetched here and only if needed. Private to this
collection.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.validation import check_type_dict, check_type_list
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.freshpull.ecr_public.plugins.module_utils._arguments import OUTAGE
from ansible_collections.freshpull.ecr_public.plugins.module_utils._marks import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._registry import (
    NoAnswerError,
    RefusedError,
    try_token,
)

LOOKUP = "freshpull.ecr_public.ecr_public_token"


class TokenAction(ActionBase):
    """Asks AWS on the controller. Credentials stay here."""

    _task: Task

    def take_aws(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """Take the option aws out of the module's arguments: it is not for the module."""
        aws = args.pop("aws", None) or {}
        if not isinstance(aws, dict):
            raise AnsibleActionFail(f"aws must be a dict with the options of the lookup {LOOKUP}")
        return aws

    def plan(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the module would do: its own check mode, on a copy of the task."""
        task = self._task
        self._task = task.copy()
        self._task.check_mode = True
        try:
            return self._execute_module(module_args=dict(args), task_vars=task_vars)
        finally:
            self._task = task

    def lookup(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> LookupBase:
        """The one that asks AWS, with its options set. Raises AnsibleError for those that cannot be."""
        lookup: LookupBase = lookup_loader.get(LOOKUP, loader=self._loader, templar=self._templar)
        lookup.set_options(var_options=task_vars, direct=aws)
        return lookup

    def fetch_token(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """One token. Raises AnsibleError."""
        if OUTAGE in aws:
            # Another host of the fleet has asked, in vain: see the role.
            raise AnsibleError(aws[OUTAGE]) from AwsError()
        (token,) = self.lookup(aws, task_vars).run([], variables=task_vars, **aws)
        return token

    def verify(self, args: dict[str, t.Any], aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> list[str]:
        """Try the token on each registry it would be written for; warnings for those that gave no answer.

        Raises AnsibleError from a RefusedError. The lookup's options say whose certificates are trusted.
        """
        token = Token.from_mapping(check_type_dict(args["token"]))
        lookup = self.lookup(aws, task_vars)
        trust = {"validate_certs": lookup.get_option("validate_certs"), "ca_file": lookup.get_option("aws_ca_bundle")}
        doubts = []
        for registry in check_type_list(args.get("registries") or [DEFAULT_REGISTRY]):
            try:
                try_token(registry, token, **trust)
            except RefusedError as exc:
                raise AnsibleError(f"The new token is not good, so that it was withheld. {exc}") from exc
            except NoAnswerError as exc:
                doubts.append(f"The token could not be verified, and was written all the same. {exc}")
        return doubts
