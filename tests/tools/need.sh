#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Checks that the programs a stage needs are there: need.sh lint|unit|cluster|e2e|bench. As root on Debian or Ubuntu what is
# missing is installed; elsewhere the message says what to install. Go is never installed: its version is the user's
# choice.
set -euo pipefail

# Each as PROGRAM:PACKAGE; a program that is not on PATH by its whole path.
case ${1:?} in
    lint) needed=(git:git promtool:prometheus shellcheck:shellcheck) ;;
    unit) needed=(bash:bash) ;;
    cluster | e2e)
        needed=(gcc:gcc)
        if [[ $EUID == 0 ]]; then
            needed+=(containerd:containerd runc:runc mmdebstrap:mmdebstrap ip:iproute2 iptables:iptables)
            needed+=(/usr/lib/cni/bridge:containernetworking-plugins)
        fi
        # The clients whose logins are tested, where these tests can run.
        if [[ $EUID == 0 && $1 == e2e ]]; then
            needed+=(skopeo:skopeo podman:podman buildah:buildah docker:docker.io /usr/bin/python3:python3)
            needed+=(pass:pass gpg:gnupg docker-credential-pass:golang-docker-credential-helpers)
        fi
        if ! command -v go >/dev/null && [[ -z ${FRESHPULL_TEST_KUBECONFIG:-}${KUBEBUILDER_ASSETS:-} ]]; then
            echo "Go is needed to build the test cluster: https://go.dev/doc/install (or name a cluster in FRESHPULL_TEST_KUBECONFIG)" >&2
            exit 1
        fi
        ;;
    bench) needed=(h2load:nghttp2-client jq:jq) ;;
    *) echo "Unknown stage $1" >&2; exit 2 ;;
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
    echo "Missing: ${missing[*]}. Install these (the names are Debian's) and try again." >&2
    exit 1
fi
# The cluster is built beside other stages, and apt-get does not wait for itself. packages.py takes the same lock.
exec 9>/var/lock/freshpull-packages
flock 9
look_for_missing
if ((${#missing[@]} == 0)); then
    exit 0
fi
echo "Installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# containerd as a service of the machine is none of our business: the tests run their own.
policy=/usr/sbin/policy-rc.d
if ! [[ -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get -qq update 9>&-
apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null 9>&-
