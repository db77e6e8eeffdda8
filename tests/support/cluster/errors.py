# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that the command line reports with exit status 2."""

from __future__ import annotations


class ClusterError(Exception):
    """The cluster cannot be built, started or used. The message states the cause and the next step."""


class ComponentError(ClusterError):
    """A component of the cluster ended. The message contains the end of its log."""


class AddressInUseError(ComponentError):
    """A component ended because another process uses its port, which was free before."""
