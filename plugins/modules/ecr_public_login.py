#!/usr/bin/python
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_public_login
short_description: Log docker, podman or helm in to Amazon ECR Public, or out
version_added: 1.0.0
description:
  - Writes a token of Amazon ECR Public as a login to the file of C(docker), C(podman), C(skopeo), C(buildah) or
    C(helm), or to the credential helper that this file names. Also removes the login.
  - No daemon and no client is needed, and no password is ever on a command line.
  - A managed login with enough remaining lifetime is not changed, and no token is requested. An unmanaged login is
    replaced, because its expiry is not known.
  - The token is requested on the control node, by the lookup P(freshpull.ecr_public.ecr_public_token#lookup), and only
    if one is needed. AWS credentials never reach the target host.
  - B(An expired login is worse than none.) Public images can be pulled without a login, but the registry rejects a pull
    with an expired login. Log out at the end of the job, or store the file in a directory that is deleted with the job.
author:
  - freshpull contributors (@freshpull)
requirements:
  - Linux, on the host that runs the module
  - Python 3.9 or newer, on the host that runs the module
  - boto3, on the control node, unless O(token) is set
extends_documentation_fragment:
  - freshpull.ecr_public._attributes
  - freshpull.ecr_public._attributes.action_group
  - freshpull.ecr_public._token
  - freshpull.ecr_public._token.renewal
options:
  state:
    description:
      - With V(present), each of O(registries) has a login with enough remaining lifetime.
      - With V(absent), the login of each of O(registries) is removed, managed or not, as C(docker logout) does. A file
        that this module created and that holds nothing else is deleted. With O(client=podman) it stays, without logins,
        because C(podman) fails if C(REGISTRY_AUTH_FILE) names a file that does not exist.
      - The client's own rules decide which entries of the file are logins of a registry. With V(absent) all of them are
        removed, for example C(public.ecr.aws/team). With V(present) those that stand for the whole registry in another
        form are replaced, for example C(https://public.ecr.aws). A warning names the entries that C(podman) prefers.
    type: str
    choices: [present, absent]
    default: present
  client:
    description:
      - The client that reads the file. V(docker) includes C(buildx) and C(nerdctl), V(podman) includes C(skopeo) and
        C(buildah), and V(helm) includes C(oras).
      - The client determines the default of O(path) and the use of credential helpers. All three clients use
        C(credHelpers). Only V(docker) and V(helm) use C(credsStore).
    type: str
    choices: [docker, podman, helm]
    default: docker
  path:
    description:
      - The absolute path of the file. V(~) and environment variables are those of the user that runs the task on the
        target host.
      - "The default is the client's own default for that user. For V(docker): C($DOCKER_CONFIG/config.json), else
        C(~/.docker/config.json). For V(podman): C($REGISTRY_AUTH_FILE), else C(containers/auth.json) in
        C($XDG_RUNTIME_DIR) or C(/run/user/UID), else C(/run/containers/UID/auth.json). For V(helm):
        C($HELM_REGISTRY_CONFIG), else C(registry/config.json) in C($HELM_CONFIG_HOME), C($XDG_CONFIG_HOME/helm) or
        C(~/.config/helm)."
      - A missing directory is created with permissions for its owner only.
      - A file that cannot be parsed, is a symbolic link without O(follow), or belongs to another user is an error and
        is not changed. An empty file is allowed. Only root can use the file of another user, see O(owner).
    type: path
  registries:
    description:
      - The registries to log in to, or out of.
      - V(ecr-public.aws.com), the dual-stack address, can be added. The same token is valid for both.
      - Logins for all other registries are not changed, including those of a registry that an earlier run had in this
        list. To remove such a login, name its registry with O(state=absent).
    type: list
    elements: str
    default: [public.ecr.aws]
  verify:
    description:
      - Try a new token on each of O(registries) before it is written, on the control node, with three requests over
        HTTPS. The login commands of clients do not prove that a token is valid.
      - If a registry rejects the token (401 or 403), nothing is written and the task fails. If a registry does not
        respond, the task returns a warning.
      - The requests use C(validate_certs) and C(aws_ca_bundle) of O(aws), and the proxies of the environment. No
        requests are sent in check mode, or for a login that is not changed.
    type: bool
    default: false
  mode:
    description:
      - The permissions of the file, also of an existing file. Only V('0600'), V('0640') and V('0660') are accepted.
      - With O(state=absent) the permissions are not changed.
    type: raw
    default: '0600'
  owner:
    description:
      - The user that owns the file and the file with the expiry record, also where they exist. A name or a numeric id.
      - Without it an existing file keeps its owner. If root creates files and directories, they belong to the owner of
        the nearest existing parent directory, so that a file in a user's home directory belongs to that user. Set
        O(owner) if other users can create directories on the way to O(path), for example in C(/tmp).
      - Missing directories are created for this user. The owner of an existing directory is not changed.
      - Only root can set another user than itself. With O(state=absent) the owner is not changed.
    type: str
  group:
    description:
      - The group of the file and of the file with the expiry record, with the rules of O(owner).
      - A name or a numeric id.
      - Another user than root can set a group of which it is a member.
    type: str
  follow:
    description:
      - If O(path) is a symbolic link to a file, keep the link and write its target, as C(docker) does. Otherwise such a
        link is an error. Symbolic links to directories are always followed.
      - A missing target is created, but not its directory.
      - The file with the expiry record is beside the target, because other paths can lead to the same file.
      - root follows a link that another user controls only to a directory of that user.
    type: bool
    default: false
attributes:
  platform:
    support: full
    details: The operating system of the target host. On others the task fails.
    platforms: linux
  check_mode:
    support: full
    details:
      - Reads only. No request is sent to AWS or the registry, and the expiry of a new token is V(unknown). A credential
        helper is called to read its login.
  diff_mode:
    support: full
    details: Shows expiry, store and short fingerprint of each login of O(registries), and mode, owner and group of
      the file, never a token.
  idempotent:
    support: full
    details: A valid login is unchanged until its remaining lifetime is less than O(renew_before).
  async:
    support: none
    details: The task waits for AWS on the control node between reading and writing.
  action_group:
    support: full
    membership:
      - freshpull.ecr_public.aws
notes:
  - Clients delete fields that they do not know from their files. The expiry of a login is therefore recorded beside the
    file, for C(config.json) in C(.config.json.freshpull), which holds no secret. This expiry record is trusted only
    while its fingerprint matches the stored login. A login that another tool has written since is replaced.
  - Tasks of this module that run at the same time wait for each other. Other tools do not. A change that another tool
    makes while this module writes can be lost, but a file is never partly written.
  - A single file that is mounted into a container cannot be replaced. Mount its directory.
  - A credential helper that does not respond within 20 seconds is stopped and the task fails.
  - After a credential helper has stored or deleted a login, it is asked for the login again. If it then returns another
    login, it makes its own logins, and the task is V(unchanged). C(ecr-login) is known to do so and is not run.
  - If root uses the file of another user, and that file names a credential helper, the task fails. A helper stores the
    logins of the user that runs it. Use C(become_user).
  - With C(become) the file is that of the C(become_user). If C(sudo) keeps the caller's C(HOME), the home directory is
    read from the user database.
  - Without C(REGISTRY_AUTH_FILE) the default for V(podman) is in memory, and can be deleted when the last session of
    the user ends. On a host that is reached by SSH, set O(path), and set C(REGISTRY_AUTH_FILE) for the client.
  - A token has the permissions of the principal that requested it, and every user who can read the file has them too.
    Use a principal with only C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken).
seealso:
  - module: freshpull.ecr_public.ecr_public_login_info
  - plugin: freshpull.ecr_public.ecr_public_token
    plugin_type: lookup
  - module: freshpull.ecr_public.ecr_public_pull_secret
  - name: Credential helpers of Docker
    description: Description of C(credsStore) and C(credHelpers).
    link: https://docs.docker.com/reference/cli/docker/login/#credential-helpers
"""

EXAMPLES = r"""
- name: Log docker in for this job, and always log out at its end
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

- name: Log in podman, skopeo and buildah, which read this file because REGISTRY_AUTH_FILE names it
  freshpull.ecr_public.ecr_public_login:
    client: podman
    path: /var/lib/ci/auth.json

- name: Log in another user, for both addresses of the registry, as a role with few permissions
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

- name: Give a group read permission
  freshpull.ecr_public.ecr_public_login:
    path: /etc/ci/docker/config.json
    owner: root
    group: ci
    mode: '0640'

- name: Keep the symbolic link to a file in another directory
  freshpull.ecr_public.ecr_public_login:
    path: /home/builder/.docker/config.json
    follow: true
"""

RETURN = r"""
action:
  description: The action, in check mode the planned action; one of V(created), V(renewed), V(updated), V(removed),
    V(unchanged). With more than one registry, the action of the first registry that changes.
  type: str
  returned: success
  sample: renewed
reason:
  description:
    - The reason for the action. For a login that is written, V(missing), V(expired), V(due), V(empty),
      V(unknown_expiry) or V(modified). For a login that is not changed, V(fresh) or V(not_later). V(mode) if only the
      permissions of the file change, V(owner) if only its owner or group change, and V(other_key) if only another entry
      for the same registry is removed.
    - V(helper_login) if the credential helper makes its own logins, as C(ecr-login) does.
    - For a login that is removed, V(managed) or V(unmanaged). V(expiry_record) if there was only an expiry record
      beside the file, and V(missing) if there was no login.
  type: str
  returned: success
  sample: due
path:
  description: The file. With O(follow), the link to it.
  type: str
  returned: always, unless the options are invalid
  sample: /home/builder/.docker/config.json
expires_at:
  description: The earliest expiry of the logins, in UTC; V(unknown) in check mode if a token would be requested; null
    if there are no logins.
  type: str
  returned: success
  sample: '2026-01-01T18:00:00Z'
fingerprint:
  description: A short digest of the login; null if there is no login, if it is not known yet, or if the registries have
    different logins.
  type: str
  returned: success
  sample: sha256:0f343b0931126a20
other_sources:
  description:
    - The other places in which the client looks for a login of O(registries), if they have one. A warning names those
      that the client reads before O(path), and with O(state=absent) all of them.
    - V(docker) 28.3 and newer read the variable C(DOCKER_AUTH_CONFIG) before the file. V(helm) reads docker's file
      after its own. Without O(path) and C(REGISTRY_AUTH_FILE), V(podman) reads C(~/.config/containers/auth.json),
      docker's file and C(~/.dockercfg) after its own.
    - No credential helper of another place is called. M(freshpull.ecr_public.ecr_public_login_info) does that.
  type: list
  elements: dict
  returned: success
  contains:
    registry:
      description: The registry.
      type: str
    source:
      description: The path of the file, or C(DOCKER_AUTH_CONFIG).
      type: str
    key:
      description: The key of the entry; null if only a credential helper can have a login.
      type: str
    store:
      description: Where the login is stored; V(file), or the credential helper's program.
      type: str
    status:
      description: V(valid), V(expired) or V(unknown); V(missing) if the entry has no login; V(error) if the place
        cannot be read.
      type: str
    expires_at:
      description: The expiry, in UTC; null if it is not known.
      type: str
    msg:
      description: Why the place cannot be read; else empty.
      type: str
    preferred:
      description: Whether the client reads this place before O(path).
      type: bool
  sample: []
registries:
  description: The result for each registry.
  type: list
  elements: dict
  returned: success
  contains:
    registry:
      description: The registry.
      type: str
    action:
      description: The action for this registry, with the values of RV(action).
      type: str
    reason:
      description: The reason for this registry, with the values of RV(reason).
      type: str
    store:
      description: Where the login is stored; V(file), or the credential helper's program.
      type: str
    expires_at:
      description: The expiry of this login, as in RV(expires_at).
      type: str
    fingerprint:
      description: The fingerprint of this login, as in RV(fingerprint).
      type: str
  sample:
    - registry: public.ecr.aws
      action: renewed
      reason: due
      store: file
      expires_at: '2026-01-01T18:00:00Z'
      fingerprint: sha256:0f343b0931126a20
"""

import datetime as dt
import os
import platform
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options, status
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginReport, LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._plan_socket import waiting_plugin


def main() -> None:
    module = Module(options.LOGIN, supports_check_mode=True)
    result: dict[str, t.Any] = {}
    try:
        options.check_system(platform.system())
        task = options.read(module.params, User.current())
        result["path"] = task.path
        task, report = run(module, task)
    except CollectionError as exc:
        module.fail_json(msg=str(exc), **result)
    others = status.other_sources(task.places, task.path, os.environ, task.policy.registries)
    now = dt.datetime.now(dt.timezone.utc)
    result.update(report.to_result(), other_sources=[other.to_result(now) for other in others])
    hints = [other.warning(task.client, task.path, task.policy.state) for other in others]
    for warning in [*task.warnings, *report.warnings, *filter(None, hints)]:
        module.warn(warning)
    if module._diff:
        result["diff"] = report.diff()
    module.exit_json(**result)


def run(module: Module, task: options.LoginOptions) -> tuple[options.LoginOptions, LoginReport]:
    """Write the login. Return the options, which the action plugin may have completed, and the report."""
    runner = LoginTask(task.path, task.client, module.get_bin_path, follow=task.follow)
    plugin = waiting_plugin()
    report = runner.run(task.policy, task.token, dry_run=bool(module.check_mode or plugin))
    if plugin and report.plan.writes and plugin.complete(module, report.to_result()):
        return run(module, options.read(module.params, User.current()))
    return task, report


if __name__ == "__main__":
    main()
