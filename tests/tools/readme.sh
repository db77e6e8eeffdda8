#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Follows the quick start of README.md on a real node, with the collection as users install it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

if ! cluster can-run-node; then
    left_out_node
    exit
fi
user=$(mktemp -d)
trap 'rm -rf "$user"' EXIT
PYTHONPATH=tests .venv/bin/python -m readme install "$user" README.md
cluster run --node --name readme -- .venv/bin/python -m readme use "$user" README.md
