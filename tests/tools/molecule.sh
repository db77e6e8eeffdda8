#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# All molecule scenarios of the role on a real node: molecule.sh [MOLECULE-OPTION…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

if cluster can-run-node; then
    # molecule looks for scenarios in the folder that it is started in.
    cluster run --node --name molecule -- env --chdir extensions molecule test --all "$@"
else
    left_out_node
fi
