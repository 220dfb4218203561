"""Analyses what a model's heads have learned: one HTML page to explore, and all figures as JSON.

    cctzoo analyse runs/MY_RUN
    cctzoo analyse model.keras --dataset npz:mine.npz --samples 5000
    cctzoo analyse cct_2_3x2_32.digits --dataset digits
    cctzoo analyse cct_lsmha --dataset cifar100 --ablation-samples 0
    cctzoo analyse runs/A runs/B

Computes single-head and single-nodal performance, clusters, noise and SNR of every block,
compared with the same model with random weights; importance by gradient and by ablation;
accuracy with fewer heads; attention of each head and its rollout. For text models, it also prints
how much each word contributes. Writes report.html, figures.json, pictures/, and the matrices and
samples as .npz files.

With two sources, both must be analysed already: the page shows them side by side. Each is a run, or
the folder of an analysis. One folder of an analysis makes its page again.

    cctzoo analyse runs/MY_RUN --devices 2
    torchrun --nproc-per-node 2 -m cctzoo analyse runs/MY_RUN

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from cctzoo import analysis, cli
from cctzoo.messages import received
from cctzoo.optional_packages import require
from cctzoo.runs import is_run, load_model_and_data
from cctzoo.typing import Array
from cctzoo.weights import list_weights

PRINTED = 12  # texts
DARKEST = (0x56, 0xB4, 0xE9)  # the sky blue of the palette of Okabe and Ito


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    with cli.exit_on_error(parser, status=1), cli.shared_work(options) as processes:
        if len(options.sources) > 1 or is_analysis(options.sources[0]):
            if processes.first:
                print(make_page(options.sources, options.to))
            return
        (source,) = options.sources
        require("matplotlib", "rich", extra="recipes", purpose="The report of an analysis")
        with processes.first_goes_ahead():  # it may have to download weights or data
            name = cli.dataset_of(options, source)
            model, dataset = load_model_and_data(source, name, **cli.data_options(options))
        if dataset is None:
            raise ValueError(
                "A model that is neither a run nor a tag needs --dataset. "
                f"{received(source=source)}"
            )
        start = time.perf_counter()
        report = analysis.analyse_heads(
            model,
            dataset.draw("train", options.samples),
            dataset.draw("test", options.samples),
            dataset.classes,
            analysis.ProbeOptions(pooling=options.pooling, threshold=options.threshold),
            ablation_samples=options.ablation_samples,
            processes=processes,
        )
        if not processes.first:
            return
        folder = options.to or default_folder(source)
        report.save(folder)
    for sentence in report.sentences():
        print(sentence)
    print_texts(report)
    print(f"{time.perf_counter() - start:.0f} s; {folder / 'report.html'}")


def is_analysis(source: str) -> bool:
    """Whether a source is the folder of a saved analysis."""
    return not is_run(source) and Path(source, "figures.json").is_file()


def make_page(sources: Sequence[str], to: Path | None) -> Path:
    """Makes the page of one or two saved analyses, and returns its path."""
    if len(sources) > 2:
        raise ValueError(f"`analyse` compares two sources. Received: {len(sources)} sources")
    folders = [Path(each, "heads") if is_run(each) else Path(each) for each in sources]
    for source, folder in zip(sources, folders, strict=True):
        if not is_analysis(folder):
            raise ValueError(
                "To be compared, a source must be a run or the folder of an analysis, with "
                f"figures.json. Received: {source!r}; analyse it first: cctzoo analyse {source}"
            )
    if len(folders) == 1:
        path = (to or folders[0]) / "report.html"
    else:
        names = [Path(each).resolve().name for each in sources]
        path = (to or Path("analysis", "_and_".join(names))) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    analysis.write_page(path, folders)
    return path


def print_texts(report: analysis.HeadReport) -> None:
    """Prints the words of some test texts, shaded by their share of the attention rollout."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    texts = report.samples.saliency()[:PRINTED]
    for label, words in zip(report.samples.labels, texts, strict=False):
        line = Text(f"{report.classes[label]}: ", style="bold")
        for (word, _), shade in zip(words, shades(words), strict=True):
            line.append(word, style=f"not bold black on {shade}").append(" ", style="default")
        console.print(line)


def shades(words: Array) -> list[str]:
    """Returns a colour #rrggbb for each word, from white for 0 to sky blue for the largest value.

    Black has a contrast of at least 9 on each of these colours.
    """
    largest = max((value for _, value in words), default=0) or 1
    return [
        "#" + "".join(f"{round(255 - (255 - c) * value / largest):02x}" for c in DARKEST)
        for _, value in words
    ]


def default_folder(source: str) -> Path:
    if is_run(source):
        return Path(source, "heads")
    return Path("analysis", source if source in list_weights() else Path(source).stem)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add(
        "sources",
        nargs="+",
        metavar="source",
        help=f"{cli.SOURCE_HELP}; or one or two folders of an analysis",
    )
    cli.add_data_arguments(parser, default="that of the run or the tag")
    add("--samples", type=int, default=10_000, help="largest number per part (10000)")
    add("--ablation-samples", type=int, default=200, help="samples for ablation; 0: none (200)")
    add("--pooling", default="trained", choices=analysis.POOLINGS, help="pooling of the probes")
    add("--threshold", type=float, default=0.3, help="threshold of clusters (0.3)")
    cli.add_devices_argument(parser)
    add("--to", type=Path, help="output folder (heads/ of the run, or analysis/NAME)")
    return parser
