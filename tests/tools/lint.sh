#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# All linters, as many at a time as there are processors. Every one runs, so that one look shows all findings; the exit
# status is true if none has any.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
most=$(nproc)
names=()
check() { # NAME COMMAND…
    names+=("$1")
    while (($(jobs -rp | wc -l) >= most)); do
        wait -n
    done
    { "${@:2}" && touch "$output/$1.passed"; } >"$output/$1" 2>&1 &
}

# Files of the checkout, new ones included, whose names match.
ours() {
    git ls-files -z --cached --others --exclude-standard -- "$@" | xargs -0 -r ls -d 2>/dev/null
}

# mypy sees the checkout through a link that has the collection's full name, as its imports do. Else it would take every
# module for two.
types() {
    local root=.cache/collections link=ansible_collections/freshpull/ecr_public files
    mkdir -p "$root/${link%/*}"
    ln -sfn "$PWD" "$root/$link"
    mapfile -t files < <(ours 'plugins/*.py' 'tests/*.py' | sed "s|^|$link/|")
    (cd "$root" && MYPYPATH=.:$link/tests python -m mypy --config-file "$link/pyproject.toml" "${files[@]}")
}

scripts() {
    local files
    mapfile -t files < <(ours '*.sh' .ci/run)
    shellcheck --external-sources "${files[@]}"
}

# It copies the collections that ours depends on, and of those inside a checkout only what git knows: nothing of .venv.
# The ceiling keeps git from taking them for a part of this one.
docs() {
    GIT_CEILING_DIRECTORIES=$PWD antsibull-docs lint-collection-docs --plugin-docs .
}

# The alert rules: whether they can be read, and when they speak.
alerts() {
    promtool check rules --lint-fatal extensions/prometheus/*.rules.yml >/dev/null &&
        promtool test rules tests/alerts/*.test.yml >/dev/null
}

# The slowest first.
check mypy types
check ansible-lint ansible-lint --offline --strict -q
check checkov tests/tools/manifests.sh
check antsibull-docs docs
check antsibull-changelog antsibull-changelog lint
check shellcheck scripts
check yamllint yamllint --strict .
check promtool alerts
check ruff ruff check --quiet --output-format concise .
check ruff-format ruff format --check --quiet .
wait

failed=()
for name in "${names[@]}"; do
    echo "== $name"
    cat "$output/$name"
    [[ -e $output/$name.passed ]] || failed+=("$name")
done
if ((${#failed[@]})); then
    echo "Findings of: ${failed[*]}" >&2
    exit 1
fi
