"""HTML pages in one file, which open without a network: their data, style and scripts inside."""

from cctzoo.pages.images import image_sheet
from cctzoo.pages.page import page

__all__ = ["image_sheet", "page"]
