"""What the units of a model's blocks recognise: results that save, load and sum up."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np

from cctzoo.analysis.recognition.clusters import normalise, unit_clusters
from cctzoo.analysis.recognition.probe import Probe
from cctzoo.formats.atomic import atomic_file, write_json

LEAST_EVIDENCE = 4  # standard errors; by chance 1 label in 30,000 gets so far
ARRAYS = ("fields", "evidence", "kernel", "bias", "score")


@dataclasses.dataclass(frozen=True, eq=False)
class BlockPerformance:
    """One block: U units, C labels.

    Args:
        block: its number.
        probe: that was trained on the block's features.
        fields: (U, C, C) float32: mean over the test samples of true label i of what unit u
            alone gives to output j, before softmax.
        evidence: (U, C) float32: standard errors by which the samples of a label excite its
            own output through the unit more than all others do.
        train_accuracy, accuracy: of the probe with all units, on training and test samples.
        threshold, least_evidence: of `unit_clusters`.
    """

    block: int
    probe: Probe
    fields: np.ndarray
    evidence: np.ndarray
    train_accuracy: float
    accuracy: float
    threshold: float
    least_evidence: float | None

    @functools.cached_property
    def normalised(self):
        """The fields, each unit's divided by its own largest."""
        return normalise(self.fields)

    @functools.cached_property
    def units(self):
        """A `UnitClusters` for each unit."""
        return unit_clusters(self.fields, self.threshold, self.evidence, self.least_evidence)

    @functools.cached_property
    def recognised(self):
        """(U, C) Boolean: the labels that stand in each unit's clusters."""
        found = np.zeros(self.fields.shape[:2], bool)
        for row, unit in zip(found, self.units, strict=True):
            row[list(unit.labels)] = True
        return found

    @property
    def units_per_label(self):
        """(C,): label coverage, the number of units in whose clusters each label stands."""
        return self.recognised.sum(axis=0)

    @property
    def labels_per_unit(self):
        """(U,): the number of labels in each unit's clusters."""
        return self.recognised.sum(axis=1)

    @functools.cached_property
    def signal_to_noise(self):
        """The block's SNR, by a definition of ours.

        Mean over the labels of: mean diagonal field of the units that recognise the label,
        by the root mean square of these units' off-diagonal fields; all normalised. Labels
        that no unit recognises are left out. None without any, or without any noise.
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

    def averages(self, with_empty=True):
        """Means over the units, with those that have no cluster or without them.

        Flagged units are in neither; `cluster_size` is the mean over all clusters of all
        units. None where there is nothing to average.
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

    def figures(self):
        """All that can be said in numbers, as a dict for JSON, without the matrices."""
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
        blocks: a tuple of `BlockPerformance`, ascending.
        options: how it was measured: a dict of plain values.
    """

    unit: str
    blocks: tuple[BlockPerformance, ...]
    options: dict

    def __getitem__(self, block):
        """The performance of a block, by its number."""
        for each in self.blocks:
            if each.block == block:
                return each
        known = ", ".join(str(each.block) for each in self.blocks)
        raise KeyError(f"A block must be one of {known}. Received: {block!r}")

    def with_threshold(self, threshold, least_evidence=None):
        """The same fields with clusters by another threshold."""
        changes = {"threshold": threshold, "least_evidence": least_evidence}
        blocks = tuple(dataclasses.replace(block, **changes) for block in self.blocks)
        return Performance(self.unit, blocks, self.options | changes)

    def beyond_chance(self):
        """The same with the labels alone that stand out by `LEAST_EVIDENCE`."""
        return self.with_threshold(self.options["threshold"], LEAST_EVIDENCE)

    def figures(self):
        """A dict for JSON."""
        return {
            "unit": self.unit,
            "options": self.options,
            "blocks": [block.figures() for block in self.blocks],
        }

    def save(self, path):
        """Writes everything as `.npz`, or the figures without the matrices as `.json`."""
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
            names = ("block", "train_accuracy", "accuracy", "threshold", "least_evidence")
            plain.append({name: values[name] for name in names})
        head = {"unit": self.unit, "options": self.options, "blocks": plain}
        with atomic_file(path) as draft:
            np.savez_compressed(draft, head=json.dumps(head), **arrays)

    @classmethod
    def load(cls, path):
        """Reads the `.npz` of `save`; runs no code that may be in it.

        Raises:
            ValueError: if the file is not one of those.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            head = json.loads(str(arrays["head"]))
            blocks = tuple(_block(plain, arrays) for plain in head["blocks"])
            return cls(head["unit"], blocks, head["options"])
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ValueError(
                f"`path` must be a file that `Performance.save` wrote ({error}). "
                f"Received: path={str(path)!r}"
            ) from error


def _block(plain, arrays):
    own = {name: arrays.get(f"{plain['block']:02d}/{name}") for name in ARRAYS}
    probe = Probe(own["kernel"], own["bias"], own["score"])
    return BlockPerformance(probe=probe, fields=own["fields"], evidence=own["evidence"], **plain)


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else None
