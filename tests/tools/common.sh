#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Functions of several scripts in this directory. To be sourced.

# left_out TEXT: reports that tests were left out. It fails on a build server (CI=true), which must run all tests.
left_out() {
    echo "LEFT OUT: $1" >&2
    if [[ -n ${FRESHPULL_LEFT_OUT:-} ]]; then
        echo "$1" >>"$FRESHPULL_LEFT_OUT" # for the table at the end of `make test`
    fi
    [[ ${CI:-} != true ]]
}

cluster() {
    PYTHONPATH=$PWD/tests .venv/bin/python -m support.cluster "$@"
}

left_out_node() {
    left_out "tests that need a node. Run them as root, where containerd can run and namespaces can be created"
}

# Prints "minor<TAB>path" of a Python 3 that starts and can create virtual environments. Version managers put commands
# on PATH that only print an error.
probe_python() {
    "$1" -c 'import ensurepip, sys, venv; print(sys.version_info[1], sys.executable, sep="\t")' 2>/dev/null || true
}

# newest_python LOWEST HIGHEST: prints the path of the newest Python 3 with a minor version in this range, or nothing.
newest_python() {
    local candidates=() minor name
    for ((minor = $2; minor >= $1; minor--)); do
        mapfile -t -O "${#candidates[@]}" candidates < <(type -ap "python3.$minor")
    done
    mapfile -t -O "${#candidates[@]}" candidates < <(type -ap python3)
    if command -v pyenv >/dev/null; then
        candidates+=("$(pyenv root)"/versions/3.*/bin/python3)
    fi
    # The sort is stable: of two with the same version the first on PATH is taken.
    for name in "${candidates[@]}"; do
        probe_python "$name"
    done | awk -v lowest="$1" -v highest="$2" '$1 >= lowest && $1 <= highest' | sort -snr -k1,1 | head -n 1 | cut -f 2
}

# Prints the Python for .venv, or nothing.
python_for_venv() {
    echo "${PYTHON:-$(newest_python 11 14)}"
}

# environment VENV PYTHON FILE [REQUIREMENT…]: creates the environment if needed, and installs the requirements.
environment() {
    if ! "$1/bin/python" -c '' 2>/dev/null; then
        echo "Creating $1 with $2" >&2
        "$2" -m venv --clear "$1"
    fi
    if ! "$1/bin/python" -c 'import pip' 2>/dev/null; then
        "$1/bin/python" -m ensurepip >/dev/null
    fi
    echo "Installing $3" >&2
    # Not compiled: few of the tens of thousands of files in `ansible` are imported.
    "$1/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check -r "$3" "${@:4}"
    touch "$1/.ready"
}

# install_into VENV PYTHON FILE [REQUIREMENT…]: the same, and links the checkout (the current directory) as a
# collection.
install_into() {
    environment "$@"
    local collections
    collections=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections
    mkdir -p "$collections/freshpull"
    ln -sfn "$PWD" "$collections/freshpull/ecr_public"
}
