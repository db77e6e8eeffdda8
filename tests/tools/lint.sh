#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs all linters, one on each processor, and shows the findings of all. The exit status is 0 if there are none.
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

# tracked_files PATTERN…: prints the files of the checkout, with new ones, whose names match.
tracked_files() {
    git ls-files -z --cached --others --exclude-standard -- "$@" | xargs -0 -r ls -d 2>/dev/null
}

# mypy reads the checkout through a link with the collection's full name, which imports use. Without it mypy would find
# every module twice.
types() {
    local root=.cache/collections link=ansible_collections/freshpull/ecr_public files
    mkdir -p "$root/${link%/*}"
    ln -sfn "$PWD" "$root/$link"
    mapfile -t files < <(tracked_files 'plugins/*.py' 'tests/*.py' | sed "s|^|$link/|")
    (cd "$root" && MYPYPATH=.:$link/tests python -m mypy --config-file "$link/pyproject.toml" "${files[@]}")
}

scripts() {
    local files
    mapfile -t files < <(tracked_files '*.sh' .ci/run)
    shellcheck --external-sources "${files[@]}"
}

# It copies the collections that this one depends on. From a git checkout it would copy only tracked files, and nothing
# of .venv: the ceiling hides this checkout from git.
docs() {
    GIT_CEILING_DIRECTORIES=$PWD antsibull-docs lint-collection-docs --plugin-docs .
}

# Checks the syntax of the alert rules and runs their tests.
alerts() {
    promtool check rules --lint-fatal extensions/prometheus/*.rules.yml >/dev/null &&
        promtool test rules tests/alerts/*.test.yml >/dev/null
}

workflows() {
    PYTHONPATH=tests python tests/tools/workflows.py
}

spelling() {
    local files
    mapfile -t files < <(tracked_files)
    codespell --toml pyproject.toml "${files[@]}"
}

# The slowest first. ruff keeps no cache: reuse takes files that appear while it runs for files of the checkout, even if
# git ignores them.
check mypy types
check ansible-lint ansible-lint --offline --strict -q
check checkov tests/tools/manifests.sh
check antsibull-docs docs
check antsibull-changelog antsibull-changelog lint
check shellcheck scripts
check yamllint yamllint --strict .
check promtool alerts
check import-linter lint-imports --no-cache
check codespell spelling
check reuse reuse lint --lines
check actionlint workflows
check ruff ruff check --no-cache --quiet --output-format concise .
check ruff-format ruff format --no-cache --check --quiet .
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
