# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built site has all pages."""

from __future__ import annotations

from docs_site.places import PAGES, ROOT


def test_every_guide_and_plugin_has_a_page() -> None:
    kinds = {"module": "plugins/modules/*.py", "lookup": "plugins/lookup/*.py", "filter": "plugins/filter/*.py"}
    wanted = {f"{path.stem}_{kind}" for kind, files in kinds.items() for path in ROOT.glob(files)}
    wanted |= {f"{path.name}_role" for path in ROOT.glob("roles/*")}
    wanted |= {path.stem for path in ROOT.glob("docs/docsite/rst/*.rst")}
    assert {path.stem for path in PAGES} == wanted | {"index", "search", "environment_variables"}
