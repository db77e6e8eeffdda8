#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs all tests of ansible-test sanity, without ignore files. Only the first run is slow: its environments stay in
# ~/.ansible/test. VENV: the virtual environment of Ansible, instead of .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=$(realpath "${VENV:-.venv}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target=$(tests/tools/copy.sh "$work" "$venv")
if compgen -G 'tests/sanity/ignore*.txt' >/dev/null; then
    echo "This collection has no ignore files. Remove tests/sanity/ignore*.txt and correct the finding." >&2
    exit 1
fi
export PATH=$venv/bin:$PATH
python tests/tools/ansible_test_pip.py
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
cd "$target"
ansible-test sanity --local --requirements --python "$version" --color no "$@"
