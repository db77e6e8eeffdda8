#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs the unit tests in the virtual environment VENV, with other versions. Not those of the fakes of AWS and the
# registry and of the benchmark, which are used by the tests only, never with old libraries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

"$VENV/bin/python" -m pytest -n 2 --dist loadfile -p no:cacheprovider \
    --ignore tests/unit/support --ignore tests/unit/bench --ignore tests/unit/matrix tests/unit
