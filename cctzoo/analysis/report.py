"""Everything that the analysis says about a model: figures, pictures, one page."""

import dataclasses
import platform
from pathlib import Path

import keras
import numpy as np

from cctzoo.analysis import plots
from cctzoo.analysis.attention_maps import (
    attention_distance,
    attention_entropy,
    attention_rollout,
)
from cctzoo.analysis.gates import check_answers
from cctzoo.analysis.head_scores import HeadScores, rank_heads
from cctzoo.analysis.importance import head_ablation, head_importance
from cctzoo.analysis.labelled import check_labelled, encoder_blocks
from cctzoo.analysis.masking import accuracy_by_kept_heads
from cctzoo.analysis.page import heading, page, paragraph, picture, table
from cctzoo.analysis.performance import measure
from cctzoo.analysis.pooled_features import pool_features
from cctzoo.analysis.results import Performance
from cctzoo.data.splits import subset
from cctzoo.files import write_json, write_text
from cctzoo.models import CCT

UNITS = ("head", "attention_node", "mlp_node")
LEAST_EVIDENCE = 4  # standard errors; by chance 1 label in 30,000 gets so far
HEADER = (
    *("block", "probe, train %", "probe, test %", "SNR", "clusters", "of one label"),
    *("cluster size", "labels", "noise", "internal noise", "without cluster", "labels covered"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class HeadReport:
    """What `analyse_heads` found.

    Args:
        name: of the model.
        accuracy: of the model on the test images.
        performances: dict from unit to `Performance`.
        control: dict from unit to that of a model with fresh weights.
        importance, ablation: `HeadScores`, on training images.
        attention: `HeadScores` of `distance` and `entropy`, on test images.
        kept: dict from ranking to a dict from heads per block to accuracy.
        images, maps, labels: some test images, their rollout and class names.
        classes: names.
    """

    name: str
    accuracy: float
    performances: dict[str, Performance]
    control: dict[str, Performance]
    importance: HeadScores
    ablation: HeadScores | None
    attention: HeadScores
    kept: dict
    images: np.ndarray
    maps: np.ndarray
    labels: list[str]
    classes: list[str]

    def figures(self):
        """All figures as a dict for JSON."""
        scores = {"importance": self.importance, "attention": self.attention}
        if self.ablation is not None:
            scores["ablation"] = self.ablation
        return {
            "model": self.name,
            "accuracy": self.accuracy,
            "classes": self.classes,
            "performance": {unit: each.figures() for unit, each in self.performances.items()},
            "performance_beyond_chance": {
                unit: beyond_chance(each).figures() for unit, each in self.performances.items()
            },
            "random_weights": {unit: each.figures() for unit, each in self.control.items()},
            "heads": {
                f"{name}/{figure}": {str(block): np.asarray(v).tolist() for block, v in by.items()}
                for name, each in scores.items()
                for figure, by in each.figures.items()
            },
            "accuracy_by_kept_heads": self.kept,
            "machine": {
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "python": platform.python_version(),
            },
        }

    def save(self, directory):
        """Writes `report.html`, `figures.json`, an `.npz` for each unit, and `pictures/`."""
        folder = Path(directory)
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        for unit, performance in self.performances.items():
            performance.save(folder / f"{unit}s.npz")
        write_json(self.figures(), folder / "figures.json")
        write_text(folder / "report.html", self._page(folder / "pictures"))

    def _page(self, folder):
        heads, control = self.performances["head"], self.control["head"]
        first, last = heads.blocks[0].block, heads.blocks[-1].block
        options = heads.options
        parts = [
            paragraph(
                f"{self.name}: accuracy {self.accuracy:.2%} on {options['test_images']} test "
                f"images; probes trained on {options['train_images']} training images. SHP, SNP, "
                "clusters and noise follow the group's published single-filter code; how the "
                "pooling is trained, the probe's penalty, the SNR and the check against chance "
                "are choices of this library."
            ),
            heading("In short"),
            *map(paragraph, sentences(heads, control)),
            heading("Along the blocks"),
            _drawn(
                plots.along_blocks,
                {"trained": heads, "fresh weights": control},
                folder / "along_blocks.png",
                "Accuracy of a linear probe on the heads of each block, and their signal-to-noise "
                "ratio: mean diagonal field of the heads that recognise a label, by the root mean "
                "square of their off-diagonal fields.",
            ),
            block_table(heads, "Heads. Averages over all heads but flagged ones."),
            block_table(
                beyond_chance(heads),
                f"The same where a label must also stand out by {LEAST_EVIDENCE} standard errors.",
            ),
            block_table(control, "Heads of the same model with fresh weights."),
            heading("What single heads say: SHP"),
        ]
        for block in dict.fromkeys((first, last)):
            path = folder / f"fields{block:02d}.png"
            plots.field_grid(heads, block, path, self.classes)
            parts.append(
                picture(
                    path,
                    f"Block {block}. Each matrix is divided by its own largest element, labels "
                    "are ordered so that clusters (framed) lie on the diagonal.",
                )
            )
        path = folder / "label_coverage.png"
        plots.label_coverage(heads, path, self.classes)
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
                block_table(each, f"{unit.replace('_', ' ')}s.")
                for unit, each in self.performances.items()
                if unit != "head"
            ),
            heading("Which heads matter"),
            *self._importance(folder),
            heading("Where heads look"),
            *self._attention(folder),
        ]
        return page(f"What the heads have learned: {self.name}", *parts)

    def _importance(self, folder):
        parts = [
            _drawn(
                plots.head_map,
                self.importance["importance"],
                folder / "importance.png",
                "Importance by gradient (Michel et al., arXiv 1905.10650), normalised by block; "
                f"{self.importance.options['images']} training images.",
                "importance",
            )
        ]
        if self.ablation is not None:
            parts.append(
                _drawn(
                    plots.head_map,
                    self.ablation["probability_drop"],
                    folder / "ablation.png",
                    "What the probability of the true label loses without each head; "
                    f"{self.ablation.options['images']} training images.",
                    "drop in probability",
                )
            )
        parts.append(
            _drawn(
                plots.kept_heads,
                self.kept,
                folder / "kept_heads.png",
                "Test accuracy with the best heads of every block alone, by several rankings and "
                "in random order, without any training after. The ranking by labels has seen the "
                "test images, the others have not.",
            )
        )
        counts = sorted({count for each in self.kept.values() for count in each}, reverse=True)
        rows = [
            (name, *(f"{100 * each[count]:.1f}" for count in counts))
            for name, each in self.kept.items()
        ]
        return [*parts, table(("test accuracy %, heads kept", *counts), rows)]

    def _attention(self, folder):
        rows = [
            (block, *(f"{values.min():.2f} to {values.max():.2f}" for values in pair))
            for block, *pair in zip(
                self.attention["distance"],
                self.attention["distance"].values(),
                self.attention["entropy"].values(),
                strict=True,
            )
        ]
        path = folder / "rollout.png"
        plots.rollout(self.images, self.maps, path, self.labels)
        return [
            table(
                ("block", "distance, tokens", "entropy, nats"),
                rows,
                "From the least to the most of a block's heads: how far they look, and how "
                "spread their attention is.",
            ),
            picture(path, "Attention rollout (arXiv 2005.00928) over test images."),
        ]


