#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Shows the collection at work in a new cluster. With KUBECONFIG=… CONFIRM=<its context> and AWS access keys in the
# environment it uses this cluster and this AWS account.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools/common.sh
source tests/tools/common.sh

if [[ -n ${KUBECONFIG:-} && -z ${CONFIRM:-} ]]; then
    echo "KUBECONFIG is not used. To use its cluster, set CONFIRM to the name of its context." >&2
fi
demo=(.venv/bin/python -m demo)
if [[ -n ${CONFIRM:-} ]]; then
    if [[ -z ${KUBECONFIG:-} ]]; then
        echo "CONFIRM is set without KUBECONFIG. Set KUBECONFIG to the kubeconfig of the cluster." >&2
        exit 2
    fi
    PYTHONPATH=tests "${demo[@]}"
elif cluster can-run-node >/dev/null; then
    cluster run --node --name demo -- "${demo[@]}"
else
    cluster run --name demo -- "${demo[@]}"
fi
printf '\nmake demo took %d min %d s.\n' "$((SECONDS / 60))" "$((SECONDS % 60))"
