#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The tests of tests/e2e beside a cluster with a real node: e2e.sh [PYTEST-OPTION…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

if cluster can-run-node; then
    cluster run --node --name e2e -- .venv/bin/python -m pytest tests/e2e "$@"
else
    cluster run --name e2e -- .venv/bin/python -m pytest -m "not node" tests/e2e "$@"
    left_out_node
fi
