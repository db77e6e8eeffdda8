#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_login
short_description: Log docker, podman or helm in to Amazon ECR Public, and out again
version_added: 1.0.0
description:
  - Writes a token of Amazon ECR Public as a login into the file that C(docker), C(podman), C(skopeo), C(buildah) or
    C(helm) read, or into the credential helper that this file names, and takes it away again.
  - No daemon and no client is needed, and no password is ever on a command line.
  - A login that this module wrote and that has enough life left is left alone, without asking AWS for a token. A
    login of another origin is replaced, since nothing says until when it is good.
  - AWS is asked on the controller, by the lookup P(freshpull.ecr_public.ecr_public_token#lookup), and only if a token
    is needed. AWS credentials never reach the managed host.
  - B(An expired login is worse than none.) Public images can be pulled without one, but with an expired one the
    registry refuses them. So log out when the job is done, or keep the file in a folder that goes away with the job.
author:
  - freshpull contributors (@freshpull)
requirements:
  - boto3, on the controller, unless O(token) is given
extends_documentation_fragment:
  - freshpull.ecr_public._token
  - freshpull.ecr_public._token.renewal
options:
  state:
    description:
      - With V(present) there is a login for each of O(registries) that has enough life left.
      - With V(absent) there is none, whoever wrote it, as after C(docker logout). A file that this module made and that
        holds nothing else is deleted; with O(client=podman) it stays, without logins, since C(podman) fails if
        C(REGISTRY_AUTH_FILE) names a file that is not there.
    type: str
    choices: [present, absent]
    default: present
  client:
    description:
      - Whose file it is. V(podman) stands for C(skopeo) and C(buildah) too.
      - It decides about the default of O(path), and about credential helpers. All three clients heed C(credHelpers);
        V(docker) and V(helm) heed C(credsStore) as well.
    type: str
    choices: [docker, podman, helm]
    default: docker
  path:
    description:
      - The file, as an absolute path. V(~) and environment variables are those of the user that the task runs as, on
        the host that it runs on.
      - "The default is the client's own, for that user. For V(docker): C($DOCKER_CONFIG/config.json), else
        C(~/.docker/config.json). For V(podman): C($REGISTRY_AUTH_FILE), else C(containers/auth.json) in
        C($XDG_RUNTIME_DIR) or C(/run/user/UID), else C(/run/containers/UID/auth.json). For V(helm):
        C($HELM_REGISTRY_CONFIG), else C(registry/config.json) in C($HELM_CONFIG_HOME), C($XDG_CONFIG_HOME/helm) or
        C(~/.config/helm)."
      - A folder that is missing is made, for its owner only.
      - A file that cannot be parsed, is a symbolic link, or belongs to another user is an error and stays as it is. An
        empty file is fine.
    type: path
  registries:
    description:
      - The registries to log in to, or out of.
      - V(ecr-public.aws.com), the dual-stack address, can be added. The same token is good for both.
      - The logins for all other registries stay as they are. So does one that was in this list in an earlier run; name
        it with O(state=absent).
    type: list
    elements: str
    default: [public.ecr.aws]
  verify:
    description:
      - Try a new token on each of O(registries) before anything is written, on the controller, with three requests over
        HTTPS. What clients print after a login proves nothing.
      - If a registry refuses the token (401 or 403) nothing is written and the task fails. No answer is a warning.
      - C(validate_certs) and C(aws_ca_bundle) of O(aws) hold for it, and proxies are taken from the environment. Never
        done in check mode, nor for a login that stays.
    type: bool
    default: false
  mode:
    description:
      - The permissions of the file, also of one that exists. Only V('0600'), V('0640') and V('0660') are taken.
      - With O(state=absent) they stay as they are.
    type: raw
    default: '0600'
attributes:
  check_mode:
    support: full
    description:
      - Reads only. Neither AWS nor the registry is asked, so an expiry that only a token could tell is V(unknown). A
        credential helper is asked for the login that it has.
  diff_mode:
    support: full
    description: Expiry, store and short fingerprints of these registries' logins, never a token.
  async:
    support: none
    description: The task waits for AWS on the controller between reading and writing.
notes:
  - Clients drop what they do not know from their files. So the expiry is kept beside the file, for C(config.json) in
    C(.config.json.freshpull), which holds no secret. It is believed only while its fingerprint is that of the stored
    login. A login that another tool wrote in between is replaced.
  - Runs at the same time wait for each other. Other tools do not; what they write while this module writes can be lost,
    but no file is ever half written.
  - A file that is mounted by itself into a container cannot be replaced. Mount its folder.
  - A credential helper that does not answer within 20 seconds is ended and the task fails.
  - With C(become) the file is that of the user who is become. If C(sudo) is told to keep the caller's C(HOME), the home
    is taken from the user database.
  - Without C(REGISTRY_AUTH_FILE) the default for V(podman) is in memory, and may go with the user's last session. On a
    host that is reached by SSH give O(path) and set C(REGISTRY_AUTH_FILE) for the client.
  - A token carries the rights of the principal that fetched it, and whoever can read the file has them. Use a principal
    that may do no more than C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken).
