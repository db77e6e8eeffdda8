# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the demo's output."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from demo.picture import draw

OUTPUT = '== 1. A step\n    $ a-command\n    | {"a": "<b>"}\nA text.\n'


def test_every_line_is_drawn_and_nothing_is_loaded_from_elsewhere() -> None:
    picture = draw(OUTPUT)
    drawn = "\n".join(ElementTree.fromstring(picture).itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert [line for line in OUTPUT.split("\n") if line not in drawn] == []
    assert re.findall(r"url\(|href=|@import", picture.replace("url(#demo-", "")) == []
