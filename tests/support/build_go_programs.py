# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the programs in Go that tests on the node use, which have no network: python -m support.build_go_programs."""

from __future__ import annotations

from . import client_oracle, go_program

if __name__ == "__main__":
    go_program.ecr_login()
    client_oracle.clients_program()
