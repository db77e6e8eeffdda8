# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of this collection's errors, and the check of the Python version. Private to this collection.

The modules import this file first. With an older Python another file would fail, with an error that does not name the
cause.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

if sys.version_info < (3, 9):  # noqa: UP036
    _OLD = (
        "freshpull.ecr_public needs Python 3.9 or newer on the host that runs its modules, and this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}. Set ansible_python_interpreter to a newer one."
    )
    # The result of a module. Of an exception the user would see "MODULE FAILURE" and a traceback.
    sys.stdout.write(json.dumps({"failed": True, "msg": _OLD}) + "\n")
    raise SystemExit(1)


class CollectionError(Exception):
    """An error for the user. The message states what is wrong, where, and the next step. It holds no secret."""


class FileError(CollectionError):
    """A file cannot be used. The message names the next step and holds none of the file's content."""


class OptionError(CollectionError):
    """An option that cannot be used. The message names the option and its value."""


def bug(what: str, exc: Exception) -> str:
    """Name the class and the line of an unexpected exception. Its text is left out, since it may hold a secret.

    what: the beginning of the sentence, such as "The refresher".
    """
    place = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}, line {place.lineno}"
    return f"{what} failed with an unexpected {type(exc).__name__} in {where}. Report this as a bug."
