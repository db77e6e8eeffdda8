# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What to do with each pull secret. Reads Secrets as the API server gives them, one JSON document each; in place of one that
# is not there but should be {missing: true, metadata: {namespace}}, and one that should not be there with "unselected": true.
# jq 1.6 suffices.
# It follows the module's decision, and the same table of cases tests both (tests/unit/cases/decide.yml).
#
# Called as: jq -f decide.jq --arg step STEP --slurpfile given FILE
#   step   "entries": prints the texts whose fingerprints "plan" looks up, one a line. They hold tokens.
#          "token":   prints the same for what the new token will be stored as. Reads nothing (jq -n).
#          "plan":    prints one plan a secret: {namespace, action, reason, expires_at, msg, needs_token, patch, body}
#   given  one object, in a file because it may hold a token:
#          policy        {registries: [text], renew_before: seconds, fail_open: bool, fail_open_before: seconds}, and for new
#                        secrets {name, labels, annotations}
#          now           seconds since the epoch
#          force         true: renew whatever life remains
#          token         null while none was fetched, else {expires_at: seconds, entry: {username, password, auth}}
#          outage        why AWS gave no token, in words; "" where it did, or was not asked
#          fingerprints  {text: fingerprint}

# The names and values of plugins/module_utils/_marks.py; a unit test holds the two equal.
def MANAGED_LABEL: "ecr-public.freshpull/managed";
def MANAGED_BY_LABEL: "app.kubernetes.io/managed-by";
def MANAGED_BY: "freshpull";
def CREATED: "ecr-public.freshpull/created";
def EXPIRES_AT: "ecr-public.freshpull/expires-at";
def RENEWED_AT: "ecr-public.freshpull/renewed-at";
def RENEWED_BY: "ecr-public.freshpull/renewed-by";
def FINGERPRINT: "ecr-public.freshpull/fingerprint";
def REGISTRIES: "ecr-public.freshpull/registries";
def FAILED_OPEN_AT: "ecr-public.freshpull/failed-open-at";
def DOCKERCONFIG_TYPE: "kubernetes.io/dockerconfigjson";
def DATA_KEY: ".dockerconfigjson";

$given[0] as {$policy, $now, $force, $token, $outage, $fingerprints} |

# Keys sorted whatever order they came in: tojson keeps that order, and jq's option -S reaches only the output.
def canonical:
  if type == "object" then . as $object | "{" + (keys | map(tojson + ":" + ($object[.] | canonical)) | join(",")) + "}"
  elif type == "array" then "[" + (map(canonical) | join(",")) + "]"
  else tojson end;

