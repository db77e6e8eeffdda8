# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fakes of the AWS services that this collection uses: the ECR Public API, the registry public.ecr.aws, STS
and IAM Roles Anywhere.

To run them as a process of their own: C(python -m support.aws --help).
"""

from __future__ import annotations

from ._oidc import Provider
from ._trust_anchor import TrustAnchor
from .fake import FakeAws

__all__ = ["FakeAws", "Provider", "TrustAnchor"]
