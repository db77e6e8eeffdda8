#!/usr/bin/env bash
# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Keeps the Amazon ECR Public pull secrets of some namespaces fresh: reads them all and, where one is due, fetches a single
# token from AWS and writes it in place. Runs in a pod of the official aws-cli image, as the CronJob of the role
# freshpull.ecr_public.pull_secret. decide.jq beside it holds the rules, selected.sh looks for namespaces.
#
# Prints a JSON line for each namespace and a summary, and exits non-zero if any namespace failed. Tokens and keys stand only
# in files of a folder in memory: never in an argument, in the environment or in the output.
set -euo pipefail
umask 077

readonly config="${FRESHPULL_CONFIG:-/etc/freshpull}"                          # selected.sh, decide.jq, policy.json, namespaces
readonly api_access="${FRESHPULL_API_ACCESS:-/var/run/secrets/freshpull}"      # token, ca.crt
readonly termination_log="${FRESHPULL_TERMINATION_LOG:-/dev/termination-log}"  # what the pod's status shows
readonly force="${FORCE_RENEW:+true}"                                          # renew whatever life remains
readonly rounds=6  # how often a conflict, throttling or a server error is met with another try: for half a minute

# --- Saying what happened

finish() { # STATUS MESSAGE: the last words, where `kubectl describe pod` and the role find them
  printf '%.4000s\n' "$2" >"$termination_log" 2>/dev/null || true
  exit "$1"
}

fail() { # MESSAGE: nothing more can be done for any namespace
  printf '%s\n' "$1" >&2
  finish 1 "$1"
}

# Results are {namespace, action, reason, expires_at, msg}; one ends the work on its namespace.
settle() { # reads results
  jq -c '{namespace, action, reason, expires_at, msg}' | tee -a "$work/results"
}

settle_failed() { # REASON MESSAGE, reads namespaces
  jq -cR --arg reason "$1" --arg msg "$2" '{namespace: ., action: "failed", $reason, expires_at: null, $msg}' | settle
}

conclude() {
  local message status=0
  jq -cs '{
    summary: (group_by(.action) | map({(.[0].action): length}) | add // {}),
    expires_at: (map(.expires_at | values) | min)
  }' "$work/results"
  message="$(jq -rs 'map(select(.action | IN("failed", "failed_open"))) as $failed
    | (group_by(.action) | map("\(length) \(.[0].action)") | join(", ")) +
      ($failed[:10] | map("\n\(.namespace): \(.reason): \(.msg)") | add // "") +
      (if ($failed | length) > 10 then "\n(the log has the others)" else "" end)' "$work/results")"
  jq -es 'all(.action | IN("failed", "failed_open") | not)' "$work/results" >/dev/null || status=1
  finish "$status" "$message"
}

# --- The API server, through curl's config files: no argument holds the pod's token

# What all transfers have in common, as a curl config. The token is read anew for each exchange: the kubelet replaces the
# pod's before it expires.
connect() {
  printf 'Authorization: Bearer %s\n' "$(<"$api_access/token")" >"$work/authorization"
  jq -nr --arg work "$work" --arg ca "$api_access/ca.crt" '
    "header = \("@\($work)/authorization" | tojson)",
    "cacert = \($ca | tojson)",
    "user-agent = freshpull-refresher",
    "noproxy = \"*\"",
    "connect-timeout = 10",
    "max-time = 30"' >"$work/connection"
}

# Prints one transfer for each namespace it reads, as a curl config: the answer goes to $work/answers/NAMESPACE and the line
# "NAMESPACE STATUS ERROR" to standard output. The first answer's Date tells the server's time.
transfers() { # GET|merge-patch+json|apply-patch+yaml
  jq -rR --arg method "$1" --arg server "$server" --arg name "$name" --arg work "$work" --rawfile connection "$work/connection" '
    def quoted: tojson;
    (if input_line_number > 1 then "next" else "dump-header = \("\($work)/headers" | quoted)" end),
    "url = \("\($server)/api/v1/namespaces/\(@uri)/secrets/\($name | @uri)?fieldManager=freshpull" | quoted)",
    (if $method != "GET" then
      "request = PATCH",
      "header = \("Content-Type: application/\($method)" | quoted)",
      "data-binary = \("@\($work)/patches/\("0000000\(input_line_number - 1)"[-8:])" | quoted)"
    else empty end),
    "output = \("\($work)/answers/\(.)" | quoted)",
    "write-out = \("\(.) %{http_code} %{exitcode}\n" | quoted)",
    $connection'
}

# Sorts the namespaces it reads into files $work/answered/STATUS, 000 where the server gave no whole answer.
exchange() { # GET|merge-patch+json|apply-patch+yaml
  local namespace status error
  rm -rf "$work/answered" "$work/answers"
  mkdir "$work/answered" "$work/answers"
  connect
  transfers "$1" >"$work/transfers"
  [[ -s "$work/transfers" ]] || return 0
  { curl --silent --parallel --parallel-max "$workers" --config "$work/transfers" || true; } >"$work/statuses"
  while read -r namespace status error; do
    [[ "$error" == 0 ]] || status=000
    note "$status"
    printf '%s\n' "$namespace" >>"$work/answered/$status"
  done <"$work/statuses"
}

# After a restart an API server does not know all accounts and rights at once: from then on a refusal is no answer.
note() { # STATUS
  [[ "$1" != 000 && "$1" != 5?? ]] || settling=yes
}

answered() { # STATUS: prints its namespaces
  [[ ! -e "$work/answered/$1" ]] || cat "$work/answered/$1"
}

# What an answer other than 200 means. A conflict, throttling and trouble of the server are worth another try: they go to
# $work/pending; all else is settled.
handle_refusals() { # NAME-OF-THE-REQUEST
  local file status message
  for file in "$work"/answered/*; do
    [[ -e "$file" ]] || continue
    status="${file##*/}"
    message="$1: $(describe "$status")"
    case "${selector:+selected }${settling:+settling }$status" in
      *200 | *201) ;;
      *000 | *409 | *429 | *5??)
        try_again "$message" <"$file"
        ;;
      # With a selector, perhaps somebody deleted the namespace or took its label away just now: the next look tells.
      selected*403 | selected*404 | *'settling 401' | *'settling 403')
        message+=": $(api_message "$file")"
        try_again "$message" <"$file"
        ;;
      *404) settle_failed missing "The secret $name is not there (or the namespace). Run the role again." <"$file" ;;
      *403) settle_failed forbidden "The refresher may not $1 the secret (or the namespace is gone). Run the role again." <"$file" ;;
      *)
        message+=": $(api_message "$file")"
        settle_failed api_error "$message" <"$file"
        ;;
    esac
  done
}

