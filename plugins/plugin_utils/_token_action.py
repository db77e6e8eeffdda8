# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins have in common: a token for the module, fetched here and only if needed. Private to this
collection.
"""

from __future__ import annotations

import abc
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.validation import check_type_dict, check_type_list
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import OUTAGE
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _play_defaults, _task_environment
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._registry import (
    NoAnswerError,
    RefusedError,
    try_token,
)

LOOKUP = "freshpull.ecr_public.ecr_public_token"
SHARED = "shared_token"
"""A key that the role puts into `aws`: the token that one host has fetched for a fleet, where it is to be verified."""


class TokenAction(ActionBase, abc.ABC):
    """Asks AWS on the controller, and only if the module's plan needs a token. Credentials stay here."""

    _task: Task
    _entries: str
    """Where the module's result lists what it does."""
    _token_actions: tuple[str, ...]
    """Of what it does, that which writes a token."""
    _fails_open = False
    """Whether the module has an answer to an AWS that gives no token."""

    def act_with_token(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module with these arguments, a copy of the task's, and with a token if it needs one."""
        aws = self._take_aws(args)
        given = bool(args.get("token"))
        # The module gets it as it is, and refuses what is no boolean.
        verify = boolean(args.get("verify", False), strict=False)
        if self._task.check_mode or (given and not verify) or args.get("state") == "absent":
            # There is nothing to ask AWS for, so that the module need not be run twice.
            return self._execute_module(module_args=args, task_vars=task_vars)
        plan = self._plan(args, task_vars)
        if not plan.get("changed"):
            # Nothing to do, or nothing that could be done: the plan is the result.
            return plan
        doubts: list[str] = []
        if self._needs_token(plan, given):
            try:
                with _task_environment.applied(self._environment()):
                    if not given:
                        args["token"] = self._fetch_token(aws, task_vars)
                    if verify:
                        doubts = self._verify(args, aws, task_vars)
            except AnsibleError as exc:
                # Only a failing AWS is a reason to fail open, no bad option and no token that the user brought.
                if not self._fails_open or given or not isinstance(exc.__cause__, (AwsError, RefusedError)):
                    return self._failure(plan, f"Nothing was written. {exc.message}")
                args.pop("token", None)
                args["aws"] = {OUTAGE: exc.message}
        result = self._execute_module(module_args=args, task_vars=task_vars)
        if doubts:
            result["warnings"] = [*result.get("warnings", []), *doubts]
        return result

    @abc.abstractmethod
    def _failure(self, plan: dict[str, t.Any], msg: str) -> dict[str, t.Any]:
        """The result of the task where the plan was not carried out."""

    def _needs_token(self, plan: dict[str, t.Any], given: bool) -> bool:
        """Whether the module would write the token that is given, or cannot say what it would write without one."""
        if given:
            return any(entry["action"] in self._token_actions for entry in plan[self._entries])
        return any(entry["expires_at"] == UNKNOWN for entry in plan[self._entries])

    def _take_aws(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """Take the option aws out of the module's arguments: it is not for the module."""
        aws = args.pop("aws", None) if "aws" in args else self._default_aws()
        aws = {} if aws is None else aws
        if not isinstance(aws, dict):
            raise AnsibleActionFail(f"aws must be a dict with the options of the lookup {LOOKUP}")
        return aws

    def _default_aws(self) -> t.Any:
        """The play's default for a task that omits the option; None if it has none."""
        module_defaults = self._templar.template(self._task.module_defaults or [])
        return _play_defaults.aws(module_defaults, self._task.resolved_action)

    def _plan(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the module would do: its own check mode, on a copy of the task."""
        task = self._task
        self._task = task.copy()
        self._task.check_mode = True
        try:
            return self._execute_module(module_args=dict(args), task_vars=task_vars)
        finally:
            self._task = task

    def _environment(self) -> dict[str, str]:
        """The `environment` of the task, with what it has from its blocks and its play."""
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        return environment

    def _lookup(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> LookupBase:
        """The one that asks AWS, with its options set. Raises AnsibleError for those that cannot be."""
        lookup: LookupBase = lookup_loader.get(LOOKUP, loader=self._loader, templar=self._templar)
        lookup.set_options(var_options=task_vars, direct=aws)
        return lookup

    def _fetch_token(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """One token. Raises AnsibleError."""
        if OUTAGE in aws:
            # Another host of the fleet has asked, in vain: see the role.
            raise AnsibleError(aws[OUTAGE]) from AwsError()
        if SHARED in aws:
            # Unlike a token of the user's own it is AWS's fault if the registry refuses it.
            return aws[SHARED]
        (token,) = self._lookup(aws, task_vars).run([], variables=task_vars, **aws)
        return token

    def _verify(self, args: dict[str, t.Any], aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> list[str]:
        """Try the token on each registry it would be written for; warnings for those that gave no answer.

        Raises AnsibleError from a RefusedError. The lookup's options say whose certificates are trusted.
        """
        token = Token.from_mapping(check_type_dict(args["token"]))
        lookup = self._lookup({name: value for name, value in aws.items() if name != SHARED}, task_vars)
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