seealso:
  - plugin: freshpull.ecr_public.ecr_public_token
    plugin_type: lookup
  - module: freshpull.ecr_public.ecr_public_pull_secret
  - name: Credential helpers of Docker
    description: What C(credsStore) and C(credHelpers) are.
    link: https://docs.docker.com/reference/cli/docker/login/#credential-helpers
"""

EXAMPLES = r"""
- name: Log docker in for this job, and out again whatever happens
  block:
    - name: Log in
      freshpull.ecr_public.ecr_public_login:
    - name: Build
      ansible.builtin.command:
        cmd: docker build --pull .
  always:
    - name: Log out
      freshpull.ecr_public.ecr_public_login:
        state: absent

- name: Log in podman, skopeo and buildah, which are told the same file by REGISTRY_AUTH_FILE
  freshpull.ecr_public.ecr_public_login:
    client: podman
    path: /var/lib/ci/auth.json

- name: Log in another user, for both addresses of the registry, as a role with few rights
  freshpull.ecr_public.ecr_public_login:
    registries: [public.ecr.aws, ecr-public.aws.com]
    renew_before: 10h
    verify: true
    aws:
      assume_role_arn: arn:aws:iam::123456789012:role/ecr-public-pull
  become: true
  become_user: builder

- name: Log helm in with a token that all hosts share
  freshpull.ecr_public.ecr_public_login:
    client: helm
    token: "{{ ecr_public_token }}"

- name: Let the group of the file read it
  freshpull.ecr_public.ecr_public_login:
    path: /etc/ci/docker/config.json
    mode: '0640'
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode; one of V(created), V(renewed), V(updated), V(removed),
    V(unchanged). That of the first registry that changes.
  type: str
  returned: success
  sample: renewed
reason:
  description:
    - A word that says why. For a login that is written V(missing), V(expired), V(due), V(empty), V(unknown_expiry) or
      V(modified); for one that stays V(fresh) or V(not_later); V(mode) if only the permissions change.
    - For one that is removed V(managed) or V(unmanaged); V(expiry_record) if only what we keep beside the file was
      left; V(missing)
      if there was none.
  type: str
  returned: success
  sample: due
path:
  description: The file.
  type: str
  returned: always, unless the options are wrong
  sample: /home/builder/.docker/config.json
expires_at:
  description: When the first of the logins expires, in UTC; V(unknown) in check mode where a token would be fetched;
    null if there are none.
  type: str
  returned: success
  sample: '2026-01-01T18:00:00Z'
fingerprint:
  description: A short digest of the login; null if there is none, if it is not known yet, or if it is not the same for
    all registries.
  type: str
  returned: success
  sample: sha256:0f343b0931126a20
registries:
  description: What became of each registry.
  type: list
  elements: dict
  returned: success
  contains:
    registry:
      description: The registry.
      type: str
    action:
      description: As RV(action).
      type: str
    reason:
      description: As RV(reason).
      type: str
    store:
      description: Where the login is kept; V(file), or the credential helper's program.
      type: str
    expires_at:
      description: As RV(expires_at).
      type: str
    fingerprint:
      description: As RV(fingerprint).
      type: str
  sample:
    - registry: public.ecr.aws
      action: renewed
      reason: due
      store: file
      expires_at: '2026-01-01T18:00:00Z'
      fingerprint: sha256:0f343b0931126a20
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginTask


def main() -> None:
    module = AnsibleModule(options.LOGIN, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        task = options.read(module.params, User.current())
        result["path"] = task.path
        runner = LoginTask(task.path, task.client, module.get_bin_path)
        report = runner.run(task.policy, task.token, dry_run=module.check_mode)
    except CollectionError as exc:
        module.fail_json(msg=str(exc), **result)
    result.update(report.to_result())
    if task.warning:
        module.warn(task.warning)
    if module._diff:
        result["diff"] = report.diff()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
