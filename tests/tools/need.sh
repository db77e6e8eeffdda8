#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Checks for the packages of a stage: need.sh unit|lint|galaxy|docs|cluster|e2e|test|bench. As root on Debian or Ubuntu it installs
# missing ones, elsewhere one line names them. It runs before .venv exists, and needs bash and essential packages only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

# PROGRAM:PACKAGE or FILE:PACKAGE
lint=(git:git promtool:prometheus shellcheck:shellcheck)
galaxy=(git:git gpg:gnupg)
browser=(chromedriver:chromium-driver)
command -v google-chrome >/dev/null || browser+=(chromium:chromium)
bench=(h2load:nghttp2-client jq:jq)
# Without root the tests use no node and no clients of registries.
cluster=() clients=()
if [[ $EUID == 0 ]]; then
    cluster=(
        containerd:containerd runc:runc host-local:containernetworking-plugins ip:iproute2 iptables:iptables mount:mount
        unshare:util-linux mmdebstrap:mmdebstrap /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
        gcc:gcc /usr/include/unistd.h:libc6-dev /etc/ssl/certs/ca-certificates.crt:ca-certificates
    )
    clients=(
        skopeo:skopeo podman:podman buildah:buildah docker:docker.io /usr/bin/python3:python3
        pass:pass gpg:gnupg docker-credential-pass:golang-docker-credential-helpers
    )
fi
case ${1:?} in
    unit) needed=() ;;
    lint) needed=("${lint[@]}") ;;
    galaxy) needed=("${galaxy[@]}") ;;
    docs) needed=("${browser[@]}") ;;
    cluster) needed=("${cluster[@]}") ;;
    e2e) needed=("${cluster[@]}" "${clients[@]}") ;;
    test) needed=("${lint[@]}" "${galaxy[@]}" "${cluster[@]}" "${clients[@]}") ;;
    bench) needed=("${cluster[@]}" "${bench[@]}") ;;
    *) echo "Unknown stage $1; use unit, lint, galaxy, docs, cluster, e2e, test or bench." >&2; exit 2 ;;
esac
# Where distributions put programs that users do not call: the last are of network plugins.
PATH+=:/usr/sbin:/sbin:/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni

is_there() {
    if [[ $1 == /* ]]; then
        [[ -e $1 ]]
    else
        command -v "$1" >/dev/null
    fi
}

look_for_missing() {
    local need
    missing=()
    if ! .venv/bin/python -c '' 2>/dev/null && [[ -z $(python_for_venv) ]]; then
        if dpkg --status python3-venv &>/dev/null; then
            echo "No Python 3.11 to 3.14 that can create virtual environments was found. Install one, or set PYTHON to its path." >&2
            exit 1
        fi
        missing+=(python3 python3-venv)
    fi
    for need in "${needed[@]}"; do
        is_there "${need%%:*}" || missing+=("${need##*:}")
    done
}

look_for_missing
if ((${#missing[@]} == 0)); then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "Missing packages (Debian names): ${missing[*]}. Install them and run the command again." >&2
    exit 1
fi
install=(apt-get install --yes --no-install-recommends)
if [[ $EUID != 0 ]]; then
    echo "Packages are missing. As root, run: apt-get update && ${install[*]} ${missing[*]}" >&2
    exit 1
fi
# The cluster is built in parallel with other stages, and two runs of apt-get fail.
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
# Debian 13 has the docker client in a package of its own.
if [[ " ${missing[*]} " == *" docker.io "* ]] && apt-cache show docker-cli &>/dev/null; then
    missing+=(docker-cli)
fi
# A new machine installs updates at its start: wait for them.
"${install[@]}" -qq -o DPkg::Lock::Timeout=600 "${missing[@]}" >/dev/null 9>&-
look_for_missing
if ((${#missing[@]})); then
    echo "These packages are installed, but their programs are not found: ${missing[*]}." >&2
    exit 1
fi
