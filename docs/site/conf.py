"""The site: the pages of the repository as they lie there, and the reference from the docstrings.

`nox -s docs` builds it. The source folder is the repository's root, so that links between pages
mean the same here and where the repository is read; README.md is the front page, and the pages it
names under "More" are the contents, in that order.
"""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
MORE = (ROOT / "README.md").read_text("utf-8").partition("## More")[2]
PAGES = [page.removesuffix(".md") for page in re.findall(r"\]\((\S+\.md)\)", MORE)]

project = "briskmlp"
author = "the briskmlp developers"
version = release = version_of("briskmlp")

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
root_doc = "README"
include_patterns = ["README.md", "docs/site/api.rst", *(f"{page}.md" for page in PAGES)]
exclude_patterns = ["build", "dist", ".*"]
default_role = "code"
highlight_language = "none"

myst_heading_anchors = 4
autodoc_typehints = "none"  # sections "Parameters" say them in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"briskmlp {version}"
html_extra_path = ["index.html"]
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False


def add_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Give the front page the table of contents, which the repository has no use for."""
    if page == root_doc:
        listed = "\n".join(f"/{name}" for name in [*PAGES, "docs/site/api"])
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def keep_bars(*arguments: Any) -> None:
    """Docstrings are written for `help`: a bar is an absolute value, not a substitution."""
    lines: list[str] = arguments[-1]
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("source-read", add_contents)
