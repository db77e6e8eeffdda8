# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig of a task: its files, its secrets, and why it cannot be used. Private to this collection.

The client library reads it. This file reads it again for messages, and for fields that older libraries ignore.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import redaction

# The client library, which needs it, is missing too: that is the error.
with contextlib.suppress(ImportError):
    import yaml

DEFAULT = "~/.kube/config"
_VAULT_HEADER = b"$ANSIBLE_VAULT;"
_MOST_NAMES = 20
_UNREAD = ("proxy-url", "tls-server-name")
"""Read by the library since its versions 37 and 28."""
_EMBED = "Create it on the target host, or embed it in the kubeconfig (kubectl config view --raw --flatten)."
# Without a handler, the log goes to standard error, which Ansible shows at -vvv for some connections. The library also
# calls a credential plugin for a later request, to renew the credentials.
_SILENT = logging.NullHandler()
_NOT_FOUND = re.compile(r"No such file or directory: '([^']+)'")


class Kubeconfig:
    """The kubeconfig that a task uses, as the client library finds it."""

    def __init__(self, given: t.Any, environment: t.Mapping[str, str]) -> None:
        """given: the option or K8S_AUTH_KUBECONFIG, a path, several with colons, a dict, or nothing."""
        value = given or environment.get("KUBECONFIG") or DEFAULT
        self.is_content = redaction.is_content(value)
        """Whether it is the content of a kubeconfig as a text, instead of a path."""
        self.paths: list[str] = []
        self._given: list[t.Any] = []
        if isinstance(value, str):
            self.paths = [os.path.expanduser(path) for path in value.split(os.pathsep) if path]
        else:
            self._given = [value]

    def contents(self) -> list[t.Any]:
        """Return what can be parsed: of each file, or the dict."""
        return self._given or [_parsed(path) for path in self.paths]

    def secrets(self) -> list[str]:
        """Return the secrets in it that no message may show."""
        return [secret for config in self.contents() for secret in redaction.secrets_in(config)]

    def problem(self) -> str:
        """Return why one of its files cannot be read, or "". The library would skip it, or not say enough."""
        for path in self.paths:
            try:
                with open(path, "rb") as file:
                    if file.read(len(_VAULT_HEADER)) == _VAULT_HEADER:
                        return (
                            f"{path} is encrypted with Ansible Vault. It is decrypted on the control node only if the "
                            "connection is local and the user who runs ansible-playbook can read the file"
                        )
            except PermissionError:
                return (
                    f"{path} cannot be read by the user {_user()} who runs the module (permission denied). Set become, "
                    "or use a kubeconfig that this user can read"
                )
            except OSError:
                # The library says why, or skips a file that does not exist.
                continue
        return ""

    def explain(self, exc: Exception, context: str | None, *, quoted: bool) -> tuple[str, str]:
        """Return why the library cannot use it, and the next step if it is a special one.

        context: the option, if it is given. quoted: whether the text of the exception may be shown.
        """
        if isinstance(exc, yaml.YAMLError):
            # Its text quotes the file.
            place = getattr(exc, "problem_mark", None)
            return f"the kubeconfig is not YAML{f', in line {place.line + 1}' if place else ''}", ""
        if not quoted:
            return f"the kubeconfig is not valid ({type(exc).__name__})", ""
        text = str(exc).rstrip(".")
        if "No configuration found" in text and self.paths:
            return f"{' and '.join(self.paths)} {'does' if len(self.paths) == 1 else 'do'} not exist", ""
        if "context" in text:
            names = self._names("contexts")
            wanted = context or next(iter(self._current()), None)
            if not wanted:
                return "the kubeconfig has no current-context", f"Set context{_listed(names)}."
            if wanted not in names:
                return f"the kubeconfig has no context {wanted!r}", f"Set context{_listed(names)}."
        if isinstance(exc, ValueError) and type(exc).__module__ == "binascii":
            return "in the kubeconfig, the data of a certificate or a key is not base64", "Copy the kubeconfig again."
        if "File does not exist:" in text:
            return f"the kubeconfig names a file that does not exist: {text.partition(':')[2].strip()}", _EMBED
        if isinstance(exc, OSError) and exc.filename:
            return f"{exc.filename} cannot be read: {exc.strerror}", "" if exc.filename in self.paths else _EMBED
        return text, ""

    def plugin(self) -> str:
        """Return the command of the credential plugins in it, or "" if it has none, or different ones."""
        users = [entry.get("user") for config in self.contents() for entry in _entries(config, "users")]
        plugins = [user.get("exec") for user in users if isinstance(user, dict)]
        commands = {str(plugin.get("command")) for plugin in plugins if isinstance(plugin, dict)}
        return commands.pop() if len(commands) == 1 else ""

    def unread_fields(self, server: str) -> dict[str, str]:
        """Return fields of the cluster with this server that older libraries do not read; {} if two clusters differ.

        The files are parsed again only if they have such a field.
        """
        if not any(field in text for text in self._texts() for field in _UNREAD):
            return {}
        found = [
            {field: str(entry["cluster"][field]) for field in _UNREAD if entry["cluster"].get(field)}
            for config in self.contents()
            for entry in _entries(config, "clusters")
            if isinstance(entry.get("cluster"), dict) and str(entry["cluster"].get("server")).rstrip("/") == server
        ]
        return found[0] if found and all(each == found[0] for each in found) else {}

    def has_server(self, server: str) -> bool:
        """Whether a cluster in it has this server."""
        clusters = [entry.get("cluster") for config in self.contents() for entry in _entries(config, "clusters")]
        return any(isinstance(each, dict) and str(each.get("server")).rstrip("/") == server for each in clusters)

    def _texts(self) -> t.Iterator[str]:
        for given in self._given:
            yield repr(given)
        for path in self.paths:
            with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
                yield file.read()

    def _names(self, field: str) -> list[str]:
        return [str(entry.get("name")) for config in self.contents() for entry in _entries(config, field)]

    def _current(self) -> list[str]:
        found = [config.get("current-context") for config in self.contents() if isinstance(config, dict)]
        return [str(each) for each in found if each]


