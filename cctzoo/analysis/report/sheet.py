"""The page of a report: pictures, tables, and what they show."""

from cctzoo.analysis.recognition.results import LEAST_EVIDENCE
from cctzoo.analysis.report import plots
from cctzoo.analysis.report.html import heading, page, paragraph, picture, shaded_words, table

HEADER = (
    *("block", "probe, train %", "probe, test %", "SNR", "clusters", "of one label"),
    *("cluster size", "labels", "noise", "internal noise", "without cluster", "labels covered"),
)


def report_page(report, folder):
    """The page of a `HeadReport`, whose pictures are left in the folder too."""
    heads, control = report.performances["head"], report.control["head"]
    first, last = heads.blocks[0].block, heads.blocks[-1].block
    options = heads.options
    parts = [
        paragraph(
            f"{report.name}: accuracy {report.accuracy:.2%} on {options['test_images']} test "
            f"{report.samples}; probes trained on {options['train_images']} training "
            f"{report.samples}. SHP, SNP, "
            "clusters and noise follow the group's published single-filter code; how the "
            "pooling is trained, the probe's penalty, the SNR and the check against chance "
            "are choices of this library."
        ),
        heading("In short"),
        *map(paragraph, report.sentences()),
        heading("Along the blocks"),
        _drawn(
            plots.along_blocks,
            {"trained": heads, "fresh weights": control},
            folder / "along_blocks.png",
            "Accuracy of a linear probe on the heads of each block, and their signal-to-noise "
            "ratio: mean diagonal field of the heads that recognise a label, by the root mean "
            "square of their off-diagonal fields.",
        ),
        _block_table(heads, "Heads. Averages over all heads but flagged ones."),
        _block_table(
            heads.beyond_chance(),
            f"The same where a label must also stand out by {LEAST_EVIDENCE} standard errors.",
        ),
        _block_table(control, "Heads of the same model with fresh weights."),
        heading("What single heads say: SHP"),
    ]
    for block in dict.fromkeys((first, last)):
        path = folder / f"fields{block:02d}.png"
        plots.field_grid(heads, block, path, report.classes)
        parts.append(
            picture(
                path,
                f"Block {block}. Each matrix is divided by its own largest element, labels "
                "are ordered so that clusters (framed) lie on the diagonal.",
            )
        )
    path = folder / "label_coverage.png"
    plots.label_coverage(heads, path, report.classes)
    parts += [
        _drawn(
            plots.clusters_per_unit,
            heads,
            folder / "clusters.png",
            "Clusters of each head: how many heads have how many.",
        ),
        picture(path, "Label coverage: in how many heads' clusters each label stands."),
        heading("What single nodes say: SNP"),
        *(
            _block_table(each, f"{unit.replace('_', ' ')}s.")
            for unit, each in report.performances.items()
            if unit != "head"
        ),
        heading("Which heads matter"),
        *_importance(report, folder),
        heading("Where heads look"),
        *_attention(report, folder),
    ]
    return page(f"What the heads have learned: {report.name}", *parts)


def _importance(report, folder):
    parts = [
        _drawn(
            plots.head_map,
            report.importance["importance"],
            folder / "importance.png",
            "Importance by gradient (Michel et al., arXiv 1905.10650), normalised by block; "
            f"{report.importance.options['images']} training {report.samples}.",
            "importance",
        )
    ]
    if report.ablation is not None:
        parts.append(
            _drawn(
                plots.head_map,
                report.ablation["probability_drop"],
                folder / "ablation.png",
                "What the probability of the true label loses without each head; "
                f"{report.ablation.options['images']} training {report.samples}.",
                "drop in probability",
            )
        )
    parts.append(
        _drawn(
            plots.kept_heads,
            report.kept,
            folder / "kept_heads.png",
            "Test accuracy with the best heads of every block alone, by several rankings and "
            "in random order, without any training after. The ranking by labels has seen the "
            f"test {report.samples}, the others have not.",
        )
    )
    counts = sorted({count for each in report.kept.values() for count in each}, reverse=True)
    rows = [
        (name, *(f"{100 * each[count]:.1f}" for count in counts))
        for name, each in report.kept.items()
    ]
    return [*parts, table(("test accuracy %, heads kept", *counts), rows)]


def _attention(report, folder):
    rows = [
        (block, *(f"{values.min():.2f} to {values.max():.2f}" for values in pair))
        for block, *pair in zip(
            report.attention["distance"],
            report.attention["distance"].values(),
            report.attention["entropy"].values(),
            strict=True,
        )
    ]
    ranges = table(
        ("block", "distance, tokens", "entropy, nats"),
        rows,
        "From the least to the most of a block's heads: how far they look, and how "
        "spread their attention is.",
    )
    return [ranges, *(_rollout if report.saliency is None else _saliency)(report, folder)]


def _rollout(report, folder):
    path = folder / "rollout.png"
    plots.rollout(report.images, report.maps, path, report.labels)
    return [picture(path, "Attention rollout (arXiv 2005.00928) over test images.")]


def _saliency(report, folder):
    words = (
        "Test texts in the model's words; the darker a word, the more attention rollout (arXiv "
        "2005.00928) comes from it, compared with the text's largest share."
    )
    shaded = zip(report.labels, report.saliency, strict=True)
    return [paragraph(words), *(shaded_words(label, each) for label, each in shaded)]


def _block_table(performance, caption):
    """A table of a row for each block."""
    rows = []
    for block in performance.blocks:
        average = block.averages()
        empty = average["units"] - block.averages(with_empty=False)["units"]
        rows.append(
            (
                block.block,
                f"{100 * block.train_accuracy:.1f}",
                f"{100 * block.accuracy:.1f}",
                block.signal_to_noise,
                *(average[name] for name in ("clusters", "unit_clusters", "cluster_size")),
                *(average[name] for name in ("labels", "noise", "internal_noise")),
                empty,
                int((block.units_per_label > 0).sum()),
            )
        )
    return table(HEADER, rows, caption)


def _drawn(plot, what, path, caption, *further):
    plot(what, path, *further)
    return picture(path, caption)
