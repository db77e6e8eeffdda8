# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account has configured for IAM Roles Anywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrustAnchor:
    """A trust anchor with one profile that names one role. certificate: of the authority, PEM."""

    arn: str
    profile_arn: str
    role_arn: str
    certificate: bytes

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]
