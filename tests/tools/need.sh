#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Checks for the programs of a stage: need.sh lint|unit|galaxy|docs|cluster|e2e|bench. As root on Debian or Ubuntu it installs
# missing ones, except Go, whose version is the user's choice. Elsewhere the message names them.
set -euo pipefail

# PROGRAM:PACKAGE. A program that is not on PATH has its full path.
case ${1:?} in
    lint) needed=(git:git promtool:prometheus shellcheck:shellcheck) ;;
    unit) needed=(bash:bash) ;;
    galaxy) needed=(git:git gpg:gnupg) ;;
    docs)
        needed=(chromedriver:chromium-driver)
        command -v google-chrome >/dev/null || needed+=(chromium:chromium)
        ;;
    cluster | e2e)
        needed=(gcc:gcc)
        if [[ $EUID == 0 ]]; then
            needed+=(containerd:containerd runc:runc mmdebstrap:mmdebstrap ip:iproute2 iptables:iptables)
            needed+=(/usr/lib/cni/bridge:containernetworking-plugins)
        fi
        # Clients for the tests of logins, which need root.
        if [[ $EUID == 0 && $1 == e2e ]]; then
            needed+=(skopeo:skopeo podman:podman buildah:buildah docker:docker.io /usr/bin/python3:python3)
            needed+=(pass:pass gpg:gnupg docker-credential-pass:golang-docker-credential-helpers)
        fi
        if ! command -v go >/dev/null && [[ -z ${FRESHPULL_TEST_KUBECONFIG:-}${KUBEBUILDER_ASSETS:-} ]]; then
            echo "Go is needed to build the test cluster. Install it: https://go.dev/doc/install" >&2
            echo "Or set FRESHPULL_TEST_KUBECONFIG to a cluster for tests." >&2
            exit 1
        fi
        ;;
    bench) needed=(h2load:nghttp2-client jq:jq) ;;
    *) echo "Unknown stage $1; use lint, unit, galaxy, docs, cluster, e2e or bench." >&2; exit 2 ;;
esac

look_for_missing() {
    local need
    missing=()
    for need in "${needed[@]}"; do
        command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
    done
}

look_for_missing
if ((${#missing[@]} == 0)); then
    exit 0
fi
if [[ $EUID != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "Missing packages (Debian names): ${missing[*]}. Install them and run the command again." >&2
    exit 1
fi
# The cluster is built in parallel with other stages, and two runs of apt-get fail. packages.py uses the same lock.
exec 9>/var/lock/freshpull-packages
flock 9
look_for_missing
if ((${#missing[@]} == 0)); then
    exit 0
fi
echo "Installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# The package starts a containerd service, which the tests do not need: they run their own.
policy=/usr/sbin/policy-rc.d
if ! [[ -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get -qq update 9>&-
apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null 9>&-
