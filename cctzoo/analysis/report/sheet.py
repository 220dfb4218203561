"""The HTML page of a report."""

from collections.abc import Callable
from pathlib import Path

from cctzoo.analysis.recognition.results import LEAST_EVIDENCE
from cctzoo.analysis.report import plots
from cctzoo.analysis.report.html import heading, page, paragraph, picture, shaded_words, table

HEADER = (
    "block",
    "probe, train %",
    "probe, test %",
    "SNR",
    "clusters",
    "unit clusters",
    "cluster size",
    "labels",
    "noise",
    "internal noise",
    "without cluster",
    "labels covered",
)
CAPTIONS = {"attention_node": "Attention nodes.", "mlp_node": "MLP nodes."}


def report_page(report, folder: Path) -> str:
    """Returns the page of a report as HTML.

    Args:
        report: a `HeadReport`.
        folder: an existing folder; the pictures of the page are also saved there.
    """
    return page(
        f"What the heads have learned: {report.name}",
        _introduction(report),
        heading("Summary"),
        *map(paragraph, report.sentences()),
        heading("Block by block"),
        *_along_blocks(report, folder),
        heading("What single heads recognise (SHP)"),
        *_heads(report, folder),
        heading("What single nodes recognise (SNP)"),
        *(
            _block_table(report.performances[unit], caption)
            for unit, caption in CAPTIONS.items()
            if unit in report.performances
        ),
        heading("Which heads matter"),
        *_importance(report, folder),
        heading("Where heads look"),
        *_attention(report, folder),
    )


def _introduction(report):
    options = report.performances["head"].options
    return paragraph(
        f"{report.name} has an accuracy of {report.accuracy:.2%} on {options['test_samples']} test "
        f"{report.kind}. The probes were trained on {options['train_samples']} training "
        f"{report.kind}. Single-head performance (SHP), single-nodal performance (SNP), clusters "
        "and noise follow the published single-filter code of the authors of arXiv 2506.23832. "
        "How the pooling is trained, the penalty of the probe, the SNR and the check against "
        "chance are choices of this library."
    )


def _along_blocks(report, folder):
    heads, control = report.performances["head"], report.control["head"]
    return [
        _drawn(
            plots.along_blocks,
            {"trained": heads, "fresh weights": control},
            folder / "along_blocks.png",
            "Accuracy of a linear probe on the heads of each block, and their signal-to-noise "
            "ratio: the mean diagonal field of the heads that recognise a label, divided by the "
            "root mean square of their off-diagonal fields.",
        ),
        paragraph(
            "In the tables, clusters, unit clusters (clusters of a single label), cluster size, "
            "labels, noise and internal noise (noise in the columns of labels that are in a "
            "cluster) are means over the heads or nodes of a block. The last two columns count the "
            "heads or nodes without a cluster, and the labels that at least one of them "
            "recognises."
        ),
        _block_table(heads, "Heads of the model, averaged over all heads with a positive field."),
        _block_table(
            heads.beyond_chance(),
            "Heads of the model, if only labels count that stand out by "
            f"{LEAST_EVIDENCE} standard errors.",
        ),
        _block_table(control, "Heads of the same model with fresh weights."),
    ]


def _heads(report, folder):
    heads = report.performances["head"]
    parts = []
    for block in dict.fromkeys((heads.blocks[0].block, heads.blocks[-1].block)):
        path = folder / f"fields{block:02d}.png"
        plots.field_grid(heads, block, path, report.classes)
        parts.append(
            picture(
                path,
                f"Block {block}. Each matrix is divided by its own largest element. The labels "
                "are ordered so that the clusters (framed) lie on the diagonal.",
            )
        )
    parts.append(
        _drawn(
            plots.clusters_per_unit,
            heads,
            folder / "clusters.png",
            "Clusters of each head: the number of heads with 0, 1, 2, ... clusters.",
        )
    )
    path = folder / "label_coverage.png"
    plots.label_coverage(heads, path, report.classes)
    return [*parts, picture(path, "Label coverage: the number of heads that recognise each label.")]


def _importance(report, folder):
    parts = [
        _drawn(
            plots.head_map,
            report.importance["importance"],
            folder / "importance.png",
            "Importance by gradient (Michel et al., arXiv 1905.10650), normalised by block, on "
            f"{report.importance.options['samples']} training {report.kind}.",
            "importance",
        )
    ]
    if report.ablation is not None:
        parts.append(
            _drawn(
                plots.head_map,
                report.ablation["probability_drop"],
                folder / "ablation.png",
                "Ablation: the drop in the probability of the true label without each head, on "
                f"{report.ablation.options['samples']} training {report.kind}.",
                "drop in probability",
            )
        )
    parts.append(
        _drawn(
            plots.kept_heads,
            report.kept,
            folder / "kept_heads.png",
            "Test accuracy with only the best heads of every block, for several rankings and a "
            "random order, without retraining. The ranking by labels was made with the test "
            f"{report.kind}; the other rankings were not.",
        )
    )
    counts = sorted({count for each in report.kept.values() for count in each}, reverse=True)
    rows = [
        (name, *(f"{100 * each[count]:.1f}" for count in counts))
        for name, each in report.kept.items()
    ]
    return [*parts, table(("heads per block", *counts), rows, "Test accuracy in %.")]


def _attention(report, folder):
    distances, entropies = report.attention["distance"], report.attention["entropy"]
    rows = [(block, _range(distances[block]), _range(entropies[block])) for block in distances]
    ranges = table(
        ("block", "distance, tokens", "entropy, nats"),
        rows,
        "The smallest and the largest value of the heads of a block: how far the heads look, and "
        "how spread out their attention is.",
    )
    return [ranges, *(_rollout if report.saliency is None else _saliency)(report, folder)]


def _range(values):
    return f"{values.min():.2f} to {values.max():.2f}"


def _rollout(report, folder):
    path = folder / "rollout.png"
    plots.rollout(report.images, report.maps, path, report.labels)
    return [picture(path, "Attention rollout (arXiv 2005.00928) on test images.")]


def _saliency(report, folder):
    words = (
        "Test texts in the words of the model. The darker a word, the larger its share of the "
        "attention rollout (arXiv 2005.00928), relative to the largest share in the text."
    )
    shaded = zip(report.labels, report.saliency, strict=True)
    return [paragraph(words), *(shaded_words(label, each) for label, each in shaded)]


def _block_table(performance, caption):
    rows = []
    for block in performance.blocks:
        average = block.averages()
        empty = average["units"] - block.averages(with_empty=False)["units"]
        row = (
            block.block,
            f"{100 * block.train_accuracy:.1f}",
            f"{100 * block.accuracy:.1f}",
            block.signal_to_noise,
            average["clusters"],
            average["unit_clusters"],
            average["cluster_size"],
            average["labels"],
            average["noise"],
            average["internal_noise"],
            empty,
            int((block.units_per_label > 0).sum()),
        )
        rows.append(row)
    return table(HEADER, rows, caption)


def _drawn(plot: Callable, values, path, caption, *further):
    plot(values, path, *further)
    return picture(path, caption)
