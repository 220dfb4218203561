"""Analyses what a model's heads have learned: one HTML page, and all figures as JSON.

    cctzoo analyse runs/MY_RUN
    cctzoo analyse model.keras --dataset npz:mine.npz --samples 5000
    cctzoo analyse cct_2_3x2_32.digits --dataset digits
    cctzoo analyse cct_lsmha --dataset cifar100 --ablation-samples 0

Computes single-head and single-nodal performance, clusters, noise and SNR of every block,
compared with the same model with random weights; importance by gradient and by ablation;
accuracy with fewer heads; attention rollout. For text models, it also prints how much each word
contributes. Writes report.html, figures.json, pictures/ and the matrices as .npz files.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

import argparse
import time
from pathlib import Path

from cctzoo import analysis, cli
from cctzoo.analysis.report.html import shades
from cctzoo.optional_packages import require
from cctzoo.runs import is_run, load_model_and_data
from cctzoo.weights import list_weights


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser, status=1):
        require("matplotlib", "rich", extra="recipes", purpose="The report of an analysis")
        model, dataset = load_model_and_data(
            options.source, options.dataset, **cli.data_options(options)
        )
        if dataset is None:
            raise ValueError("a model without a run needs --dataset")
        start = time.perf_counter()
        report = analysis.analyse_heads(
            model,
            dataset.draw("train", options.samples),
            dataset.draw("test", options.samples),
            dataset.classes,
            analysis.ProbeOptions(pooling=options.pooling, threshold=options.threshold),
            ablation_samples=options.ablation_samples,
        )
        folder = options.to or default_folder(options.source)
        report.save(folder)
    for sentence in report.sentences():
        print(sentence)
    if report.saliency is not None:
        print_texts(report)
    print(f"{time.perf_counter() - start:.0f} s; {folder / 'report.html'}")


def print_texts(report):
    """Prints the words of some test texts, shaded as in the page."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for label, words in zip(report.labels, report.saliency, strict=True):
        line = Text(f"{label}: ", style="bold")
        for (word, _), shade in zip(words, shades(words), strict=True):
            line.append(word, style=f"not bold black on {shade}").append(" ", style="default")
        console.print(line)


def default_folder(source):
    if is_run(source):
        return Path(source, "heads")
    return Path("analysis", source if source in list_weights() else Path(source).stem)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("source", help=cli.SOURCE_HELP)
    cli.add_data_arguments(parser, default="that of the run")
    add("--samples", type=int, default=10_000, help="largest number per part (10000)")
    add("--ablation-samples", type=int, default=200, help="samples for ablation; 0: none (200)")
    add("--pooling", default="trained", choices=analysis.POOLINGS, help="pooling of the probes")
    add("--threshold", type=float, default=0.3, help="threshold of clusters (0.3)")
    add("--to", type=Path, help="output folder (heads/ of the run, or analysis/NAME)")
    return parser
