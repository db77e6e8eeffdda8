#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs tests/galaxy: builds the artifact, imports it as Galaxy does, and installs it. They use an environment with
# Galaxy's importer and without other collections. galaxy.sh [PYTEST-OPTION…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

venv=.cache/importer
if ! [[ $venv/.ready -nt tests/requirements-importer.txt ]]; then
    environment "$venv" "$(realpath -s .venv/bin/python)" tests/requirements-importer.txt
fi
.venv/bin/python -m pytest -n 2 --dist loadfile -p no:cacheprovider tests/galaxy "$@"
