# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for what AWS offers to this collection: the ECR Public API, the registry public.ecr.aws and STS.

The command line, not this package, decides how it is run: C(python -m support.aws --help).
"""

from __future__ import annotations

from ._oidc import Provider
from .fake import FakeAws

__all__ = ["FakeAws", "Provider"]
