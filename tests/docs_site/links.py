# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the links inside a built site, and list the links that lead out of it: `python -m docs_site.links SITE`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """The anchors and the links of a page, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors = {""}
        self.links: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record one element."""
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value or "")
            elif name in ("href", "src"):
                self.links.add(value or "")


@dataclass
class Links:
    """The links of all pages: the number inside the site, the broken ones as PAGE: LINK, and the addresses outside."""

    pages: int
    inside: int = 0
    broken: list[str] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)


def check(site: Path) -> Links:
    """Check every link of every page: the file exists, and the page has the anchor."""
    site = site.resolve()
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    result = Links(len(pages))
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                result.outside.add(link)
                continue
            result.inside += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else {""}
            if not (link and target.is_file() and unquote(parts.fragment) in anchors):
                result.broken.append(f"{path.relative_to(site)}: {link}")
    return result


def main(site: Path) -> int:
    """Print the findings. Return 1 if a link is broken."""
    found = check(site)
    print("Addresses outside the site, which are not requested:", *sorted(found.outside), sep="\n  ")
    print(f"{found.pages} pages, {found.inside} links inside the site, {len(found.outside)} addresses outside")
    if found.broken:
        print("Broken links:", *found.broken, sep="\n  ", file=sys.stderr)
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
