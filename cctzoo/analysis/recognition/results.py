"""The fields and clusters of the units of a model, their averages, and their files."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.analysis.recognition.clusters import (
    UnitClusters,
    check_threshold,
    normalise,
    unit_clusters,
)
from cctzoo.analysis.recognition.probe import Probe
from cctzoo.formats.atomic import atomic_file, write_json
from cctzoo.formats.fields import COUNT, NUMBER, OBJECT, OBJECTS, TEXT, check_fields, optional
from cctzoo.formats.npz_file import open_npz, read_object
from cctzoo.formats.reading import reading
from cctzoo.formats.stored_array import is_floating
from cctzoo.typing import Array, PathLike

LEAST_EVIDENCE = 4  # standard errors; 1 label in 30,000 exceeds this by chance (normal tail)
ARRAYS = ("fields", "evidence", "kernel", "bias", "score")
MAY_BE_NONE = ("evidence", "score")
PLAIN = ("block", "train_accuracy", "accuracy", "threshold", "least_evidence")
WHAT = "a file that `Performance.save` wrote"


@dataclasses.dataclass(frozen=True, eq=False)
class BlockPerformance:
    """The performance of the U units of one block for C labels.

    Args:
        block: number of the block.
        probe: the probe that was trained on the features of the block.
        fields: (U, C, C) float32: logit j of the probe with unit u only, averaged over the
            test samples of true label i.
        evidence: (U, C) float32: number of standard errors by which the samples of a label
            excite its own output through the unit more than all other samples do.
        train_accuracy, accuracy: accuracy of the probe with all units, on the training and
            the test samples.
        threshold, least_evidence: as in `ProbeOptions`.

    Raises:
        ValueError: if the threshold is not in [0, 1).
    """

    block: int
    probe: Probe
    fields: Array
    evidence: Array
    train_accuracy: float
    accuracy: float
    threshold: float
    least_evidence: float | None

    def __post_init__(self):
        check_threshold(self.threshold)

    @functools.cached_property
    def normalised(self) -> Array:
        """The fields of each unit, divided by the unit's largest field."""
        return normalise(self.fields)

    @functools.cached_property
    def units(self) -> tuple[UnitClusters, ...]:
        """The clusters of each unit."""
        return unit_clusters(self.fields, self.threshold, self.evidence, self.least_evidence)

    @functools.cached_property
    def recognised(self) -> Array:
        """(U, C) Boolean: whether a label is in a cluster of a unit."""
        found = np.zeros(self.fields.shape[:2], bool)
        for row, unit in zip(found, self.units, strict=True):
            row[list(unit.labels)] = True
        return found

    @property
    def units_per_label(self) -> Array:
        """(C,): label coverage, the number of units that have each label in a cluster."""
        return self.recognised.sum(axis=0)

    @property
    def labels_per_unit(self) -> Array:
        """(U,): the number of labels in the clusters of each unit."""
        return self.recognised.sum(axis=1)

    @functools.cached_property
    def signal_to_noise(self) -> float | None:
        """The SNR of the block. The definition is our choice.

        For each label, the mean diagonal field of the units that recognise the label is
        divided by the root mean square of the off-diagonal fields of these units; all fields
        are normalised. The SNR is the mean of this ratio over the labels that at least one
        unit recognises. It is None if there is no such label, or if the noise of a label is 0.
        """
        classes = self.fields.shape[1]
        outside = ~np.eye(classes, dtype=bool)
        ratios = []
        for label in np.flatnonzero(self.units_per_label):
            fields = self.normalised[self.recognised[:, label]]  # (units, C, C)
            noise = np.sqrt(np.square(fields[:, outside]).mean())
            if noise == 0:
                return None
            ratios.append(float(fields[:, label, label].mean() / noise))
        return float(np.mean(ratios)) if ratios else None

    def averages(self, with_empty: bool = True) -> dict[str, float | None]:
        """Returns means over the units, in which flagged units have no part.

        `cluster_size` is the mean over all clusters of all units. A mean of nothing is None.

        Args:
            with_empty: whether units without a cluster are part of the means.
        """
        units = [unit for unit in self.units if not unit.flagged]
        units = [unit for unit in units if with_empty or unit.clusters]
        sizes = [len(cluster) for unit in units for cluster in unit.clusters]
        return {
            "units": len(units),
            "clusters": _mean(len(unit.clusters) for unit in units),
            "unit_clusters": _mean(sum(len(c) == 1 for c in unit.clusters) for unit in units),
            "cluster_size": _mean(sizes),
            "labels": _mean(len(unit.labels) for unit in units),
            "noise": _mean(unit.noise for unit in units),
            "internal_noise": _mean(unit.internal_noise for unit in units),
        }

    def figures(self) -> dict[str, Any]:
        """Returns all figures of the block except the matrices, as a dict for JSON."""
        return {
            "block": self.block,
            "probe_train_accuracy": self.train_accuracy,
            "probe_accuracy": self.accuracy,
            "signal_to_noise": self.signal_to_noise,
            "labels_covered": int((self.units_per_label > 0).sum()),
            "units_per_label": self.units_per_label.tolist(),
            "flagged_units": [i for i, unit in enumerate(self.units) if unit.flagged],
            "averages": self.averages(),
            "averages_of_units_with_clusters": self.averages(with_empty=False),
            "clusters": [unit.clusters for unit in self.units],
            "noise": [unit.noise for unit in self.units],
            "internal_noise": [unit.internal_noise for unit in self.units],
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Performance:
    """Single-head or single-nodal performance of a model.

    Args:
        unit: `"head"`, `"attention_node"`, `"mlp_node"` or `"stream_node"`.
        blocks: performance of each block, ascending.
        options: the options of the measurement, as plain values.
    """

    unit: str
    blocks: tuple[BlockPerformance, ...]
    options: dict[str, Any]

    def __getitem__(self, block: int) -> BlockPerformance:
        """Returns the performance of the block with this number."""
        for each in self.blocks:
            if each.block == block:
                return each
        known = ", ".join(str(each.block) for each in self.blocks)
        raise KeyError(f"`block` must be one of {known}. Received: block={block!r}")

    def with_threshold(
        self, threshold: float, least_evidence: float | None = None
    ) -> "Performance":
        """Returns the same fields with the clusters of another threshold."""
        changes = {"threshold": threshold, "least_evidence": least_evidence}
        blocks = tuple(dataclasses.replace(block, **changes) for block in self.blocks)
        return Performance(self.unit, blocks, self.options | changes)

    def beyond_chance(self) -> "Performance":
        """Returns the same fields; only labels with `LEAST_EVIDENCE` count as recognised."""
        return self.with_threshold(self.options["threshold"], LEAST_EVIDENCE)

    def figures(self) -> dict[str, Any]:
        """Returns the figures of all blocks, as a dict for JSON."""
        return {
            "unit": self.unit,
            "options": self.options,
            "blocks": [block.figures() for block in self.blocks],
        }

    def save(self, path: PathLike) -> None:
        """Writes everything as `.npz`, or the figures without the matrices as `.json`.

        Raises:
            ValueError: if the path has another suffix.
        """
        suffix = Path(path).suffix
        if suffix == ".json":
            write_json(path, self.figures())
            return
        if suffix != ".npz":
            raise ValueError(f"`path` must end in .npz or .json. Received: path={str(path)!r}")
        arrays, plain = {}, []
        for each in self.blocks:
            values = {**vars(each), **vars(each.probe)}
            for name in ARRAYS:
                if values[name] is not None:
                    arrays[f"{each.block:02d}/{name}"] = values[name]
            plain.append({name: values[name] for name in PLAIN})
        head = {"unit": self.unit, "options": self.options, "blocks": plain}
        with atomic_file(path) as draft:
            np.savez_compressed(draft, head=json.dumps(head), **arrays)

    @classmethod
    def load(cls, path: PathLike) -> "Performance":
        """Reads a `.npz` file that `save` wrote, without running pickled code.

        Raises:
            ValueError: if the file is broken. The error names the file and the entry.
        """
        with open_npz(path, WHAT) as arrays, reading(path, WHAT):
            head = read_object(arrays["head"])
            check_fields(head, {"unit": TEXT, "options": OBJECT, "blocks": OBJECTS})
            check_fields(head["options"], {"threshold": NUMBER})
            blocks = tuple(_read_block(plain, arrays) for plain in head["blocks"])
            return cls(head["unit"], blocks, head["options"])


def _read_block(plain, arrays):
    """Returns the block of plain values and stored arrays; shapes are compared before reading."""
    rules = dict.fromkeys(PLAIN, NUMBER)
    check_fields(plain, rules | {"block": COUNT, "least_evidence": optional(NUMBER)})
    names = {name: f"{plain['block']:02d}/{name}" for name in ARRAYS}
    (units, classes, _), (features, _) = (
        arrays[names[each]].shape for each in ("fields", "kernel")
    )
    shapes = {
        "fields": (units, classes, classes),
        "evidence": (units, classes),
        "kernel": (features, classes),
        "bias": (classes,),
        "score": (features,),
    }
    found = {}
    for name, shape in shapes.items():
        array = arrays.get(names[name])
        if array is None and name in MAY_BE_NONE:
            found[name] = None
            continue
        if array is None or array.shape != shape or not is_floating(array.dtype):
            raise ValueError(
                f"{names[name]!r} must be floating-point numbers of shape {shape}, not "
                f"{array and (array.dtype, array.shape)}"
            )
        found[name] = np.asarray(array)
        if not np.isfinite(found[name]).all():
            raise ValueError(f"{names[name]!r} must be finite numbers")
    probe = Probe(found.pop("kernel"), found.pop("bias"), found.pop("score"))
    return BlockPerformance(probe=probe, **found, **{name: plain[name] for name in PLAIN})


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else None
