"""What is kept of trained weights: a row of the registry."""

import dataclasses
import os
from pathlib import Path

from cctzoo.models.variants import variant_config
from cctzoo.published_statistics import PUBLISHED_STATISTICS
from cctzoo.weights.native import open_native

PACKAGED = Path(__file__).parent / "trained"
AUTHORS = "https://shi-labs.com/projects/cct/checkpoints/"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainedWeights:
    """A row.

    Args:
        model: a name of `models.create_model`.
        name: which of this model's weights; `MODEL.NAME` is the tag.
        dataset: that they were trained on, as `data.load` names it.
        data: what to know about that data, and how much of it was used.
        accuracy: top-1 on the data set's test part, in [0, 1], or None.
        measured: by whom and how.
        licence: of the weights.
        size: of the file in bytes, or None where it was never seen.
        sha256: of the file, or None where it was never seen.
        url: where to download it, or None for a file of this package.
        changes: fields of `CCTConfig` that differ from the named model; those of a file of
            this package are in the file.
    """

    model: str
    name: str
    dataset: str
    data: str
    accuracy: float | None
    measured: str
    licence: str
    size: int | None = None
    sha256: str | None = None
    url: str | None = None
    changes: dict = dataclasses.field(default_factory=dict)

    @property
    def tag(self):
        return f"{self.model}.{self.name}"

    @property
    def path(self):
        """Where the file is, or will be once it is downloaded: in Keras' cache."""
        if self.url is None:
            return PACKAGED / f"{self.tag}.safetensors"
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"  # as `get_file` has it
        return Path(home, "cctzoo", self.url.rpartition("/")[2])

    def config(self, **changes):
        """The config that the weights are of, with `changes` to it."""
        own = self.changes
        if self.url is None:
            with open_native(self.path) as (_, about):
                own = about["config"]
        fields = {**own, **changes}
        channels = tuple(fields.get("input_shape", (0, 0, 3)))[-1:]
        for name in ("mean", "std"):
            values = own.get(name)
            if name not in changes and isinstance(values, list | tuple) and len(values) > 1:
                # Statistics of other channels: all get the same, their average.
                fields[name] = values if channels == (len(values),) else sum(values) / len(values)
        return variant_config(self.model, **fields)


def packaged_row(model, name, **row):
    """A row of weights that were trained with this package, and come with it."""
    return TrainedWeights(model=model, name=name, licence="Apache-2.0", **row)


def published_row(model, name, dataset, accuracy, file=None, **changes):
    """A row of a checkpoint that the authors of CCT published; none was at hand."""
    mean, std = PUBLISHED_STATISTICS[dataset]
    return TrainedWeights(
        model=model,
        name=name,
        dataset=dataset,
        data="the whole training part; recipe and images as the authors describe them",
        accuracy=accuracy,
        measured="published by the authors; not verified here, the file was never seen",
        licence="Apache-2.0, that of the authors' repository",
        url=f"{AUTHORS}{file or f'pretrained/{model}_{name}'}.pth",
        changes={"mean": mean, "std": std, **changes},
    )
