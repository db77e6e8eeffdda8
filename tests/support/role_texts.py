# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each variable of the role as texts: those that mean the same as a typed value, and those that are rejected."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE


@dataclasses.dataclass(frozen=True)
class Variable:
    """value: typed. texts: each means the same. wrong: each is rejected with the name of the variable.

    by_module: these are rejected, too, but by the module, with the name of its option.
    """

    value: Any
    texts: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    by_module: tuple[str, ...] = ()


def extra_variable(name: str, text: str) -> str:
    """Return an argument of -e in which the parser of key=value finds this text."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    quote = '"' if "'" in text else "'"
    return f"pull_secret_{name}={quote}{escaped}{quote}"


def a_bool(value: bool) -> Variable:
    """Every spelling that Ansible accepts."""
    spellings = sorted({str(each) for each in (BOOLEANS_TRUE if value else BOOLEANS_FALSE)})
    texts = (*spellings, *(each.upper() for each in spellings), *(each.title() for each in spellings), f" {value}\n")
    return Variable(value, tuple(dict.fromkeys(texts)), ("", "maybe", "None", "2", "[]", "{{ true }}"))


def an_int(value: int, *by_module: str) -> Variable:
    texts = (str(value), f" {value}", f"{value}\n", f"+{value}")
    return Variable(value, texts, ("", "many", "1e3", "5.0", "0x10", "None", "[5]", "{{ 5 }}", "٣"), by_module)


def a_list(*value: str, by_module: tuple[str, ...] = ()) -> Variable:
    """Names, which contain neither commas nor line breaks."""
    texts = (
        json.dumps(value),
        json.dumps(value, indent="\t") + "\n",
        repr(list(value)),
        f"[{', '.join(map(repr, value))},]",
        ",".join(value),
        ", ".join(value) + ",",
        "\n".join(value),
        "".join(f" {each} ,,\r\n" for each in value),
    )
    wrong = ("[a, b", "{}", "{a: b}", "{{ ['a'] }}", '["a", null]', "[[a]]", "[u'a']", "[&a b, *a]", '["\\ud800"]')
    return Variable(list(value), texts, wrong, by_module)


def a_dict(value: dict[str, Any], yaml: str, *by_module: str) -> Variable:
    # Escapes have another meaning in YAML.
    python = [repr(value)] if "\\" not in repr(value) else []
    texts = (json.dumps(value), json.dumps(value, indent="\t"), *python, yaml, f"\n{yaml}\n", f"---\n{yaml}\n...\n")
    wrong = ("a", "[]", "None", "null", "{a", "a=b", "{{ {} }}", "{'a': None}", "? [a]\n: b", '{"a": "\\udc00"}')
    return Variable(value, texts, wrong, by_module)


def some_dicts(value: list[dict[str, Any]], yaml: str, *by_module: str) -> Variable:
    texts = (json.dumps(value), json.dumps(value, indent="\t"), repr(value), yaml, f"---\n{yaml}\n")
    wrong = ("a", "name=a, value=b", "{name: a}", "['name=a']", "[null]", "[{a: b}", "{{ [] }}", "[{'a': None}]")
    return Variable(value, texts, wrong, by_module)


def a_text(value: str, *by_module: str, wrong: tuple[str, ...] = ()) -> Variable:
    return Variable(value, (value,), wrong, by_module)


def a_choice(value: str) -> Variable:
    return a_text(value, wrong=("", "None", f" {value}", value.upper(), f'["{value}"]'))


NO_NAMES = ("a b", "- a\n- b", "'a', 'b'", "A", "ünï", "a, {{ x }}", "(a)", "\ufeffa")
TOLERATION = {"key": "dedicated", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
AFFINITY = {"podAntiAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "a"}}]}}
ANYWHERE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def token(password: str, expires_at: dt.datetime) -> Variable:
    time = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {"username": "AWS", "password": password, "expires_at": time}
    return a_dict(
        given,
        f"username: AWS\npassword: {password}\nexpires_at: '{time}'",
        "{password: a}",
        "{a: b}",
        "{password: a, expires_at: soon}",
    )


VARIABLES: dict[str, Variable] = {
    "state": a_choice("present"),
    "cluster": a_dict(
        {"kubeconfig": "/nonexistent/kubeconfig", "context": "a", "validate_certs": True, "proxy_headers": {}},
        "{kubeconfig: /nonexistent/kubeconfig, context: a, validate_certs: yes, proxy_headers: {}}",
    ),
    "aws": a_dict({"profile": "a", "validate_certs": True}, "profile: a\nvalidate_certs: on"),
    "name": a_text("mine", "", " mine", "mine\n", "None", '["a"]', "{{ x }}", "a" * 254),
    "owner": a_text("team-a", " ", "team a", "team-a\n", "[]", "{{ x }}"),
    "namespaces": a_list("default", "team-*", "x-[a-c]", "2026-01-01", by_module=NO_NAMES),
    "exclude_namespaces": a_list("team-x", "kube-?*", by_module=NO_NAMES),
    "namespace_selector": Variable(
        ["tier in (a,b),!c"],
        ("tier in (a,b),!c", " tier in (a,b),!c\r\n", '["tier in (a,b),!c"]', "['tier in (a,b),!c']"),
        ("a=b\nc=d", "[a=b", "[{a: b}]", "[null]"),
        ("a b", "a>1", "{a: b}", "a=b,", "- a=b", "{{ x }}", "'a=b'"),
    ),
    "service_accounts": a_list("default", "ci-*", by_module=NO_NAMES),
    "registries": a_list("public.ecr.aws", "ecr-public.aws.com", by_module=(*NO_NAMES, "https://public.ecr.aws", "[]")),
    "labels": a_dict(
        {"team": "a-1"},
        "team: a-1",
        "{team: ä}",
        "{team: 'a b'}",
        "{a: 1}",
        "{a: yes}",
        "{a: null}",
        "{ecr-public.freshpull/x: y}",
    ),
    "annotations": a_dict(
        {"note": "{{ 1 }}\n\N{GRINNING FACE}"}, 'note: "{{ 1 }}\\n\N{GRINNING FACE}"', "{a: 1}", "{a: [b]}"
    ),
    "renew_before": a_text("9h30m", "", "9", "9 h", " 9h", "9h\n", "None", "1e3h", "-9h", "{{ x }}"),
    "force_renew": a_bool(True),
    "fail_open": a_bool(False),
    "fail_open_before": a_text("3h", " ", "3", "3h\n", "None", "[]", "{{ x }}"),
    "verify": a_bool(True),
    "adopt": a_bool(True),
    "recreate": a_bool(True),
    "workers": an_int(7, "0", "-1", "257"),
    "token": token("never-said", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
    "first_token": a_choice("refresher"),
    "test_run": a_choice("always"),
    "refresher": a_choice("cronjob"),
    "refresher_namespace": a_text("mine", "", " mine", "mine\n", "None", "a.b", "{{ x }}"),
    "refresher_schedule": a_text("17 */2 * * *", " ", "17", "None", "* * *", "{{ x }}", "17 */2 * * * *"),
    "refresher_time_zone": a_text("Europe/Berlin", "", "None", "Europe/Berlin ", "../x", "{{ x }}"),
    "refresher_image": a_text("registry.example.com/aws-cli:2.36.7", "", "aws-cli", "a:b\n", "None", "{{ x }}"),
    "refresher_image_pull_policy": a_choice("Always"),
    "refresher_image_pull_secrets": a_list("mirror", "other", by_module=NO_NAMES),
    "refresher_resources": a_dict(
        {"requests": {"cpu": "60m"}, "limits": {"memory": 536870912}},
        "{requests: {cpu: 60m}, limits: {memory: 0x20000000}}",
    ),
    "refresher_node_selector": a_dict({"disk": "ssd"}, "disk: ssd", "{a: 1}", "{a: true}", "{a: {}}"),
    "refresher_tolerations": some_dicts(
        [TOLERATION, {"operator": "Exists"}],
        "- {key: dedicated, operator: Exists, effect: NoExecute, tolerationSeconds: 60}\n- operator: Exists\n",
    ),
    "refresher_affinity": a_dict(
        AFFINITY, f"podAntiAffinity:\n  {PREFERRED}: [{{weight: 1, podAffinityTerm: {{topologyKey: a}}}}]"
    ),
    "refresher_priority_class": a_text("high", " ", "High", "high\n", "None", "[]", "{{ x }}"),
    "refresher_run_as_user": a_text("1001", " ", "0", "root", "1001\n", "-1", "1e3", "None", "{{ x }}"),
    "refresher_env": some_dicts(
        [{"name": "AWS_USE_DUALSTACK_ENDPOINT", "value": "true"}],
        "- name: AWS_USE_DUALSTACK_ENDPOINT\n  value: 'true'",
        "[{name: A, value: yes}]",
        "[{name: A, value: 5}]",
        "[{value: a}]",
        "[{name: PYTHONPATH, value: a}]",
    ),
    "refresher_volumes": some_dicts(
        [{"name": "extra", "emptyDir": {}}], "[{name: extra, emptyDir: {}}]", "[{emptyDir: {}}]", "[{name: 5}]"
    ),
    "refresher_volume_mounts": some_dicts(
        [{"name": "extra", "mountPath": "/extra", "readOnly": True}],
        "[{name: extra, mountPath: /extra, readOnly: yes}]",
        "[{name: other, mountPath: /extra}]",
        "[{name: extra, mountPath: extra}]",
    ),
    "refresher_labels": a_dict({"cost-centre": "42"}, "cost-centre: '42'", "{a: 42}", "{app.kubernetes.io/name: a}"),
    "refresher_annotations": a_dict({"contact": "a, b"}, "contact: a, b", "{a: 42}", "{ecr-public.freshpull/x: y}"),
    "refresher_pod_labels": a_dict({"queue": "no"}, "queue: 'no'", "{a: no}"),
    "refresher_pod_annotations": a_dict({"linkerd.io/inject": ""}, "linkerd.io/inject: ''", "{linkerd.io/inject: }"),
    "refresher_allowed_metadata": a_list("policy.example.com/*", "team", by_module=("a b", "'a'", "- a", "ünï", "*")),
    "refresher_proxy": a_text("http://proxy.example.com:3128", " ", "proxy:3128", "http://p\n", "None", "{{ x }}"),
    "refresher_no_proxy": a_text("a.example.com, b.example.com", "a,\nb", "a\n", "\ufeffa"),
    "refresher_ca_bundle": a_text(CERTIFICATE, " ", "/etc/ca.pem", "None", "{{ x }}"),
    "refresher_aws_auth": a_choice("secret"),
    "refresher_aws_access_key": a_text("AKIA" + "A" * 16, "", "None", "AKIA" + "A" * 16 + "\n", "ASIA" + "A" * 16),
    "refresher_aws_secret_key": a_text("never-said/never-said", "", "None", "never-said/never-said\n", "{{ x }}"),
    # Not read with the other access.
    "refresher_aws_existing_secret": a_text("mine", " mine", "My keys", "None", "{{ x }}"),
    "refresher_role_arn": a_text("arn:aws:iam::123456789012:role/a", " ", "a", "None", "{{ x }}"),
    "refresher_external_id": a_text("partner", " ", "a", "a\nb", "{{ x }}"),
    "refresher_audience": a_text("mine", "", " mine", "mine\n", "{{ x }}"),
    # Not read with the other access either.
    "refresher_trust_anchor_arn": a_text(f"{ANYWHERE}:trust-anchor/a", "", "a", f"{ANYWHERE}:trust-anchor/a\n", "None"),
    "refresher_profile_arn": a_text(f"{ANYWHERE}:profile/a", "", f"{ANYWHERE}:trust-anchor/a", "None", "{{ x }}"),
    "refresher_certificate_secret": a_text("mine", "", " mine", "My keys", "None", "{{ x }}"),
    "refresher_roles_anywhere_image": a_text("registry.example.com/helper:1", "", "helper", "a:b\n", "None", "{{ x }}"),
    "refresher_roles_anywhere_resources": a_dict(
        {"requests": {"cpu": "20m"}, "limits": {"memory": 67108864}},
        "{requests: {cpu: 20m}, limits: {memory: 0x4000000}}",
    ),
    "refresher_aws_endpoint_url": a_text("https://vpce.example.com/a", " ", "None", "vpce.example.com", "https://a\n"),
    "refresher_attach_service_accounts": a_bool(False),
    "refresher_active_deadline": an_int(300, "0", "179"),
    "refresher_history": an_int(1, "0", "-1"),
    "refresher_suspend": a_bool(True),
}
