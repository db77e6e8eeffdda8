# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options for the source and the renewal of the token, for the modules that write one."""

    DOCUMENTATION = r"""
options:
  token:
    description:
      - A token to write, as the lookup P(freshpull.ecr_public.ecr_public_token#lookup) returns it. It overrides O(aws).
      - It is written only if a token is needed, and never replaces a token that expires later.
    type: dict
    suboptions:
      registry:
        description: The registry of the token. The token is written for O(registries).
        type: str
      username:
        description: The user name.
        type: str
        default: AWS
      password:
        description: The password.
        type: str
        required: true
      authorization_token:
        description: User name and password as the API returned them. Not used.
        type: str
      expires_at:
        description: The expiry of the token, in ISO 8601.
        type: str
        required: true
      dockerconfigjson:
        description: The token as a Docker config. Not used.
        type: str
  aws:
    description:
      - Options for requesting a token if one is needed. They are the options of the lookup
        P(freshpull.ecr_public.ecr_public_token#lookup), with the same names and defaults.
      - Without it, the environment and configuration of the control node are used, as in the collection C(amazon.aws).
      - Variables C(AWS_*) in the C(environment) of the task, its blocks or its play override those of the control node.
        If they name a principal (an AWS access key, a profile or a role), no variable that names the principal of the
        control node is used.
    type: dict
    default: {}
"""

    RENEWAL = r"""
options:
  renew_before:
    description:
      - Renew the token if its remaining lifetime is less than this Go duration, such as V(8h) or V(1h30m).
      - At most 2/3 of the stored token's whole lifetime is used. Otherwise every run would renew a short-lived token.
    type: str
    default: 8h
"""
