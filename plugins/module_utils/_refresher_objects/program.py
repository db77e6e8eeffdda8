# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the refresher's program and the command that starts it. Private to this collection.

The program is a part of the module's own code. Its files are in a ConfigMap whose name contains their hash: a running
pod never sees other code, and one write of the CronJob changes the version.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

FILES = (
    "_aws_errors.py",
    "_aws_keys.py",
    "_aws_profile.py",
    "_aws_response.py",
    "_docker_config.py",
    "_errors.py",
    "_json_text.py",
    "_kubernetes/api.py",
    "_kubernetes/clocks.py",
    "_kubernetes/connections.py",
    "_kubernetes/http_transport.py",
    "_kubernetes/kinds.py",
    "_kubernetes/responses.py",
    "_kubernetes/retry.py",
    "_kubernetes/transport.py",
    "_masking.py",
    "_names.py",
    "_process.py",
    "_proxies.py",
    "_pull_secret/account_writer.py",
    "_pull_secret/bodies.py",
    "_pull_secret/decision.py",
    "_pull_secret/explanations.py",
    "_pull_secret/managed_metadata.py",
    "_pull_secret/manager_warnings.py",
    "_pull_secret/other_managers.py",
    "_pull_secret/reasons.py",
    "_pull_secret/report.py",
    "_pull_secret/secret_writer.py",
    "_pull_secret/selection.py",
    "_pull_secret/service_accounts.py",
    "_pull_secret/stored.py",
    "_pull_secret/unconfirmed.py",
    "_refresher/aws_cli.py",
    "_refresher/main.py",
    "_refresher/mounted_keys.py",
    "_refresher/pod_transport.py",
    "_refresher/refresher.py",
    "_refresher/results.py",
    "_refresher/roles_anywhere.py",
    "_refresher/settings.py",
    "_sdk_errors.py",
    "_time.py",
    "_token.py",
)
"""_refresher/main.py and all that it imports, relative to module_utils."""
DIRECTORY = "/opt/freshpull"
"""Where the program is mounted in the pod."""

_PACKAGE = "ansible_collections/freshpull/ecr_public/plugins/module_utils"
_MAIN = f"{_PACKAGE}/_refresher/main".replace("/", ".")
_NEEDED = "the refresher needs Python 3.9 or newer and the AWS CLI v2. public.ecr.aws/aws-cli/aws-cli has both."
# -I: no code comes from the environment or the working directory. The version is checked before the import, since an
# older Python cannot compile the files.
_PYTHON = f"""\
import sys
if sys.version_info < (3, 9): sys.exit("The image has Python %d.%d: {_NEEDED}" % sys.version_info[:2])
sys.path.insert(0, "{DIRECTORY}")
from {_MAIN} import main
main()
"""
# exec: a shell as the first process of a container would not forward SIGTERM.
_SHELL = f"""\
for needed in python3 aws; do
  if ! command -v "$needed" >/dev/null; then
    echo "The image has no $needed: {_NEEDED}" >&2
    exit 1
  fi
done
exec python3 -I -c "$0"
"""
COMMAND = ("sh", "-c", _SHELL, _PYTHON)
"""The container's command."""


def data(files: t.Mapping[str, str]) -> dict[str, str]:
    """Return the data of the ConfigMap. files: the text of each of FILES."""
    return {_key(file): files[file] for file in FILES}


def digest(files: t.Mapping[str, str]) -> str:
    """Return a hash of the files, 16 hexadecimal digits for use in a name."""
    return hashlib.sha256(json.dumps(data(files)).encode()).hexdigest()[:16]


def items() -> list[dict[str, str]]:
    """Return for each file its key in the ConfigMap and its path below DIRECTORY."""
    return [{"key": _key(file), "path": f"{_PACKAGE}/{file}"} for file in FILES]


def _key(file: str) -> str:
    """Return the key for a file. A key of a ConfigMap cannot contain a slash."""
    return file.replace("/", ".")
