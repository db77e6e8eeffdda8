# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options for the connection to a cluster, and what it requires."""

    # The code gets these options from kubernetes.core. Its own fragment is not used, so that the documentation is
    # complete where kubernetes.core is not installed, as on Galaxy. A test compares the two.
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The kubeconfig, as a path or as a dict with its content. The default is C(~/.kube/config), or the files in
        E(KUBECONFIG).
      - Several paths are separated by C(:). They are merged as by C(kubectl).
      - Without this option E(K8S_AUTH_KUBECONFIG) is used.
    type: raw
  context:
    description:
      - The context of the kubeconfig. The default is its current context.
      - Without this option E(K8S_AUTH_CONTEXT) is used.
    type: str
  host:
    description:
      - The URL of the API server, such as V(https://cluster.example.com:6443).
      - Without this option E(K8S_AUTH_HOST) is used.
    type: str
  api_key:
    description:
      - The bearer token for the API server.
      - Without this option E(K8S_AUTH_API_KEY) is used.
    type: str
  username:
    description:
      - The user name for HTTP basic authentication, which only a proxy in front of the API server accepts. Kubernetes
        itself does not.
      - Without this option E(K8S_AUTH_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username).
      - Without this option E(K8S_AUTH_PASSWORD) is used.
    type: str
  client_cert:
    description:
      - The file with the client certificate, in PEM format.
      - Without this option E(K8S_AUTH_CERT_FILE) is used.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - The file with the key of O(client_cert).
      - Without this option E(K8S_AUTH_KEY_FILE) is used.
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - The file with the certificates of the authorities that verify the API server. It must contain the whole chain up
        to the root.
      - Without this option E(K8S_AUTH_SSL_CA_CERT) is used.
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - Verify the certificate of the API server.
      - Without this option E(K8S_AUTH_VERIFY_SSL) is used, which AWX sets to V(false) for a credential without a CA.
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - The URL of the HTTP proxy through which the API server is reached.
      - Without this option E(K8S_AUTH_PROXY) is used.
    type: str
  no_proxy:
    description:
      - Hosts, domains and networks that are reached without O(proxy), separated by commas.
      - Without this option E(K8S_AUTH_NO_PROXY) is used.
    type: str
  proxy_headers:
    description: Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - The login for the proxy, as user name and password with a colon between them.
          - Without it E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH) is used.
        type: str
      basic_auth:
        description:
          - The login for the server behind the proxy, in the same form.
          - Without it E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH) is used.
        type: str
      user_agent:
        description:
          - The value of the header C(User-Agent).
          - Without it E(K8S_AUTH_PROXY_HEADERS_USER_AGENT) is used.
        type: str
  persist_config:
    description:
      - Write a token that the client library renewed, such as one of OIDC, to the kubeconfig. The default is not to
        write it. Needed if a refresh token is valid only once.
      - Without this option E(K8S_AUTH_PERSIST_CONFIG) is used.
    type: bool
  impersonate_user:
    description:
      - The user as which the requests are made. The user of the connection needs the permission C(impersonate).
      - Without this option E(K8S_AUTH_IMPERSONATE_USER) is used.
    type: str
  impersonate_groups:
    description:
      - The groups as which the requests are made, with O(impersonate_user).
      - Without this option E(K8S_AUTH_IMPERSONATE_GROUPS) is used, whose groups are separated by commas.
    type: list
    elements: str
requirements:
  - Python 3.9 or newer, on the host that runs the module
  - kubernetes >= 26.1.0, on the host that runs the module
attributes:
  platform:
    support: full
    platforms: posix
    details: Tested on Linux.
notes:
  - If O(kubeconfig), O(context) or O(host) is given, no variable C(K8S_AUTH_*) is read, except those for proxies; with
    O(context) alone E(K8S_AUTH_KUBECONFIG) is read. Under AWX, these variables would otherwise send all hosts of a play
    to the cluster of the credential. M(kubernetes.core.k8s) reads them.
  - In a pod, the task is rejected if E(KUBECONFIG) is set, and neither O(kubeconfig), O(context) nor O(host) with
    credentials is given, as options or as variables C(K8S_AUTH_*). The client library would use the service account of
    the pod instead. It does the same where only C(~/.kube/config) exists, of which the task warns.
  - With a local connection, O(kubeconfig) is a path on the control node, and the file can be encrypted with Ansible
    Vault. With any other connection it is a path on the target host. To use a kubeconfig of the control node there,
    give it as a dict.
  - With a local connection and C(become), a file that the user of the play cannot read is read by the C(become_user),
    such as C(/etc/rancher/k3s/k3s.yaml) or C(/etc/kubernetes/admin.conf). Such a file cannot be encrypted.
  - The certificate of the API server is verified, unless O(validate_certs) is V(false) or the kubeconfig disables it.
    Key identifiers, which some clusters do not have and Python 3.13 requires by default, are not needed.
"""
