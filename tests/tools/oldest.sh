#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs unit and integration tests, and the search for secrets, with the oldest supported versions, in an environment of
# their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

venv=.cache/oldest
if ! [[ $venv/.ready -nt tests/requirements-oldest.txt ]]; then
    python=$(newest_python 11 11)
    if [[ -z $python ]]; then
        left_out "tests with the oldest supported versions. They need Python 3.11, which was not found"
        exit
    fi
    install_into "$venv" "$python" tests/requirements-oldest.txt
fi
VENV=$venv tests/tools/unit.sh
VENV=$venv tests/tools/integration.sh
# Run by the newest pytest, with the oldest Ansible.
FRESHPULL_ANSIBLE=$venv cluster run --name oldest -- \
    .venv/bin/python -m pytest -n 2 -p no:cacheprovider tests/e2e/test_no_leaks_shapes.py
