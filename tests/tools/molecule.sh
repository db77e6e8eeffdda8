#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs molecule scenarios of the role on a real node: molecule.sh [SCENARIO…]. Without a name it runs all, or with
# TIER=core those with `tier: core` in molecule.yml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

# Started by `cluster run`.
if [[ ${1:-} == --inside ]]; then
    for scenario in "${@:2}"; do
        start=$SECONDS
        molecule test --scenario-name "$scenario"
        if [[ -n ${FRESHPULL_TEST_TIMES:-} ]]; then
            printf '%s\t%s\n' "$((SECONDS - start))" "$scenario" >>"$FRESHPULL_TEST_TIMES"
        fi
    done
    exit
fi

case ${TIER:-full} in
    core) tier="tier: core" ;;
    full) tier="tier: " ;;
    *) echo "TIER is '$TIER'; it can be core or full." >&2; exit 2 ;;
esac
scenarios=("$@")
if ((${#scenarios[@]} == 0)); then
    mapfile -t scenarios < <(grep -l "^    $tier" extensions/molecule/*/molecule.yml | xargs -n 1 dirname | xargs -n 1 basename)
fi
if cluster can-run-node; then
    cluster run --node --name molecule -- tests/tools/molecule.sh --inside "${scenarios[@]}"
else
    left_out_node
fi
