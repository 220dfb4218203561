"""The report of a run as an HTML page."""

from cctzoo.training.report.page import PAGE, write_report_page, write_run_page

__all__ = ["PAGE", "write_report_page", "write_run_page"]
