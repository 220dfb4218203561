"""The plots of a report as picture files, for papers and slides."""

from pathlib import Path

from cctzoo.analysis.report import plots

SHOWN = 12  # images of the plot of the rollout


def draw_pictures(report, folder: Path) -> None:
    """Draws the plots of a `HeadReport` into a folder, which is made if it does not exist."""
    folder.mkdir(exist_ok=True)
    heads, control = report.performances["head"], report.control["head"]
    plots.along_blocks({"trained": heads, "fresh weights": control}, folder / "along_blocks.png")
    for block in dict.fromkeys((heads.blocks[0].block, heads.blocks[-1].block)):
        plots.field_grid(heads, block, folder / f"fields{block:02d}.png", report.classes)
    plots.clusters_per_unit(heads, folder / "clusters.png")
    plots.label_coverage(heads, folder / "label_coverage.png", report.classes)
    importance = report.importance["importance"]
    plots.head_map(importance, folder / "importance.png", "importance")
    if report.ablation is not None:
        drop = report.ablation["probability_drop"]
        plots.head_map(drop, folder / "ablation.png", "drop in probability")
    plots.kept_heads(report.kept, folder / "kept_heads.png")
    samples = report.samples
    if samples.images is not None:
        maps = samples.rollout.reshape(-1, *samples.grid)[:SHOWN]
        names = [report.classes[label] for label in samples.labels[:SHOWN]]
        plots.rollout(samples.images[:SHOWN], maps, folder / "rollout.png", names)
