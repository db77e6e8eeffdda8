#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs tests/e2e: e2e.sh [PYTEST-OPTION…]; with TIER=core the tests that are marked core. Tests that need a real node
# and tests of the role run in a cluster with a node. The others run at the same time with another API server, and their
# output is shown at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

options=("$@")
case ${TIER:-full} in
    core) tier="core and " ;;
    full) tier="" ;;
    *) echo "TIER is '$TIER'; it can be core or full." >&2; exit 2 ;;
esac
without_node() { # MARKS
    cluster run --name e2e -- .venv/bin/python -m pytest -m "$tier($1)" tests/e2e "${options[@]}"
}
with_node() { # MARKS
    cluster run --node --name e2e-node -- .venv/bin/python -m pytest -m "$tier($1)" tests/e2e "${options[@]}"
}

if ! cluster can-run-node; then
    without_node "not node and not role"
    without_node "role and not node"
    left_out_node
    exit
fi
# The tests on the node have no network, so they cannot build what they use.
if [[ -z $tier ]]; then
    cluster build-credential-helper
    PYTHONPATH=$PWD/tests .venv/bin/python -m support.build_go_programs
fi
log=$(mktemp)
set -m # a process group of its own, to end all its processes
without_node "not node and not role" >"$log" 2>&1 &
beside=$!
set +m
trap 'if kill -- "-$beside" 2>/dev/null; then wait "$beside"; fi; rm -f "$log"' EXIT
here=0 there=0
with_node "node or role" || here=$?
wait "$beside" || there=$?
cat "$log"
# Options can select no test of one kind: pytest then returns 5.
none=5
if ((${#options[@]} && here + there == none)); then
    exit 0
fi
((here == 0 && there == 0))
