#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_login_info
short_description: Report which login docker, podman or helm would use for Amazon ECR Public, and whether it is valid
version_added: 1.0.0
description:
  - Reads every place in which the client looks for a login, in the client's order, and returns what each has for the
    registry, which login the client uses, and whether that login is valid. Use it when a CI host cannot pull.
  - It writes nothing, requests no token and never returns a login.
  - A login that has expired, or a place that cannot be read, never makes the task fail. Check RV(registries), as in the
    examples.
author:
  - freshpull contributors (@freshpull)
requirements:
  - Linux, on the host that runs the module
  - Python 3.9 or newer, on the host that runs the module
extends_documentation_fragment:
  - freshpull.ecr_public._attributes
options:
  client:
    description:
      - The client that pulls. V(docker) includes C(buildx), V(podman) includes C(skopeo) and C(buildah), and V(helm)
        includes C(oras).
    type: str
    choices: [docker, podman, helm]
    default: docker
  path:
    description:
      - The absolute path of the file that the client is told to read, for example with C(podman --authfile). V(~) and
        environment variables are those of the user that runs the task on the target host.
      - The default is the client's own default for that user, as for M(freshpull.ecr_public.ecr_public_login).
    type: path
  registries:
    description: The registries to look for.
    type: list
    elements: str
    default: [public.ecr.aws]
  verify_pull:
    description:
      - Try the login that the client uses on its registry, from the host that runs the module, with three requests over
        HTTPS. Proxies are read from the environment.
      - The login is sent to the registry. No requests are sent in check mode.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: Only reads. Credential helpers are called to read their logins, as the client does.
  diff_mode:
    support: none
    details: Changes nothing.
  idempotent:
    support: full
    details: Changes nothing.
  async:
    support: full
    details: Can run in the background.
  platform:
    platforms: linux
    details: The paths of the clients are those on Linux.
    support: full
notes:
  - The environment is that of the task. A shell or a CI job can have another C(DOCKER_CONFIG), C(DOCKER_AUTH_CONFIG) or
    C(REGISTRY_AUTH_FILE). Set C(environment) of the task to the job's values.
  - C(DOCKER_AUTH_CONFIG) counts as read, as by C(docker) 28.3 and newer. Older versions ignore it.
  - The expiry is known for logins of M(freshpull.ecr_public.ecr_public_login). For others, use O(verify_pull).
seealso:
  - module: freshpull.ecr_public.ecr_public_login
"""

EXAMPLES = r"""
- name: Find the login that docker uses, and try it
  freshpull.ecr_public.ecr_public_login_info:
    verify_pull: true
  register: login

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ item.source }}: {{ item.status }} {{ item.msg }}"
  loop: "{{ login.registries | rejectattr('status', 'in', ['valid', 'missing']) }}"

- name: Look for logins of podman, skopeo and buildah for both addresses, in a file for one job
  freshpull.ecr_public.ecr_public_login_info:
    client: podman
    path: /var/lib/ci/auth.json
    registries: [public.ecr.aws, ecr-public.aws.com]
"""

RETURN = r"""
registries:
  description: The result for each registry.
  type: list
  elements: dict
  returned: success
  contains:
    registry:
      description: The registry.
      type: str
    status:
      description:
        - V(valid) or V(expired), from the expiry record, or with O(verify_pull) from the registry. V(unknown) if
          neither says so.
        - V(missing) if there is no login, so that pulls are anonymous. V(error) if the client cannot read a place.
      type: str
    source:
      description: The place of the login that the client uses; null if there is none.
      type: str
    msg:
      description: The reason for V(error), or the registry's response; else empty.
      type: str
    sources:
      description: Every place, in the order in which the client reads them.
      type: list
      elements: dict
      contains:
        source:
          description: The path of a file, or C(DOCKER_AUTH_CONFIG).
          type: str
        exists:
          description: Whether it exists.
          type: bool
        key:
          description: The key of the entry that the client uses for the registry; null if there is none.
          type: str
        store:
          description: Where the login is stored; V(file), or the credential helper's program.
          type: str
        status:
          description: As RV(registries[].status), without the registry's word.
          type: str
        expires_at:
          description: The expiry, in UTC; null if it is not known.
          type: str
        fingerprint:
          description: A short digest of the login; null if there is none.
          type: str
        used:
          description: Whether the client uses this login.
          type: bool
        msg:
          description: Why the client cannot read this place; else empty.
          type: str
  sample:
    - registry: public.ecr.aws
      status: expired
      source: /home/builder/.docker/config.json
      msg: ''
      sources:
        - source: /home/builder/.docker/config.json
          exists: true
          key: public.ecr.aws
          store: file
          status: expired
          expires_at: '2026-01-01T18:00:00Z'
          fingerprint: sha256:0f343b0931126a20
          used: true
          msg: ''
"""

import datetime as dt
import os
import platform

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options, status
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User


def main() -> None:
    module = Module(options.INFO, supports_check_mode=True)
    try:
        options.check_system(platform.system())
        asked = options.read_info(module.params, User.current())
        places = status.LoginStatus(asked.places, os.environ, module.get_bin_path)
        verify = asked.verify_pull and not module.check_mode
        now = dt.datetime.now(dt.timezone.utc)
        registries = [status.report(places.read(name), name, now, verify=verify) for name in asked.registries]
    except CollectionError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, registries=registries)


if __name__ == "__main__":
    main()