class LoggedErrors(logging.Handler):
    """Keeps what the client library only logs: a failure of a credential plugin. Then it sends no credentials."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.module == "kube_config":
            self.texts.append(record.getMessage())

    def __enter__(self) -> LoggedErrors:
        logging.getLogger().addHandler(_SILENT)
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_exc: object) -> None:
        logging.getLogger().removeHandler(self)

    def problem(self, plugin: str) -> tuple[str, str]:
        """Return what failed and the next step, or "" twice. plugin: the command of the credential plugin, or "".

        The text must be masked. It has no output of the plugin, which may contain secrets.
        """
        if not self.texts:
            return "", ""
        missing = _NOT_FOUND.search(self.texts[0])
        if missing:
            return (
                f"the credential plugin {missing.group(1)} of the kubeconfig (exec) was not found",
                f"Install it on the target host, or give its full path: PATH of the user {_user()} is searched.",
            )
        # What the library says is the first sentence.
        what = self.texts[0].partition("\n")[0].partition(". ")[0]
        name = f"the credential plugin {plugin}".rstrip()
        next_step = (
            f"Its output is not shown, since it may contain secrets. Run it as the user {_user()} on the target host, "
            "and log in with it if needed."
        )
        return f"{name} of the kubeconfig (exec) failed: {what}", next_step


def _parsed(path: str) -> t.Any:
    """Return the content of a kubeconfig, or None if it cannot be parsed."""
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None


def _entries(config: t.Any, field: str) -> list[dict[str, t.Any]]:
    found = config.get(field) if isinstance(config, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _listed(names: t.Sequence[str]) -> str:
    shown = [*names[:_MOST_NAMES], *(["..."] if len(names) > _MOST_NAMES else [])]
    return f" to one of these: {', '.join(shown)}" if names else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Before Python 3.13 it raises KeyError for a user ID without a name.
        return str(os.getuid())