def analyse_heads(
    model,
    train,
    test,
    classes=None,
    *,
    ablation_images=200,
    importance_images=500,
    attention_images=100,
    rollout_images=12,
    seed=0,
    **options,
):
    """Everything at once: SHP and SNP beside fresh weights, importance, ablation, attention.

    Args:
        model: a `CCT` with its classifier.
        train, test: (images, labels).
        classes: names of the classes; numbers if not given.
        ablation_images, importance_images: training images, drawn evenly from the classes;
            ablation takes a pass for every head, and 0 leaves it out.
        attention_images, rollout_images: test images.
        seed: of the draws, and of the fresh weights.
        options: of `single_head_performance`.

    Returns:
        A `HeadReport`.

    Raises:
        ValueError: for a model without a classifier, or data and names that do not fit it.
    """
    check_answers(model)
    count = model.config.classes
    if classes is not None and len(classes) != count:
        raise ValueError(
            f"`classes` must name each class. Received: {len(classes)} names, classes={count}"
        )
    (x_train, y_train), (x_test, y_test) = (
        check_labelled("train", train, count),
        check_labelled("test", test, count),
    )
    performances = _performances(model, train, test, options, seed)
    keras.utils.set_random_seed(seed)
    fresh = CCT(model.config, name=model.name, dtype=model.dtype_policy)
    control = _performances(fresh, train, test, options, seed)
    del fresh

    few = _drawn_evenly(y_train, importance_images, seed)
    importance = head_importance(model, x_train[few], y_train[few], batch_size=8)
    rankings = {
        "by importance": rank_heads(importance),
        "by labels (SHP)": rank_heads(performances["head"]),
        "random order": _random_ranking(model, seed),
    }
    ablation = None
    if ablation_images:
        few = _drawn_evenly(y_train, ablation_images, seed)
        ablation = head_ablation(model, x_train[few], y_train[few])
        rankings["by ablation"] = rank_heads(ablation)
    kept = {
        name: accuracy_by_kept_heads(model, ranking, x_test, y_test)
        for name, ranking in rankings.items()
    }
    few = _drawn_evenly(y_test, attention_images, seed)
    distance = attention_distance(model, x_test[few])
    entropy = attention_entropy(model, x_test[few])
    few = _drawn_evenly(y_test, rollout_images, seed)
    images = _pixels(x_test[few])
    names = [str(label) for label in range(count)] if classes is None else list(classes)
    return HeadReport(
        name=model.name,
        accuracy=next(iter(kept["random order"].values())),  # all heads kept
        performances=performances,
        control=control,
        importance=importance,
        ablation=ablation,
        attention=HeadScores(distance.figures | entropy.figures),
        kept=kept,
        images=images,
        maps=attention_rollout(model, images),
        labels=[names[label] for label in y_test[few]],
        classes=names,
    )


