# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated pull secrets and images, as people, other tools and attackers write them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Sequence

from .kubelet_oracle import Case, StoredSecret

_HOSTS = ["public.ecr.aws"] * 6 + ["registry.example", "registry.example:5000", "docker.io", "index.docker.io"]
_KEY_HOSTS = [
    *_HOSTS,
    *("*.ecr.aws", "public.*.aws", "public.ecr.*", "*.*.*", "*", "*.*", "p*c.ecr.aws", "*.e*r.aws", "pub*lic.ecr.aws"),
    *("**.ecr.aws", "p*b*l*c.*c*.a*s", "*x.ecr.aws", "*c.ecr.aws", "public.ecr.aws.*", "*.example:5000", "*:5000"),
    *("public.ecr.aws:443", "public.ecr.aws:", "registry.example:", "registry-1.docker.io", "*.io", "*.docker.io"),
    *("Public.ECR.aws", "localhost", "localhost:5000", "local*", "127.0.0.1", "127.*.0.1", "Team", "T*", "[::1]"),
]
_ODD_HOSTS = [
    *("[::1]:5000", "[::1]:", "[::1]x", "[::1", "[fe80::1%25eth0]", "[::1%25a*]:80", "[::1%2525a*]", "[::1%25]", "[]"),
    *("[::1%2525%255Bab%255D*]", "[1:2:3:4:5:6:7:8]:80", "[1:2:3:4:5:6:7::]", "[::1.2.3.4]", "[::ffff:1.2.3.04]"),
    *("[f]", "[a]:5000", "[1.2.3.4]", "[12345::]", "[1::2::3]", "a]b", "a]b:80", "a[b]", "u@public.ecr.aws"),
    *("AWS:pw@*.ecr.aws", "u%zz@public.ecr.aws", "u@v@public.ecr.aws", "u v@public.ecr.aws", "%70ublic.ecr.aws"),
    *("public%2Eecr.aws", "a%25b", "p\u00fcblic.ecr.aws", "p%C3%BCblic.ecr.aws", "p%FFblic.ecr.aws"),
    *("public.ecr.aws:port", "a:1:2", "public ecr aws", "my_registry.example", "", ".", "..", "public..aws", "*."),
    *(".*", "?.ecr.aws", "p?blic.ecr.aws", "\\*.ecr.aws", "public.ecr.aws\n", "public.ecr.aws\x7f", "[public].ecr.aws"),
    *("[::1]*", "[F::1]", "[f::1]", "public.ecr.aws,a:1", "[::1%252541]", "[::1%2541%20b]", "[::1%25\u00e9]"),
    *("[::1%25%C3]", "[::1%25a]b]:80", "[fe80::1%eth0]", "[F::%251]"),
]  # fmt: skip
# Keys whose brackets make a class of characters, since there is no port. Each escape is parsed twice.
_CLASSES = [
    *("[::F]", "[::f]", "[A::1]", "[::1]", "[F::%251]", "[F::%25251]", "[F::%2525*]", "[1::%2525A]", "[A::%2525251-F]"),
    *("[1::%252525A-Z]", "[1::%252525Z-A]", "[1::%252525-]", "[1::%252525A-]", "[1::%25251%255D*%255BF]"),
    *("[F::%2525%25C3]", "[1::%25251%255D*]", "[1::%25251%255D*%255B]", "[A::%25251%255D%255BF]"),
    *("[A::%25251%255DF%255D]", "[F::%2525%253F]", "[F::%2525%2520]", "[F::%2525%2541]", "[F::%2525\u00e9]"),
    *("[F::%2525%255D]", "[1::%252525\u00e9-\u00ff]", "[F:::]", "[F::1.2]", "[F::%25251.2]", "[1:2:3:4:5:6:7:F]"),
    *("[1:2:3:4:5:6:7:8:F]", "[1:2:3:4:5:6:7::F]", "[1234F::]", "[G::F]"),
]  # fmt: skip
_SHORT_IMAGE_HOSTS = ["F/", "F/", "A/", "1A/", "1AF/", "AF/", "A1F/", "[::1]/", "[F::1]:80/", "1.2/", "F.2/"]
_SCHEMES = ["", "", "", "https://", "http://"]
_ODD_SCHEMES = ["HTTPS://", "tcp://", "//", "/", "https://https://", "https:/", "https:", "://"]
_PATHS = ["", "", "", "", "/", "/v1/", "/v2/", "/team", "/team/app", "/team/", "/tea", "/library", "/library/nginx"]
_ODD_PATHS = [
    *("/v1", "/v2", "/v1/team", "/v2/team/app", "/v1/v2/", "/v1//", "/v3/", "/%74eam", "/tea%zzm", "/team%"),
    *("/%76%31/", "/team?x=/y", "/team?", "?x", "??", "/team%3Fx", "/team%3f", "/team%23y", "/team%2525zz"),
    *("/team%2574", "/team%25zz", "/%0a", "/team%0A", "/team%20", "/tea m", "//", "//team", "/./team", "/team/.."),
    *("#y", "/team#y", "#%zz", "#\n", "#", "/team#\x7f", "/team\n", "/t\u00e9am", "/t%C3%A9am", "/t%FFam"),
    *("/team/app:1.0", "/team/app@sha256", "/*", "/tea*", "\\"),
]  # fmt: skip
_IMAGE_HOSTS = [
    *("public.ecr.aws/",) * 8,
    *("registry.example/", "registry.example:5000/", "docker.io/", "index.docker.io/", "", "", "localhost/"),
]
_ODD_IMAGE_HOSTS = [
    *("localhost:5000/", "Team/", "T/", "F/", "127.0.0.1/", "[::1]/", "[::1]:5000/", "[1:2]/", "[abc]:80/", "[::1]:/"),
    *("my_registry.example/", "my_registry/", "public.ecr.aws:443/", "public.ecr.aws:/", "Public.ECR.aws/", "a..b/"),
    *("a-.b/", "-a.b/", "a.b./", ".a.b/", "https://public.ecr.aws/", "p\u00fcblic.ecr.aws/", "/", "public.ecr.aws//"),
    *("a.b:80:90/", "x" * 63 + ".example/", "a1:5000/", "1A/", ":80/", "a_b:80/", "*.ecr.aws/", "public.ecr.aws:x/"),
    *("a.b\n/", "a--b.c/"),
]  # fmt: skip
_IMAGE_PATHS = [
    "team/app",
    "team/app",
    "team/app",
    "team",
    "teams/app",
    "nginx",
    "library/nginx",
    "team/app/deep",
    "tea/m",
]
_ODD_IMAGE_PATHS = [
    *("", "Team/app", "team/App", "team//app", "team/app/", "tea_m/a__b", "tea___m", "tea..m", "tea-m/a--b", "-team"),
    *("team-", "v1/team", "v2/team/app", "v1/", "team.", "a" * 255, "a" * 256, "a/" * 127 + "a", "a" * 64, "0" * 64),
    *("t\u00e9am", "tea m", "team/app\n", "tea_.m", "tea.-m", "_team", "sha256", "team/app%74", "team/app?x"),
    *("\u212aelvin", "tea\x00m"),
]  # fmt: skip
_TAGS = ["", "", ":1.0", ":latest"]
_DIGEST = "@sha256:" + "0af" * 21 + "0"
_ODD_TAGS = [
    *(_DIGEST, ":1.0" + _DIGEST, ":", ":-a", ":" + "a" * 128, ":" + "a" * 129, ":a:b", ":1.0/x", "@", "@sha256:"),
    *(":\u00e9", "@sha256:" + "A" * 64, "@sha256:" + "a" * 63, "@SHA256:" + "a" * 64, "@md5:" + "a" * 32),
    *("@sha512:" + "a" * 128, ":1\n", "@sha384:" + "a" * 96, "@sha512:" + "a" * 64, _DIGEST + ":1.0"),
    *(_DIGEST + _DIGEST, ":1.0@", _DIGEST + "\n", ":_a.b-c"),
]  # fmt: skip
_DEEP = [
    *("[" * depth + "]" * depth for depth in (50, 300, 9000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (300, 2000)),
]
_TOO_DEEP = ["[" * 11_000 + "]" * 11_000, "[" * 9900, "[" * 9900 + "}" * 9900, "[" * 9900 + "1 2" + "]" * 9900]


class Generator:
    """Generate one case for each seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._logins = 0
        # Most cases have no mistake, so that there are credentials to compare.
        self._careless = self._random.random() < 0.35
        self._classes = self._random.random() < 0.1

    def case(self) -> Case:
        secrets = tuple(self._secret() for _secret in range(self._random.choice([1, 1, 2, 2, 3, 4])))
        return Case(secrets, tuple(self._image() for _image in range(4)))

    def _secret(self) -> StoredSecret:
        if self._chance(0.5 if self._careless else 0.05) and self._chance(0.2):
            return self._ignored()
        legacy = self._chance(0.2)
        text = self._auths() if legacy else self._config()
        if self._mistake(0.03):
            text = self._pick(
                [text[:-1], text + "x", "null", "[]", '""', "1", "", " \n", "\ufeff" + text, "{}{}", "true"]
            )
        return StoredSecret.of(text, legacy=legacy)

    def _ignored(self) -> StoredSecret:
        secret = StoredSecret.of("{" if self._chance(0.3) else self._config(), legacy=self._chance(0.5))
        other = StoredSecret.of(self._config(), legacy=secret.type.endswith("cfg"))
        return self._random.choice(
            [
                StoredSecret("Opaque", secret.data),
                StoredSecret("", secret.data),
                StoredSecret(secret.type, {}),
                StoredSecret(secret.type, dict.fromkeys(secret.data, b"")),
                StoredSecret(secret.type, {"x": b"{}"}),
                StoredSecret(StoredSecret.of("", legacy=not secret.type.endswith("cfg")).type, secret.data),
                StoredSecret(secret.type, {**other.data, ".dockercfg": b"{", **secret.data}),
            ]
        )

    # --- JSON

    def _config(self) -> str:
        members = [("auths", self._auths())]
        if self._chance(0.2):
            members.append(
                self._random.choice([("credsStore", '"x"'), ("HttpHeaders", '{"a":"b","c":null}'), ("x", "1e999")])
            )
        if self._chance(0.05):
            members.append(("auths", self._pick(["null", "{}", self._auths()])))
        if self._mistake(0.05):
            members.append(("HttpHeaders", self._pick(['{"a":1}', "[]", "null", '{"a":{}}', '"x"', "1"])))
        if self._mistake(0.05):
            members.append(("auths", self._pick(["[]", '"x"', "1", "true", "false", "0"])))
        if self._chance(0.02):
            members.append(("deep", self._pick(_DEEP)))
        if self._mistake(0.02):
            members.append(("deep", self._pick(_TOO_DEEP)))
        self._random.shuffle(members)
        return self._object([(self._spelled(name), value) for name, value in members])

    def _auths(self) -> str:
        entries = [(self._key(), self._entry()) for _entry in range(self._random.choice([0, 1, 2, 3, 5]))]
        if entries and self._chance(0.05):
            entries.append((entries[0][0], self._entry()))
        return self._object(entries)

    def _entry(self) -> str:
        if self._mistake(0.02):
            return self._pick(["1", "[]", '"x"', "true", "1.5e3", '["username"]'])
        if self._chance(0.03):
            return self._pick(
                ["null", "{}", '{"identitytoken":"x"}', '{"auth":null}', '{"auth":""}', '{"registrytoken":1}']
            )
        self._logins += 1
        username, password = f"u{self._logins}", f"p{self._logins}"
        plain = [("username", self._text(username)), ("password", self._text(password))]
        auth = [("auth", self._quoted(self._base64(username, password)))]
        fields = self._random.choice(
            [auth, auth, plain, plain + auth, auth + plain, [*auth, ("email", '"e@x.example"')]]
        )
        if self._chance(0.1):
            fields = [
                *fields,
                self._random.choice([*fields, ("identitytoken", '"t"'), ("auth", '""'), ("username", "null")]),
            ]
        if self._mistake(0.02):
            fields = [
                *fields,
                (self._pick(["username", "auth", "email", "password", "x"]), self._pick(["1", "[]", "{}", "true"])),
            ]
        return self._object([(self._spelled(name), value) for name, value in fields])

    def _base64(self, username: str, password: str) -> str:
        login = f"{username}:{password}".encode()
        if self._chance(0.1):
            login = self._pick_bytes(
                [login + b":x", login + b"\xff", b"\xc3:" + login, b":", b":p", login[:-1] + b"\0", login + b"\n"]
            )
        text = base64.b64encode(login).decode()
        if self._chance(0.2):
            text = self._pick(
                [text.rstrip("="), text + "\n", text[:4] + "\r\n" + text[4:], "\n" + text, text.rstrip("=") + "\n"]
            )
        if self._mistake(0.04):
            odd = [
                text[:-1],
                text + "=",
                "=",
                "==",
                "A",
                "AAAA",
                "dXA=",
                "%%%%",
                " " + text,
                text + " ",
                text + "\t",
                "dXA6cA-_",
            ]
            odd += [
                "dTpw=",
                "dTp=",
                "dTpx\n=",
                "dTo=\n",
                "dTo=\u00a0",
                "dTo=\v",
                "dTp3",
                "dTp/",
                "dTr=",
                "dT==",
                "dTo==",
                "=dTo",
            ]
            text = self._pick(odd)
        return text

    def _spelled(self, name: str) -> str:
        if self._chance(0.9):
            return name
        spelled = [
            name.upper(),
            name.title(),
            name.replace("s", "\u017f"),
            name.replace("k", "\u212a"),
            name + "s",
            name[:-1],
        ]
        return self._pick(
            [*spelled, name.replace("a", "\u00e0"), " " + name, name.replace("i", "\u0131"), name + "\x00"]
        )

    def _text(self, text: str) -> str:
        """Quote a string, sometimes with characters that Go replaces."""
        if self._chance(0.05):
            odd = [
                "\\ud800",
                "\\udfff",
                "\\ud83d\\ude00",
                "\\ud800\\ud83d\\ude00",
                "\\u0000",
                "\udcff",
                "\udcc3",
                "\\u00e9",
                "\\/",
            ]
            return f'"{text}{self._pick(odd)}{self._pick(odd)}"'
        if self._mistake(0.02):
            invalid = self._pick(["\n", "\\x", "\\u12", "\x1f", "\x7f", "\\'", "\t", "\\u12g4"])
            return f'"{text}{invalid}"'
        return self._quoted(text)

    def _object(self, members: Sequence[tuple[str, str]]) -> str:
        space = self._random.choice(["", "", " ", "\n\t", "\r\n"])
        if self._mistake(0.005):
            space = self._pick(["\f", "\u00a0", "\v", "\x00"])
        inner = ",".join(f"{space}{self._quoted(name)}{space}:{space}{value}{space}" for name, value in members)
        if self._mistake(0.005):
            inner += ","
        return "{" + inner + "}"

    def _quoted(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=self._chance(0.5) and "\udcff" not in text)

    # --- Keys and images

    def _key(self) -> str:
        host = self._random.choice(_ODD_HOSTS if self._chance(0.12) else _KEY_HOSTS)
        if self._classes and self._chance(0.7):
            host = self._random.choice(_CLASSES)
        scheme = self._random.choice(_ODD_SCHEMES if self._chance(0.04) else _SCHEMES)
        path = self._random.choice(_ODD_PATHS if self._chance(0.12) else _PATHS)
        return self._mutated(scheme + host + path, "\u00e9\udcff\udcc3")

    def _image(self) -> str:
        host = self._random.choice(_ODD_IMAGE_HOSTS if self._chance(0.12) else _IMAGE_HOSTS)
        if self._classes and self._chance(0.7):
            host = self._random.choice(_SHORT_IMAGE_HOSTS)
        path = self._random.choice(_ODD_IMAGE_PATHS if self._chance(0.08) else _IMAGE_PATHS)
        tag = self._random.choice(_ODD_TAGS if self._chance(0.12) else _TAGS)
        return self._mutated(host + path + tag, "\u00e9\u0130")

    def _mutated(self, text: str, others: str) -> str:
        """Insert, replace or remove a character now and then."""
        while self._chance(0.08):
            place = self._random.randrange(len(text) + 1)
            new = self._random.choice([*"*[]:/@.%?#-_&\\ aA0\n\"'<^~|{", "%25", "%5B", "%41", *others, ""])
            text = text[:place] + new + text[place + self._random.randrange(2) :]
        return text

    # --- Choices

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _mistake(self, probability: float) -> bool:
        return self._careless and self._chance(probability)

    def _pick(self, values: Sequence[str]) -> str:
        return self._random.choice(values)

    def _pick_bytes(self, values: Sequence[bytes]) -> bytes:
        return self._random.choice(values)
