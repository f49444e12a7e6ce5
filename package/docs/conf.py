"""How Sphinx makes the site of the documents; `make docs` gives the release."""

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

project = "roomcast"
html_title = "roomcast"
extensions = ["myst_parser"]
myst_heading_anchors = 4
# Two hyphens are an option.
smartquotes = False
# The state diagrams stay as they are written: a drawing of them would want a program from elsewhere.
lexers["mermaid"] = TextLexer()
html_theme = "alabaster"
html_theme_options = {"description": "Images for a whole room at once", "page_width": "70rem"}
html_sidebars = {"**": ["about.html", "searchbox.html", "navigation.html"]}
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
