"""What a model's heads have learned: one HTML page, with all figures in JSON beside it.

    python recipes/analyse_heads.py runs/MY_RUN
    python recipes/analyse_heads.py model.keras --dataset npz:mine.npz --images 5000
    python recipes/analyse_heads.py cct_lsmha --dataset cifar100 --ablation-images 0

Single-head and single-nodal performance, clusters, noise and SNR of every block, beside the
same model with fresh weights; importance by gradient and by ablation, accuracy with fewer
heads, rollout; for texts, how much comes from which word, which is printed too. Writes
report.html, figures.json, pictures/ and the matrices as .npz.

Gives: docs/benchmarks.md has what was found.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

import argparse
import sys
import time
from pathlib import Path

from cctzoo import analysis
from cctzoo.analysis.report.html import shades
from cctzoo.runs import load_source


def main():
    options = parse_arguments()
    try:
        model, dataset = load_source(options.source, options.dataset)
        if dataset is None:
            raise ValueError("a file or a name needs --dataset")
        train, test = parts(dataset, options.images)
        start = time.perf_counter()
        report = analysis.analyse_heads(
            model,
            train,
            test,
            dataset.classes,
            pooling=options.pooling,
            threshold=options.threshold,
            ablation_images=options.ablation_images,
        )
        folder = options.to or default_folder(options.source)
        report.save(folder)
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"analyse_heads.py: {error}")
    for sentence in report.sentences():
        print(sentence)
    if report.saliency is not None:
        print_texts(report)
    print(f"{time.perf_counter() - start:.0f} s; {folder / 'report.html'}")


def print_texts(report):
    """The words of some test texts, shaded as in the page."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for label, words in zip(report.labels, report.saliency, strict=True):
        line = Text(f"{label}: ", style="bold")
        for (word, _), shade in zip(words, shades(words), strict=True):
            line.append(word, style=f"not bold black on {shade}").append(" ", style="default")
        console.print(line)


def parts(dataset, count):
    """((samples, labels) of the training part, the same of the test part), at most `count`."""
    return dataset.draw("train", count), dataset.draw("test", count)


def default_folder(source):
    path = Path(source)
    return path / "heads" if path.is_dir() else Path("analysis", path.stem)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("source", help="run directory, .keras file, or name as in cctzoo.models.list_models()")
    add("--dataset", help="as in data.load (default: that of the run)")
    add("--images", type=int, default=10_000, help="or texts, most of each part (default: 10000)")
    add("--ablation-images", type=int, default=200, help="or texts; 0: none (default: 200)")
    add("--pooling", default="trained", choices=analysis.POOLINGS, help="of the probes")
    add("--threshold", type=float, default=0.3, help="of clusters (default: 0.3)")
    add("--to", type=Path, help="folder (default: heads/ of the run, or analysis/NAME)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
