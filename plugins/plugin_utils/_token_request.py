# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the action plugins that request a token, on the control node and only if needed. Private to this
collection.
"""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.validation import check_type_dict, check_type_list
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN
from ansible_collections.freshpull.ecr_public.plugins.module_utils._registry import (
    RejectedError,
    UnverifiedError,
    try_token,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token, TokenError
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import (
    _planned_run,
    _play_defaults,
    _task_environment,
)
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._planned_run import PlannedRun

LOOKUP = "freshpull.ecr_public.ecr_public_token"


class TokenRequest:
    """Request a token on the control node, only if the module's plan needs one. AWS credentials stay there."""

    def __init__(
        self,
        action: ActionBase,
        *,
        entries: str,
        token_actions: t.Container[str],
        fails_open: bool,
        failure: t.Callable[[dict[str, t.Any], str], dict[str, t.Any]],
    ) -> None:
        """action: the action plugin of the task.

        entries: the key of the module's result that lists the actions. token_actions: those that write a token.
        fails_open: whether the module can fail open if no token is available. failure: builds the result of a task
        whose plan was not carried out, from the plan and a message.
        """
        self._action = action
        self._entries = entries
        self._token_actions = token_actions
        self._fails_open = fails_open
        self._failure = failure

    def run_module(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module with these arguments, a copy of the task's, and with a token if one is needed."""
        aws = self._take_aws(args)
        given = _read_token(args["token"]) if args.get("token") else None
        shared = boolean(args.get("token_shared", False), strict=False)
        # The module gets the value unchanged, and rejects it if it is not a boolean.
        verify = boolean(args.get("verify", False), strict=False)
        decided = bool(given and not verify) or bool(args.get("token_unavailable"))
        if self._action._task.check_mode or decided or args.get("state") == "absent":
            # No token is requested, and one run of the module is enough.
            return self._action._execute_module(module_args=args, task_vars=task_vars)
        with _planned_run.planned(self._action, args, task_vars) as run:
            if not run.plan.get("changed"):
                # There is nothing to do, or the plan failed: the plan is the result.
                return run.plan
            warnings: list[str] = []
            if self._needs_token(run.plan, given):
                try:
                    with _task_environment.applied(self._environment):
                        if not given:
                            args["token"] = self._fetch_token(aws, task_vars)
                        if verify:
                            warnings = self._verify(args, aws, task_vars)
                except AnsibleError as exc:
                    # An invalid option, or a token that the user set, is no reason to remove a token that is still
                    # valid.
                    mistake = (given and not shared) or not isinstance(exc.__cause__, (AwsError, RejectedError))
                    args.pop("token", None)
                    args["token_unavailable"] = exc.message
                    if mistake:
                        args["expired_only"] = True
                    if not self._fails_open or (mistake and not self._has_expired(run, args, task_vars)):
                        return self._failure(run.cancel(), f"Nothing was written. {exc.message}")
            result = run.carry_out(args)
        if warnings:
            result["warnings"] = [*result.get("warnings", []), *warnings]
        return result

    def reads_the_play(self, args: t.Mapping[str, t.Any]) -> bool:
        """Return whether AWS options of the task come from its `environment` or from module_defaults."""
        return bool(_task_environment.names(self._environment) or ("aws" not in args and self._default_aws))

    def _has_expired(self, run: PlannedRun, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> bool:
        """Whether a stored token has expired, so that the registry rejects pulls. args: of a run without a token."""
        if any(entry.get("reason") == "expired" for entry in run.plan[self._entries]):
            return True
        # The plan can state another reason instead, such as force_renew, or a service account that does not exist.
        run.cancel()
        without_token = _planned_run.plan(self._action, {**args, "service_accounts": []}, task_vars)
        return any(entry["action"] == "failed_open" for entry in without_token.get(self._entries, []))

    def _needs_token(self, plan: dict[str, t.Any], given: Token | None) -> bool:
        """Whether the module will write the given token, or needs one to complete its plan."""
        if given:
            # The namespace of a secret that gets the token fails if a service account does not exist.
            expiry = format_time(given.expires_at)
            return any(
                (entry["action"] in self._token_actions or entry["action"] == "failed")
                and entry["expires_at"] in (expiry, UNKNOWN)
                for entry in plan[self._entries]
            )
        return any(entry["expires_at"] == UNKNOWN for entry in plan[self._entries])

    def _take_aws(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """Remove the option aws from the module's arguments, and return it."""
        aws = args.pop("aws", None) if "aws" in args else self._default_aws
        aws = {} if aws is None else aws
        if not isinstance(aws, dict):
            raise AnsibleActionFail(f"aws is not a dict. Use a dict with the options of the lookup {LOOKUP}.")
        return aws

    @functools.cached_property
    def _default_aws(self) -> t.Any:
        """The play's default of the option aws; None if there is none."""
        module_defaults = self._action._templar.template(self._action._task.module_defaults or [])
        return _play_defaults.aws(module_defaults, self._action._task.resolved_action)

    @functools.cached_property
    def _environment(self) -> dict[str, str]:
        """The `environment` of the task, including that of its blocks and its play."""
        environment: dict[str, str] = {}
        self._action._compute_environment_string(environment)
        return environment

    def _lookup(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> LookupBase:
        """Return the lookup that requests the token, with its options. Raises AnsibleError for invalid options."""
        lookup: LookupBase = lookup_loader.get(LOOKUP, loader=self._action._loader, templar=self._action._templar)
        lookup.set_options(var_options=task_vars, direct=aws)
        return lookup

    def _fetch_token(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """Request one token. Raises AnsibleError."""
        (token,) = self._lookup(aws, task_vars).run([], variables=task_vars, **aws)
        return token

    def _verify(self, args: dict[str, t.Any], aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> list[str]:
        """Try the token on each of the registries. Returns a warning for each registry that could not verify it.

        Raises AnsibleError from a RejectedError. The TLS options are those of the lookup.
        """
        token = Token.from_mapping(check_type_dict(args["token"]))
        lookup = self._lookup(aws, task_vars)
        trust = {"validate_certs": lookup.get_option("validate_certs"), "ca_file": lookup.get_option("aws_ca_bundle")}
        warnings = []
        for registry in check_type_list(args.get("registries") or [DEFAULT_REGISTRY]):
            try:
                try_token(registry, token, **trust)
            except RejectedError as exc:
                raise AnsibleError(f"The new token was withheld. {exc}") from exc
            except UnverifiedError as exc:
                warnings.append(f"The token could not be verified and was written without verification. {exc}")
        return warnings


def _read_token(token: t.Any) -> Token:
    """Read a given token. Raises AnsibleActionFail if it cannot be used. The module's error would show its values."""
    problem = (
        f"it is not the value that the lookup {LOOKUP} returns: a dict of texts with password and expires_at, and no "
        "other keys than those of that value"
    )
    try:
        known = check_type_dict(token)
        # YAML reads an unquoted expiry as a time.
        texts = [value for key, value in known.items() if key != "expires_at"]
        read = Token.from_mapping(known)
        if known.keys() <= TOKEN["options"].keys() and all(isinstance(value, str) for value in texts):
            return read
    except TokenError as error:
        if isinstance(error.__cause__, TimeError):
            problem = "expires_at is not a time such as 2026-01-02T03:04:05Z"
    except (TypeError, ValueError, AttributeError):
        pass
    raise AnsibleActionFail(f"token: {problem}. Use the whole value of the lookup. No part of the given one is shown.")
