#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Resolves the requirements of the tests into files with all versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# uv has an environment of its own: nothing else needs it.
if ! [[ -x .cache/uv/bin/uv ]]; then
    .venv/bin/python -m venv .cache/uv
    .cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
resolve() {
    .cache/uv/bin/uv pip compile --quiet --custom-compile-command 'make lock' "$@"
}
resolve --upgrade --universal --python-version 3.11 tests/requirements.in -o tests/requirements.txt
resolve --upgrade --universal --python-version 3.11 tests/requirements-checkov.in -o tests/requirements-checkov.txt
resolve --upgrade --universal --python-version 3.11 tests/requirements-importer.in -o tests/requirements-importer.txt
resolve --upgrade --python-version 3.11 tests/requirements-oldest.in -o tests/requirements-oldest.txt