def sentences(heads, control):
    """What the figures of the heads say, in words; nothing is said that they do not."""
    first, last = heads.blocks[0], heads.blocks[-1]
    found = []
    if first is not last:
        accuracies = [100 * block.accuracy for block in heads.blocks]
        ratios = [block.signal_to_noise for block in heads.blocks]
        found.append(
            f"The probe's accuracy {_course(accuracies)} from {accuracies[0]:.1f} % in block "
            f"{first.block} to {accuracies[-1]:.1f} % in block {last.block}; with fresh weights it "
            f"is {100 * control.blocks[0].accuracy:.1f} % and "
            f"{100 * control.blocks[-1].accuracy:.1f} %."
        )
        if None not in ratios:
            found.append(
                f"The signal-to-noise ratio {_course(ratios)} from {ratios[0]:.2f} to "
                f"{ratios[-1]:.2f}; with fresh weights it goes from "
                f"{_or_none(control.blocks[0].signal_to_noise)} to "
                f"{_or_none(control.blocks[-1].signal_to_noise)}."
            )
    average, units = last.averages(), len(last.units)
    plain, chance = last.units_per_label, beyond_chance(heads).blocks[-1]
    found.append(
        f"In the last block one head recognises {average['labels']:.1f} of {len(plain)} labels on "
        f"average, in {average['clusters']:.1f} clusters, of which {average['unit_clusters']:.1f} "
        f"hold a single label; beside them its matrix has {average['noise']:.1f} elements of "
        f"noise. Each label is recognised by {plain.min()} to {plain.max()} of {units} heads."
    )
    fresh = control.blocks[-1].averages()
    found.append(
        f"With fresh weights it would be {fresh['labels']:.1f} labels, "
        f"{fresh['unit_clusters']:.1f} clusters of a single label and {fresh['noise']:.1f} "
        "elements of noise: a head's matrix is compared with its own largest element only, so "
        "that weak structure and chance make clusters too. Counting only labels that stand out "
        f"by {LEAST_EVIDENCE} standard errors, a head of the last block recognises "
        f"{chance.averages()['labels']:.1f} labels."
    )
    flagged = sum(unit.flagged for block in heads.blocks for unit in block.units)
    if flagged:
        found.append(f"{flagged} heads have no positive field and are left out of all averages.")
    return found


def beyond_chance(performance):
    """The performance with the labels alone that stand out from chance."""
    return performance.with_threshold(performance.options["threshold"], LEAST_EVIDENCE)


def block_table(performance, caption):
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


def _performances(model, train, test, options, seed):
    measuring = ("threshold", "least_evidence", "bias", "l2")
    gathering = {name: value for name, value in options.items() if name not in measuring}
    features = pool_features(model, train, test, units=UNITS, seed=seed, **gathering)
    chosen = {name: options[name] for name in measuring if name in options}
    return {unit: measure(features, unit, **chosen) for unit in UNITS}


def _drawn(plot, what, path, caption, *further):
    plot(what, path, *further)
    return picture(path, caption)


def _drawn_evenly(y, count, seed):
    return subset(y, min(count, len(y)), seed)


def _random_ranking(model, seed):
    rng = np.random.default_rng(seed)
    return {
        block: rng.permutation(heads)
        for block, heads in zip(encoder_blocks(model), model.config.block_heads, strict=True)
    }


def _pixels(x):
    return x if isinstance(x, np.ndarray) else x.batch(np.arange(len(x)))


def _course(values):
    """Whether numbers rise, fall, or neither, from each to the next."""
    steps = np.diff(values)
    if (steps > 0).all():
        return "rises from block to block,"
    if (steps < 0).all():
        return "falls from block to block,"
    return "goes up and down,"


def _or_none(value):
    return "no value" if value is None else f"{value:.2f}"
