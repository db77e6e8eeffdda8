# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the file with the AWS keys of a mounted Secret, or write it. Private to this collection.

A Secret of the user has the file, or one key for each value. The AWS CLI reads the file: no environment variable
contains an AWS key.
"""

from __future__ import annotations

import os
import re

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError, CredentialsError

FILE = "credentials"
"""The key of a Secret with the keys in the format of the AWS shared credentials file."""
ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
"""The keys of a Secret with one value each. The last one is optional."""
LAYOUTS = f'the key "{FILE}" (AWS shared credentials file) or the keys {ACCESS_KEY} and {SECRET_KEY}'
"""What such a Secret must contain, for messages."""

NAMES = {
    ACCESS_KEY: "aws_access_key_id",
    SECRET_KEY: "aws_secret_access_key",
    SESSION_TOKEN: "aws_session_token",
}
"""Key of a Secret -> its name in the file."""
# No line break and no space, since the value is written into a configuration file.
_VALUE = re.compile(r"[!-~]+")


def credentials_file(file: str, home: str) -> str:
    """Return the path of a file that the AWS CLI can read. Raises AwsError, without any value.

    file: where the key "credentials" of the Secret is mounted, beside the others. Without that key a file is written
    in the directory home.
    """
    if os.path.exists(file):
        return file
    lines = ["[default]"]
    for key, name in NAMES.items():
        value = _read(os.path.join(os.path.dirname(file), key))
        if value is None and key != SESSION_TOKEN:
            raise CredentialsError(
                f"The refresher has no AWS credentials: the Secret of aws_existing_secret needs {LAYOUTS}. It has no "
                f"{FILE} and no {key}, or it was deleted."
            )
        if value is None:
            continue
        if not _VALUE.fullmatch(value):
            raise CredentialsError(
                f"The key {key} in the Secret of aws_existing_secret is empty or contains a space, a line break or a "
                "character that is not ASCII. Write only the value that AWS returned, without quotes."
            )
        lines.append(f"{name} = {value}")
    written = os.path.join(home, FILE)
    try:
        with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as output:
            output.write("\n".join(lines) + "\n")
    except OSError as exc:
        raise AwsError(f"{written} cannot be written: {exc.strerror or exc}.") from exc
    return written


def _read(path: str) -> str | None:
    """Return a mounted value without the line break that editors add; None if it is not mounted."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None
