"""The report of a run, and of a check of labels, as HTML pages."""

from cctzoo.training.report.labels import LABEL_PAGE, write_label_page
from cctzoo.training.report.page import PAGE, write_report_page, write_run_page

__all__ = ["LABEL_PAGE", "PAGE", "write_label_page", "write_report_page", "write_run_page"]
