#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ansible-test integration beside a real API server and a fake AWS: integration.sh [TARGET…]. VENV names another virtual
# environment than .venv to run Ansible from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

venv=$(realpath "${VENV:-.venv}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target=$(tests/tools/copy.sh "$work" "$venv")
cluster run --name integration -- \
    .venv/bin/python tests/tools/integration.py "$venv" "$target" "$@"
