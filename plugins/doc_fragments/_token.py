# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Where a token comes from, for the modules that write one, and when it is renewed."""

    DOCUMENTATION = r"""
options:
  token:
    description:
      - A token to write, as the lookup P(freshpull.ecr_public.ecr_public_token#lookup) returns it. It wins over O(aws).
      - It is written only where one is needed, and never over one that expires later.
    type: dict
    suboptions:
      registry:
        description: The registry of the token. The keys written are those in O(registries).
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
        description: User name and password as the API gave them. Not used.
        type: str
      expires_at:
        description: When the token expires, as ISO 8601.
        type: str
        required: true
      dockerconfigjson:
        description: The token as a Docker config. Not used.
        type: str
  aws:
    description:
      - How to ask AWS for a token if one is needed. The options of the lookup
        P(freshpull.ecr_public.ecr_public_token#lookup), with the same names and defaults; see there.
      - Without it, the environment and configuration of the controller are used, as everywhere in the collection
        C(amazon.aws).
      - Variables C(AWS_*) in the C(environment) of the task, its blocks or its play take the place of the controller's.
        If they name a principal (keys, a profile or a role), nothing of the controller's principal is used with it.
    type: dict
    default: {}
"""

    RENEWAL = r"""
options:
  renew_before:
    description:
      - Renew the token if less life than this remains, as a Go duration such as V(8h) or V(1h30m).
      - It counts as at most 2/3 of the stored token's whole life, so that a short-lived token is not renewed without
        end.
    type: str
    default: 8h
"""