try_again() { # MESSAGE, reads namespaces
  cat >>"$work/pending"
  trouble="$1"
}

describe() { # STATUS
  case "$1" in
    000) printf 'no answer from the API server %s' "$server" ;;
    409) printf 'somebody else keeps changing the secret (409)' ;;
    *) printf 'the API server answers %s' "$1" ;;
  esac
}

api_message() { # FILE of namespaces: what the server says to the first of them
  local namespace
  read -r namespace <"$1"
  jq -r '.message // ""' "$work/answers/$namespace" 2>/dev/null || true
}

# --- AWS

# Leaves {expires_at, entry} in $work/token.json, or an error text in $aws_error.
fetch_token() {
  local expires endpoint
  local -a options=(--region us-east-1 --output json --cli-connect-timeout 10 --cli-read-timeout 20)
  endpoint="$(setting aws_endpoint_url)"
  [[ -z "$endpoint" ]] || options+=(--endpoint-url "$endpoint")
  if ! aws ecr-public get-authorization-token "${options[@]}" >"$work/aws.json" 2>"$work/aws.error"; then
    aws_error="$(explain_aws)"
    return
  fi
  # Split once on ':': nothing says that a password has none.
  if ! jq '.authorizationData | .expiresAt as $expires | .authorizationToken | @base64d | index(":") as $colon
      | {username: .[:$colon], password: .[$colon + 1:], auth: @base64}
      | if $colon > 0 and .password != "" and $expires != null then . else error("incomplete") end' \
    "$work/aws.json" >"$work/entry.json" 2>/dev/null ||
    ! expires="$(jq -r '.authorizationData.expiresAt | if type == "number" then "@\(.)" else . end' "$work/aws.json")" ||
    ! expires="$(date -d "$expires" +%s 2>/dev/null)"; then
    aws_error="AWS gave an answer without a usable authorizationToken and expiresAt."
    return
  fi
  if ((expires <= now)); then
    aws_error="AWS gave a token that has already expired by this cluster's clock: check the clocks."
    return
  fi
  jq -n --argjson expires_at "$expires" --slurpfile entry "$work/entry.json" '{$expires_at, entry: $entry[0]}' >"$work/token.json"
}

