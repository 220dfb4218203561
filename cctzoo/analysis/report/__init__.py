"""The report on the heads of a model: figures, sentences, plots and an HTML page."""

from cctzoo.analysis.report import plots
from cctzoo.analysis.report.report import HeadReport

__all__ = ["HeadReport", "plots"]
