#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs the unit tests in the virtual environment VENV, with other versions. Not those of the guides and of what only the
# tests use: they need libraries that VENV does not have.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

"$VENV/bin/python" -m pytest -n 2 --dist loadfile -p no:cacheprovider \
    --ignore tests/unit/support --ignore tests/unit/bench --ignore tests/unit/matrix --ignore tests/unit/demo \
    --ignore tests/unit/test_guides.py tests/unit
