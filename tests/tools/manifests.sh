#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Checks the objects of the refresher with checkov. It has its own environment, since its pinned versions conflict.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

venv=.cache/checkov
if ! [[ $venv/.ready -nt tests/requirements-checkov.txt ]]; then
    environment "$venv" "$(realpath -s .venv/bin/python)" tests/requirements-checkov.txt
fi
PYTHONPATH=tests .venv/bin/python tests/tools/manifests.py "$venv/bin/checkov"
