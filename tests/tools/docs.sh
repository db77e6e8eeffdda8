#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Builds the documentation site in build/docs/html without a network, checks its links, and looks at each page in a
# browser: docs.sh [PYTEST-OPTION…]; with TIER=core without the browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tests=(tests/docs_site)
case ${TIER:-full} in
    core) tests=(tests/docs_site/test_site.py) ;;
    full) tests/tools/need.sh docs ;;
    *) echo "TIER is '$TIER'; it can be core or full." >&2; exit 2 ;;
esac

site=build/docs
rm -rf "$site"
mkdir -p "$site"
mkdir -m 700 "$site/rst" # antsibull-docs rejects a directory into which others can write
antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --no-add-antsibull-docs-version \
    --dest-dir "$site/rst" freshpull.ecr_public
cp docs/docsite/*.svg "$site/rst"
sphinx-build -q -W --keep-going -j auto -c tests/docs_site "$site/rst" "$site/html"
PYTHONPATH=tests python -m docs_site.links "$site/html"
python -m pytest -n 2 "${tests[@]}" "$@"
