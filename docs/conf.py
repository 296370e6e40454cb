"""The documentation site: `make docs` builds it from the checkout, without network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from jaxseg import __version__

project = "jaxseg"
author = "The jaxseg authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "CHANGELOG.md",
    "theory/REPORT.md",
    "theory/proofs/README.md",
    "experiments/reports/*/report.md",
    "experiments/reports/accelerator/*/REPORT.md",
]
exclude_patterns = ["docs/_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Segmentation losses in JAX",
    "page_width": "1100px",
    "sidebar_width": "230px",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_show_sourcelink = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_use_rtype = False
html_static_path = ["_static"]
suppress_warnings = ["myst.header"]  # claims of a report are of the fourth level
