#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs ansible-test integration with a real API server and a fake AWS: integration.sh [TARGET…]. VENV: the virtual
# environment of Ansible, instead of .venv. TARGET_PYTHON: runs the modules, instead of the Python of
# Ansible.
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
