#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Copies the checkout, new files included, to where ansible-test wants a collection to be, and prints that folder:
# copy.sh FOLDER [VENV] makes FOLDER/ansible_collections/freshpull/ecr_public. The collections that it depends on are
# linked beside it, from the virtual environment (.venv).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tree=${1:?}/ansible_collections
target=$tree/freshpull/ecr_public
mkdir -p "$target"
# A file that was deleted but not yet committed is still listed: hence the test.
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        if [[ -e $file ]]; then printf '%s\0' "$file"; fi
    done |
    tar --create --null --files-from=- | tar --extract --directory "$target"

installed=$("${2:-.venv}/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections
ln -s "$installed/amazon" "$installed/kubernetes" "$tree/"
echo "$target"