explain_aws() {
  local error
  error="$(<"$work/aws.error")"
  case "$error" in
    *AssumeRole*AccessDenied* | *AccessDenied*AssumeRole*)
      printf '%s' "AWS does not let the refresher have its role: the role's trust policy must name $(who_asks), and the role must exist."
      ;;
    *InvalidIdentityToken* | *IDPCommunicationError*)
      printf '%s' "AWS does not accept the service account's token: the cluster's issuer must be an identity provider in IAM, with the " \
        "audience that pull_secret_refresher_audience names."
      ;;
    *AccessDenied* | *"not authorized"*)
      printf '%s' "AWS denies it: the principal needs ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken on * " \
        "(AmazonElasticContainerRegistryPublicReadOnly has both, AmazonEC2ContainerRegistryReadOnly neither)."
      ;;
    *"Unable to locate credentials"* | *"Partial credentials"* | *"could not be found"* | *"must have credentials"* | \
      *"referenced in the profile"* | *"referenced in profile"* | *"from container-role"*)
      printf 'The refresher has no AWS credentials: %s.' "$(where_from)"
      ;;
    *UnrecognizedClient* | *InvalidClientTokenId*)
      printf '%s' "AWS does not know the access key: it was deleted or made inactive, or belongs to China or GovCloud, " \
        "where ECR Public does not exist."
      ;;
    *ExpiredToken*) printf '%s' "The AWS credentials are temporary and have expired: give the refresher keys that last." ;;
    # The texts of these can hold what was signed.
    *SignatureDoesNotMatch* | *InvalidSignature*)
      printf '%s' "AWS refuses the signature: the secret key is wrong, or the node's clock is off."
      ;;
    *"Could not connect"* | *imeout* | *"timed out"* | *"Connection was closed"* | *"resolve"*)
      printf '%s' "AWS cannot be reached: pods of this namespace need a way out to api.ecr-public.us-east-1.amazonaws.com:443."
      ;;
    *Throttling* | *"Too many requests"* | *"Rate exceeded"*) printf '%s' "AWS throttles the calls; the next run tries again." ;;
    *) printf 'AWS CLI: %.500s' "${error//$'\n'/ }" ;;
  esac
}

where_from() { # what should have given the credentials
  case "$(setting aws_auth)" in
    irsa) printf '%s' "the webhook of EKS did not change the pod. It must run, and the service account must have the annotation of IRSA" ;;
    pod_identity) printf '%s' "the EKS Pod Identity agent must run, and an association must name this namespace and service account" ;;
    web_identity) printf '%s' "the pod has no token of its service account. Run the role again" ;;
    ambient) printf '%s' "the node has no instance profile, or does not answer pods (its metadata options need a hop limit of 2)" ;;
    *)
      printf '%s' "its Secret needs a key \"credentials\" with a [default] section that has aws_access_key_id and aws_secret_access_key"
      ;;
  esac
}

who_asks() { # whom the trust policy of the role must name
  case "$(setting aws_auth)" in
    irsa | web_identity) printf '%s' "this cluster's identity provider, this namespace and the service account" ;;
    *) printf '%s' "the refresher's AWS principal and the external ID, that principal needs sts:AssumeRole on it" ;;
  esac
}

# --- The decision

setting() { # KEY of policy.json
  jq -r --arg key "$1" '.[$key] // ""' "$config/policy.json"
}

# The later of the two clocks, so that neither a slow node nor a slow server makes a dead token look alive.
clock() {
  local here there=""
  here="$(date +%s)"
  [[ ! -e "$work/headers" ]] || there="$(jq -nrR '[inputs | capture("^date: *(?<date>[^\r]*)"; "i").date][0] // ""' "$work/headers")"
  [[ -z "$there" ]] || there="$(date -d "$there" +%s)"
  printf '%s' "$((there > here ? there : here))"
}

# Reads texts that hold tokens, and leaves {text: fingerprint} in $work/fingerprints.json.
fingerprints() {
  local text file count=0
  rm -rf "$work/texts"
  mkdir "$work/texts"
  sort -u >"$work/texts.txt"
  while IFS= read -r text; do
    printf -v file '%s/texts/%08d' "$work" "$((count += 1))"
    printf '%s' "$text" >"$file"
  done <"$work/texts.txt"
  ((count == 0)) || (cd "$work/texts" && sha256sum -- *) >"$work/sums.txt"
  ((count > 0)) || : >"$work/sums.txt"
  jq -n --rawfile texts "$work/texts.txt" --rawfile sums "$work/sums.txt" '
    [($texts | split("\n")), ($sums | split("\n"))] | transpose
    | map(select(.[0] != "") | {key: .[0], value: "sha256:\(.[1][:16])"}) | from_entries' >"$work/fingerprints.json"
}

decide() { # STEP [FILE-OF-A-SECRET...]
  jq -n --argjson now "$now" --argjson force "${force:-false}" --arg outage "$aws_error" --slurpfile policy "$config/policy.json" \
    --slurpfile token "$work/token.json" --slurpfile fingerprints "$work/fingerprints.json" \
    '{policy: $policy[0], $now, $force, token: $token[0], $outage, fingerprints: $fingerprints[0]}' >"$work/given.json"
  if [[ "$1" == token ]]; then
    jq -nr -f "$config/decide.jq" --arg step token --slurpfile given "$work/given.json"
  else
    jq -rc -f "$config/decide.jq" --arg step "$1" --slurpfile given "$work/given.json" "${@:2}"
  fi
}

