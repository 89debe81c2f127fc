"""Records -> one page to look through: pictures, answers side by side, filters; no network, nothing else to install.

In: records and the folder of their images. Out: one `.html` file that holds all it needs. What a model wrote is hostile
text here: it stands in the page as data, becomes text nodes only, and the page's policy lets no other script run.
"""

from errata.data.browse.page import write_browse_page

__all__ = ["write_browse_page"]
