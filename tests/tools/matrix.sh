#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs cells of the version matrix: matrix.sh [CELL…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PYTHONPATH=$PWD/tests .venv/bin/python -m matrix "$@"
