#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Compares the module with other ways to write pull secrets, in a cluster of its own: bench.sh [NAMESPACES…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

node=()
if cluster can-run-node >/dev/null; then
    node=(--node)
fi
cluster run "${node[@]}" --name bench -- .venv/bin/python -m bench "$@"
