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
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
user=$directory/user
mkdir "$user"
copy=$(tests/tools/copy.sh "$user/collections")
.venv/bin/ansible-galaxy collection build --output-path "$directory" "$copy" >/dev/null
rm -rf "$copy" # what stays are the collections that this one depends on
PYTHONPATH=tests .venv/bin/python -m readme install "$user" README.md "$directory"/*.tar.gz
cluster run --node --name readme -- .venv/bin/python -m readme use "$user" README.md
