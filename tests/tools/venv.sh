#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Creates .venv with the requirements in tests/requirements.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

python=${PYTHON:-$(newest_python 11 14)}
if [[ -z $python ]]; then
    echo "No Python 3.11 to 3.14 that can create virtual environments was found. On Debian: apt-get install python3 python3-venv" >&2
    exit 1
fi
install_into .venv "$python" tests/requirements.txt
