# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# For refresh.sh where the role has a pull_secret_namespace_selector: each round asks anew which namespaces are meant, and
# reads the secrets of all namespaces. A namespace "*" in $work/todo stands for all of them.

: "${work:?}" "${config:?}" "${server:?}" "${name:?}"

# Leaves in $work/secrets the secrets to decide about, one a line, as decide.jq takes them.
read_selected() {
  : >"$work/secrets"
  # In this order: a secret that is made in a namespace that is labelled just now must not be taken for one of an unselected one.
  list secrets "fieldSelector=metadata.name=$name" '| del(.metadata.managedFields)' || return 0
  list namespaces "labelSelector=$(setting selector)" '' || return 0
  jq -r .metadata.namespace "$work/all-secrets" >"$work/have"
  jq -nc --slurpfile policy "$config/policy.json" --slurpfile namespaces "$work/all-namespaces" --rawfile have "$work/have" \
    --rawfile todo "$work/todo" '
    def set: split("\n") | map({key: ., value: true}) | from_entries;
    $policy[0] as $policy
    # Whether one that is selected can still be written to.
    | ($namespaces | map(.metadata | select(.name | test($policy.namespaces) and (test($policy.excluded) | not))
        | {key: .name, value: (.deletionTimestamp == null)}) | from_entries) as $selected
    | ($have | set) as $have
    | ($todo | set) as $todo
    | (inputs | if $selected[.metadata.namespace] == null then .unselected = true
                elif $selected[.metadata.namespace] then . else empty end),
      ($selected | to_entries[] | select(.value and ($have[.key] | not)) | {missing: true, metadata: {namespace: .key}})
    | select($todo["*"] or $todo[.metadata.namespace])' "$work/all-secrets" >"$work/secrets"
}

# The items of all pages to $work/all-RESOURCE. False, and all that is to do pending again, where that does not succeed.
list() { # RESOURCE QUERY JQ-FILTER
  local page="" status
  : >"$work/all-$1"
  while
    connect
    page_transfer "$1" "$2" "$page" >"$work/transfers"
    status="$(curl --silent --config "$work/connection" --config "$work/transfers")" || status=000
    note "$status"
    [[ "$status" == 200 ]] || break
    jq -c ".items[] $3" "$work/page" >>"$work/all-$1"
    page="$(jq -r '.metadata.continue // ""' "$work/page")"
    [[ -n "$page" ]]
  do :; done
  case "${settling:+settling }$status" in
    *200) return 0 ;;
    # 410: the cluster has changed too much since the first page.
    *000 | *410 | *429 | *5?? | 'settling 401' | 'settling 403')
      try_again "list $1: $(describe "$status")" <"$work/todo"
      return 1
      ;;
    *) fail "The refresher cannot list $1: the API server says $(jq -r '.message // ""' "$work/page") ($status). Run the role again." ;;
  esac
}

page_transfer() { # RESOURCE QUERY CONTINUE
  jq -nr --arg resource "$1" --arg query "$2" --arg page "$3" --arg server "$server" --arg work "$work" '
    def quoted: tojson;
    "url = \("\($server)/api/v1/\($resource)" | quoted)",
    "get",
    (($query, "limit=500", (if $page != "" then "continue=\($page)" else empty end)) | "data-urlencode = \(quoted)"),
    (if $resource == "namespaces"
      then "header = \"Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\"" else empty end),
    "dump-header = \("\($work)/headers" | quoted)",
    "output = \("\($work)/page" | quoted)",
    "write-out = \"%{http_code}\""'
}
