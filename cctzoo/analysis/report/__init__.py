"""The report on the heads of a model: figures, sentences, plots and an HTML page."""

from cctzoo.analysis.report import plots
from cctzoo.analysis.report.report import HeadReport
from cctzoo.analysis.report.samples import HeadAnswers, ShownSamples
from cctzoo.analysis.report.saved import write_page

__all__ = ["HeadAnswers", "HeadReport", "ShownSamples", "plots", "write_page"]