def only($names): with_entries(select(.key as $key | $names | index([$key])));
def without($names): with_entries(select(.key as $key | $names | index([$key]) | not));
def time: try fromdateiso8601 catch null;
def fingerprint: $fingerprints[canonical];
def ours: (.metadata.labels // {})[MANAGED_LABEL] == "true";

# What a secret tells about itself: {annotations, text, config, auths, stored (registries), entries (ours), malformed}.
def contents:
  (.metadata.annotations // {}) as $annotations
  | ((.data // {})[DATA_KEY] // "" | try @base64d catch "") as $text
  | ($text | try fromjson catch null) as $config
  | (if ($config | type) != "object" then null elif $config | has("auths") then $config.auths else {} end) as $auths
  | if ($auths | type) != "object" or any($auths[]; type != "object") then {malformed: true}
    else ($annotations[REGISTRIES] // "" | split(",") | map(select(. != ""))) as $stored
      | {$annotations, $text, $config, $auths, $stored, entries: ($auths | only($stored)), malformed: false}
    end;

# One entry under every wanted registry: a token serves them all.
def wanted_entries($entry): reduce $policy.registries[] as $registry ({}; .[$registry] = $entry);
def moved_entries: . as $contents | wanted_entries(first($contents.stored[] | $contents.entries[.] // empty));

# Whether our entries are what we wrote, so that the annotations speak of them.
def genuine: .entries != {} and (.entries | fingerprint) == .annotations[FINGERPRINT];
def believed_expiry: if genuine then .annotations[EXPIRES_AT] | time else null end;

# A share of the token's whole life, or a short-lived token would be renewed without end and given up too early.
def at_most($seconds; $share):
  (.annotations[RENEWED_AT] | time) as $renewed
  | (.annotations[EXPIRES_AT] | time) as $expires
  | if $renewed != null and $expires != null and $renewed < $expires
    then [$seconds, ($expires - $renewed) * $share] | min
    else $seconds end;
def renew_before: at_most($policy.renew_before; 2 / 3);
def fail_open_before: at_most($policy.fail_open_before; 1 / 3);

# What is wrong with the token, or null.
def ailment:
  believed_expiry as $expires
  | if .entries == {} then (if .annotations | has(FAILED_OPEN_AT) then "recovered" else "empty" end)
    elif genuine | not then "fingerprint"
    elif $expires == null then "unknown_expiry"
    elif $expires <= $now then "expired"
    elif $expires - $now < renew_before then "due"
    else null end;

# Why a new token is needed, or null.
def renewal: if $force then "forced" else ailment end;

# The document's text with new entries in place of ours and every other byte as it was. Null where ours are not the same
# registries, or do not stand there just once as they were written.
def renewed_text($entries):
  .entries as $old
  | if ($old | keys) != ($entries | keys) then null
    else reduce ($entries | keys[]) as $registry (.text;
      (($registry | tojson) + ":") as $key
      | if . == null then null else split($key + ($old[$registry] | tojson)) end
      | if length == 2 then join($key + ($entries[$registry] | tojson)) else null end)
    end;

# In place, and only on the object that was read: with uid and resourceVersion the API server refuses any other.
def patch($secret; $entries; $marks):
  . as $contents
  | (.config + {auths: ((.auths | without($contents.stored)) + $entries)}) as $config
  | (renewed_text($entries) | if . != null and fromjson == $config then . else $config | tojson end) as $text
  | {
    metadata: ($secret.metadata | {uid, resourceVersion, annotations: $marks}),
    data: {(DATA_KEY): ($text | @base64)}
  };

# The marks of entries, and those that say nothing any more.
def marks($entries): {(REGISTRIES): ($policy.registries | join(",")), (FINGERPRINT): ($entries | fingerprint)};
def dropped($names): .annotations | only($names) | map_values(null);

def plan($action; $reason): {action: $action, reason: $reason, msg: ""};
def failure($reason; $msg): {action: "failed", reason: $reason, msg: $msg};
def malformed: failure("malformed"; "The secret's \(DATA_KEY) cannot be read. Repair or delete it, then run the role again.");
def writable($secret; written):
  if $secret.immutable then failure("immutable"; "The secret is immutable, so its token cannot be renewed in place. " +
    "Run the role with pull_secret_recreate, or delete the secret and run the role again.")
  else written end;

# Without a token. A stale one is worse than none: registries refuse it, where they serve anonymous pulls. So what dies before
# the next run is taken out, and an expiry that cannot be believed counts as past.
def without_token($secret):
  believed_expiry as $expires
  | if .entries == {} then failure("aws"; "None of our keys is in the secret, so that pulls are anonymous. \($outage)")
    elif $expires != null and $expires - $now > fail_open_before
    then failure("kept"; "The token was kept, which is good for now. \($outage)")
    elif $policy.fail_open | not
    then failure("dying"; "The token has ended or is about to, and was kept: pull_secret_fail_open is false. \($outage)")
    else plan("failed_open"; ailment) + {
        expires_at: null,
        msg: ("The token had ended or was about to: it was taken out, so that pulls are anonymous instead of refused. " + $outage),
        patch: patch($secret; {}; dropped([EXPIRES_AT, FINGERPRINT]) + {
          (REGISTRIES): "",
          (FAILED_OPEN_AT): ($now | floor | todateiso8601)
        })
      } end;

def token_marks: {
  (EXPIRES_AT): ($token.expires_at | todateiso8601),
  (RENEWED_AT): ($now | floor | todateiso8601),
  (RENEWED_BY): "cronjob"
};

def write_token($secret; $reason):
  if $token != null then
    wanted_entries($token.entry) as $entries
    | plan("renewed"; $reason) + {
        expires_at: ($token.expires_at | todateiso8601),
        patch: patch($secret; $entries; dropped([FAILED_OPEN_AT]) + marks($entries) + token_marks)
      }
  elif $outage != "" then without_token($secret)
  else plan("renewed"; $reason) + {needs_token: true} end;

def create:
  if $token != null then
    wanted_entries($token.entry) as $entries
    | plan("created"; "missing") + {
        expires_at: ($token.expires_at | todateiso8601),
        body: {
          apiVersion: "v1",
          kind: "Secret",
          metadata: {
            name: $policy.name,
            labels: ({(MANAGED_BY_LABEL): MANAGED_BY} + $policy.labels + {(MANAGED_LABEL): "true"}),
            annotations: ($policy.annotations + {(CREATED): "true"} + marks($entries) + token_marks)
          },
          type: DOCKERCONFIG_TYPE,
          data: {(DATA_KEY): ({auths: $entries} | tojson | @base64)}
        }
      }
  elif $outage != "" then failure("aws"; "The namespace has no secret yet, so that pulls are anonymous. \($outage)")
  else plan("created"; "missing") + {needs_token: true} end;

# For a secret that nobody would renew any more: our keys out, as only pulls without a token last. It stays ours.
def release($secret):
  contents
  | if .malformed then malformed
    elif .entries == {} then empty
    else writable($secret; plan("removed"; "not_selected") + {
      patch: patch($secret; {}; dropped([EXPIRES_AT, FINGERPRINT]) + {(REGISTRIES): ""})
    }) end;

# For contents that can be read. The first rule that holds settles it.
def decide_content($secret):
  renewal as $renewal
  | (believed_expiry as $stored | $token != null and $stored != null and $token.expires_at <= $stored) as $not_later
  | if $renewal and ($not_later | not) then writable($secret; write_token($secret; $renewal))
    elif ($policy.registries | sort) == (.stored | sort) and ($policy.registries | sort) == (.entries | keys)
    then plan("unchanged"; if $renewal then "not_later" else "fresh" end)
    else moved_entries as $moved
      | writable($secret; plan("updated"; "registries") + {patch: patch($secret; $moved; marks($moved))}) end;

def decide:
  . as $secret
  | if .missing then create
    elif .unselected then
      if .type == DOCKERCONFIG_TYPE and ours then release($secret) else empty end
    elif .type != DOCKERCONFIG_TYPE
    then failure("wrong_type"; "The secret has type \(.type // "Opaque"), which the kubelet ignores; it needs \(DOCKERCONFIG_TYPE). " +
      "Run the role with pull_secret_recreate, or with another pull_secret_name.")
    elif ours | not
    then failure("foreign"; "A secret of this name exists without our mark (label \(MANAGED_LABEL)). " +
      "Run the role with another pull_secret_name, or with pull_secret_adopt.")
    else contents
      | if .malformed
        then malformed
        else {expires_at: (believed_expiry | if . then todateiso8601 else . end)} + decide_content($secret) end
    end
  | {namespace: $secret.metadata.namespace, expires_at: null, needs_token: false, patch: null, body: null} + .;

if $step == "token" then wanted_entries($token.entry) | canonical
elif $step == "entries" then contents | select((.malformed | not) and .entries != {}) | (.entries, moved_entries) | canonical
else decide end
