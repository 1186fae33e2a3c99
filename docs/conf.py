"""How `make docs` makes a site of these pages; nothing of it comes from elsewhere."""

from django.conf import settings

from minimalkv import __version__

settings.configure()  # the modules for Django are imported for their docstrings

project = "minimalkv"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Links to headings are those of a code host, where the same pages are read.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings tell the types, with units and limits
default_role = "py:obj"
suppress_warnings = ["ref.python"]  # a name that adapters have, too, is the first one
napoleon_google_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False
html_copy_source = False