# Plans for the secrets in these files to $work/plans, with a token if one is needed and can be had, else for an outage.
plan() { # FILE...
  decide entries "$@" | fingerprints
  decide plan "$@" >"$work/plans"
  if [[ -z "$aws_error" && "$(<"$work/token.json")" == null && -n "$(plans .needs_token)" ]]; then
    fetch_token
  fi
  if [[ "$(<"$work/token.json")" != null ]]; then
    { decide entries "$@"; decide token; } >"$work/all-texts"
    fingerprints <"$work/all-texts"
    decide plan "$@" >"$work/plans"
  elif [[ -n "$aws_error" ]]; then
    decide plan "$@" >"$work/plans"
  fi
}

plans() { # CONDITION: prints those for which it holds
  jq -c "select($1)" "$work/plans"
}

# --- One round: read, decide, write. What is left to do stays in $work/pending.

refresh() {
  mv "$work/pending" "$work/todo"
  : >"$work/pending"
  if [[ -n "$selector" ]]; then read_selected; else read_listed; fi
  [[ -s "$work/secrets" ]] || return 0
  now="$(clock)"
  plan "$work/secrets"

  plans '.patch == null and .body == null' | settle
  write patch merge-patch+json
  write body apply-patch+yaml
}

read_listed() {
  local -a found
  : >"$work/secrets"
  exchange GET <"$work/todo"
  handle_refusals get
  mapfile -t found < <(answered 200)
  ((${#found[@]} == 0)) || cat "${found[@]/#/$work/answers/}" >"$work/secrets"
}

write() { # patch|body CONTENT-TYPE
  plans ".$1 != null" >"$work/writes"
  [[ -s "$work/writes" ]] || return 0
  rm -rf "$work/patches"
  mkdir "$work/patches"
  # Bodies 00000000, 00000001 and so on, as transfers() names them: one process for a thousand patches.
  jq -c ".$1" "$work/writes" | split --lines=1 --numeric-suffixes --suffix-length=8 - "$work/patches/"
  exchange "$2" < <(jq -r .namespace "$work/writes")
  handle_refusals "$([[ "$1" == patch ]] && printf patch || printf create)"
  { answered 200; answered 201; } | jq -nR '[inputs | {key: ., value: true}] | from_entries' >"$work/written.json"
  jq -c --slurpfile written "$work/written.json" 'select($written[0][.namespace])' "$work/writes" | settle
}

# --- Start

export LC_ALL=C TZ=UTC
for tool in jq aws curl sha256sum sort split date mktemp tee; do
  command -v "$tool" >/dev/null ||
    fail "The image has no $tool. Use the official aws-cli image (public.ecr.aws/aws-cli/aws-cli), 2.27.57 or newer."
done
for file in "$config"/{selected.sh,decide.jq,policy.json,namespaces} "$api_access/token" "$api_access/ca.crt"; do
  [[ -r "$file" ]] || fail "The file $file is missing. Run the role again."
done

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
trap 'finish 143 "Stopped before the end, by its deadline or by hand; what was settled until then is in the log."' TERM INT
# The AWS CLI writes below HOME. The node's own role is used only where the CronJob says so. The region is that of ECR Public,
# for STS too: an address that a cluster's webhook puts into the pod does not count.
export HOME="$work" AWS_PAGER="" AWS_EC2_METADATA_DISABLED="${AWS_EC2_METADATA_DISABLED:-true}" AWS_REGION=us-east-1 \
  AWS_STS_REGIONAL_ENDPOINTS=regional AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=4

host="${KUBERNETES_SERVICE_HOST:?is not set: this runs in a pod}"
[[ "$host" != *:* ]] || host="[$host]"
readonly server="https://$host:${KUBERNETES_SERVICE_PORT:-443}"
name="$(setting name)"
workers="$(setting workers)"
aws_error=""
trouble=""
settling=""  # "yes" once the API server was away
printf null >"$work/token.json"
printf '{}' >"$work/fingerprints.json"
: >"$work/results"
# shellcheck source=roles/pull_secret/files/selected.sh
source "$config/selected.sh"
selector="$(setting selector)"
if [[ -n "$selector" ]]; then printf '%s\n' '*' >"$work/pending"; else cp "$config/namespaces" "$work/pending"; fi

for ((round = 1; round <= rounds; round++)); do
  refresh
  [[ -s "$work/pending" ]] || break
  ((round == rounds)) || sleep "$((2 ** (round - 1)))"
done
settle_failed unfinished "Given up after $rounds tries: $trouble." <"$work/pending"
conclude
