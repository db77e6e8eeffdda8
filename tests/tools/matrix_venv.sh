#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Creates the virtual environment of a cell of the matrix: matrix_venv.sh VENV MINOR REQUIREMENTS [REQUIREMENT…]. With
# exit status 3 this machine has no Python 3 with this minor version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

venv=$1 minor=$2
python=$(newest_python "$minor" "$minor")
if [[ -z $python ]]; then
    echo "Python 3.$minor was not found"
    exit 3
fi
install_into "$venv" "$python" "${@:3}"
