# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Sphinx for the documentation site. tests/tools/docs.sh runs it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

HERE = Path(__file__).resolve().parent
GALAXY = yaml.safe_load((HERE.parents[1] / "galaxy.yml").read_text(encoding="utf-8"))

project = f"{GALAXY['namespace']}.{GALAXY['name']}"
release = GALAXY["version"]
author = ", ".join(GALAXY["authors"])
extensions = ["sphinx_antsibull_ext"]
nitpicky = True
highlight_language = "text"
pygments_style = "ansible"
html_theme = "sphinx_rtd_theme"
html_title = f"{project} {release}"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_use_index = False

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
# Pages of Ansible's documentation by the labels that antsibull-docs uses. Sphinx would otherwise download an inventory.
PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def link_to_ansible(
    _app: Sphinx, _environment: BuildEnvironment, reference: pending_xref, text: nodes.TextElement
) -> nodes.reference | None:
    """Link a label of Ansible's documentation, or of a plugin of another collection. Sphinx reports all others."""
    label = reference["reftarget"]
    plugin = re.fullmatch(r"ansible_collections\.(?!freshpull\.)(\w+)\.(\w+)\.(\w+)", label)
    page = "collections/" + "/".join(plugin.groups()) + ".html" if plugin else PAGES.get(label)
    return nodes.reference("", "", text, internal=False, refuri=f"{ANSIBLE}/{page}") if page else None


def link_guides(_app: Sphinx, page: nodes.document) -> None:
    """Make links between guides, which name their source files as repository pages need it, links between pages."""
    for reference in page.findall(nodes.reference):
        if "refuri" in reference:
            reference["refuri"] = re.sub(r"^(guide_\w+)\.rst(?=#|$)", r"\1.html", reference["refuri"])


def remove_empty_buttons(_app: Sphinx, page: nodes.document) -> None:
    """Remove the button for the repository while galaxy.yml has no address for it."""
    for button in list(page.findall(nodes.reference)):
        if button.get("refuri") == "":
            item = button.parent.parent
            item.parent.remove(item)


def setup(app: Sphinx) -> None:
    """Connect the functions."""
    app.connect("missing-reference", link_to_ansible)
    app.connect("doctree-read", link_guides)
    app.connect("doctree-read", remove_empty_buttons)
