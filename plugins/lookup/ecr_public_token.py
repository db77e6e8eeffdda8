# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ecr_public_token
author:
  - freshpull contributors (@freshpull)
version_added: 1.0.0
short_description: Get a token for the Amazon ECR Public registry
description:
  - Requests an authorization token from the ECR Public API, with one call. Returns the token, its expiry and a complete
    Docker config for C(public.ecr.aws).
  - A token is valid for 12 hours. RV(_raw[].expires_at) is its expiry.
  - The API exists in C(us-east-1) only, and is always called there.
  - The lookup takes no terms.
requirements:
  - boto3 >= 1.28.0
  - botocore >= 1.31.0
extends_documentation_fragment:
  - freshpull.ecr_public._aws.plugins
notes:
  - Environment variables and AWS configuration files are read on the control node, where the lookup runs.
  - B(A token has the permissions of the principal that requested it.) With an administrator's token in a pull secret,
    every user who can read the secret can push to the account's public repositories. Use a principal with only the two
    actions C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken) on C(*), or O(assume_role_arn), whose
    session is limited to these actions.
  - The managed policy C(AmazonElasticContainerRegistryPublicReadOnly) has both actions;
    C(AmazonEC2ContainerRegistryReadOnly) has neither.
  - ECR Public exists in the partition C(aws) only. AWS access keys of AWS China and AWS GovCloud do not work.
  - B(A lookup in a variable runs each time the variable is used), on each host. To request only one token, store it
    with M(ansible.builtin.set_fact) and C(run_once), as in the examples.
  - Ansible does not mask the return value of a lookup. Set C(no_log) on every task that uses it, including
    M(ansible.builtin.set_fact), which otherwise prints the token at C(-v).
seealso:
  - module: freshpull.ecr_public.ecr_public_pull_secret
  - name: Registry authentication in Amazon ECR Public
    description: AWS documentation of these tokens.
    link: https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
"""

EXAMPLES = r"""
- name: Get one token for all hosts of the play
  ansible.builtin.set_fact:
    ecr_public_token: "{{ lookup('freshpull.ecr_public.ecr_public_token') }}"
  run_once: true
  no_log: true

- name: Write the pull secrets
  freshpull.ecr_public.ecr_public_pull_secret:
    namespaces: ['*']
    token: "{{ ecr_public_token }}"

- name: Get a token as a role of another account
  ansible.builtin.set_fact:
    ecr_public_token: >-
      {{ lookup('freshpull.ecr_public.ecr_public_token',
                profile='ci',
                assume_role_arn='arn:aws:iam::123456789012:role/ecr-public-pull',
                assume_role_external_id='partner') }}
  run_once: true
  no_log: true

- name: Write a Docker config for a build that has no Docker
  ansible.builtin.copy:
    content: "{{ (lookup('freshpull.ecr_public.ecr_public_token')).dockerconfigjson }}"
    dest: /kaniko/.docker/config.json
    mode: '0600'
  no_log: true
"""

RETURN = r"""
_raw:
  description: One token.
  type: list
  elements: dict
  contains:
    registry:
      description: The registry of the token.
      type: str
      sample: public.ecr.aws
    username:
      description: The user name to log in with.
      type: str
      sample: AWS
    password:
      description: The password to log in with.
      type: str
      sample: eyJwYXlsb2FkIjoi...
    authorization_token:
      description: User name and password as clients send them, base64 of C(AWS:password).
      type: str
      sample: QVdTOmV5SndZWGxzYjJGa0lqb2k...
    expires_at:
      description: The expiry of the token, in UTC.
      type: str
      sample: '2026-01-02T15:04:05Z'
    dockerconfigjson:
      description: A Docker config with only this login, as JSON text.
      type: str
      sample: '{"auths":{"public.ecr.aws":{"username":"AWS","password":"...","auth":"..."}}}'
"""

import difflib
import typing as t

from ansible.errors import AnsibleLookupError, AnsibleOptionsError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    AwsError,
    EcrPublicError,
    OptionsError,
)
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._aws_options import AwsOptions
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._ecr_public import REGION, fetch_token

display = Display()


class LookupModule(LookupBase):
    def set_options(
        self,
        task_keys: dict[str, t.Any] | None = None,
        var_options: dict[str, t.Any] | None = None,
        direct: dict[str, t.Any] | None = None,
    ) -> None:
        """Set the options. Raises AnsibleOptionsError, without the value that has the wrong type: it may be secret."""
        try:
            super().set_options(task_keys, var_options, direct)
        except AnsibleOptionsError:
            wrong = [name for name, value in (direct or {}).items() if not self._is_valid(name, value)]
            raise AnsibleOptionsError(
                f"Options of the lookup ecr_public_token have the wrong type: {', '.join(wrong)}. aws_config is a dict "
                "and validate_certs a boolean. Use a text for each other option."
            ) from None

    def _is_valid(self, name: str, value: t.Any) -> bool:
        try:
            super().set_options(direct={name: value})
        except AnsibleOptionsError:
            return False
        return True

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, str]]:
        """Request one token. Raises AnsibleLookupError from an EcrPublicError; modules fail open for AwsError only."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            given = self._names_of(terms, kwargs)
            if "region" in given:
                display.warning(f"ecr_public_token ignores region: the ECR Public API exists in {REGION} only.")
            token = fetch_token(AwsOptions.from_options(self.get_options(), given))
        except AwsError as error:
            raise AnsibleLookupError(f"No token available for ECR Public. {error}") from error
        except EcrPublicError as error:
            raise AnsibleLookupError(f"No token was requested from ECR Public. {error}") from error
        return [token.to_mapping()]

    def _names_of(self, terms: list[t.Any], kwargs: dict[str, t.Any]) -> set[str]:
        """Return the main names of the given options. Raises OptionsError for unknown names, which Ansible accepts."""
        if terms:
            raise OptionsError(
                "The lookup takes no terms. Use options: lookup('freshpull.ecr_public.ecr_public_token', profile='ci')."
            )
        main_names = {
            name: option
            for option, definition in self.option_definitions.items()
            for name in (option, *definition.get("aliases", []))
        }
        for name in kwargs:
            if name not in main_names:
                near = difflib.get_close_matches(name, main_names, n=1)
                known = ", ".join(sorted(set(main_names.values())))
                raise OptionsError(
                    f"There is no option {name}. " + (f"Did you mean {near[0]}?" if near else f"Options are: {known}.")
                )
            self._check_boolean(name, main_names[name], kwargs[name])
        return {main_names[name] for name in kwargs}

    def _check_boolean(self, name: str, option: str, value: t.Any) -> None:
        """Raises OptionsError for a text that is no boolean. Ansible reads it as false: no certificate is verified."""
        if value is None or self.option_definitions[option].get("type") not in ("bool", "boolean"):
            return
        try:
            boolean(value)
        except TypeError:
            raise OptionsError(f"{name}: {value!r} is not a boolean. Use true or false.") from None
