#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Copies the checkout with new files to the path that ansible-test requires, and prints this path. copy.sh DIRECTORY
# [VENV] creates DIRECTORY/ansible_collections/freshpull/ecr_public. The collections that it depends on are linked there
# from the virtual environment (.venv).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tree=${1:?}/ansible_collections
target=$tree/freshpull/ecr_public
mkdir -p "$target"
# A file that was deleted and not committed is listed too: therefore the test.
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        if [[ -e $file ]]; then printf '%s\0' "$file"; fi
    done |
    tar --create --null --files-from=- | tar --extract --directory "$target"

installed=$("${2:-.venv}/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections
ln -s "$installed/amazon" "$installed/kubernetes" "$tree/"
echo "$target"
