"""The trained weights that there are: one row each."""

import dataclasses
import fnmatch
import os
from pathlib import Path

from cctzoo.data.datasets import PUBLISHED_STATISTICS
from cctzoo.models.variants import variant_config
from cctzoo.weights.own_format import open_own

PACKAGED = Path(__file__).parent / "trained"
AUTHORS = "https://shi-labs.com/projects/cct/checkpoints/"
MEASURED = "the shipped float16 file, by recipes/evaluate_weights.py on three backends"
JPEG = "CIFAR-10 as JPEG copies (quality about 75): results are near, not equal, to CIFAR-10's"


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
            with open_own(self.path) as (_, about):
                own = about["config"]
        fields = {**own, **changes}
        channels = tuple(fields.get("input_shape", (0, 0, 3)))[-1:]
        for name in ("mean", "std"):
            values = own.get(name)
            if name not in changes and isinstance(values, list | tuple) and len(values) > 1:
                # Statistics of other channels: all get the same, their average.
                fields[name] = values if channels == (len(values),) else sum(values) / len(values)
        return variant_config(self.model, **fields)


def shipped(model, name, **row):
    """A row of weights that were trained with this package, and come with it."""
    return TrainedWeights(model=model, name=name, licence="Apache-2.0", **row)


def authors(model, name, file, dataset, classes, accuracy, **changes):
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
        url=f"{AUTHORS}{file}.pth",
        changes={"classes": classes, "mean": mean, "std": std, **changes},
    )


# All of the authors' were trained with learned positions, those called `sine` too.
LEARNED = {"positional_embedding": "learnable"}
WEIGHTS = {
    row.tag: row
    for row in [
        shipped(
            *("cct_2_3x2_32", "digits"),
            dataset="digits",
            data="scikit-learn's 8x8 images as 16x16; 1,294 to train, 144 to validate",
            accuracy=0.9777,
            measured=f"359 images; {MEASURED}",
            size=556_310,
            sha256="d4f71b55cc8cbf3680667a65fa3b368bfc0807aecc3c91498d8202dc2d94d2a7",
        ),
        shipped(
            *("cct_2_3x2_32", "cifar10"),
            dataset="cifar10",
            data=f"{JPEG}; 49,000 images to train",
            accuracy=0.7938,
            measured=f"10,000 images; {MEASURED}",
            size=570_982,
            sha256="88320c7d5c67b16dd332a1cc4e913318c3841dfa425dcdd11fd3187709ec8f12",
        ),
        shipped(
            *("cct_conv", "cifar10_10k"),
            dataset="cifar10",
            data=f"{JPEG}; 9,800 images to train, a fifth of what there is",
            accuracy=0.6803,
            measured=f"10,000 images; {MEASURED}",
            size=1_593_238,
            sha256="9a064fa5a4df86d2e368f848ecccf3095f971ea274299191d002645d3f526727",
        ),
        authors(
            *("cct_7_3x1_32", "cifar10_300epochs", "cct_7_3x1_32_cifar10_300epochs"),
            *("cifar10", 10, 0.9653),
        ),
        authors(
            *("cct_7_3x1_32_sine", "cifar10_5000epochs", "cct_7_3x1_32_sine_cifar10_5000epochs"),
            *("cifar10", 10, 0.9800),
            **LEARNED,
        ),
        authors(
            *("cct_7_3x1_32", "cifar100_300epochs", "cct_7_3x1_32_cifar100_300epochs"),
            *("cifar100", 100, 0.8092),
        ),
        authors(
            *("cct_7_3x1_32_sine", "cifar100_5000epochs", "cct_7_3x1_32_sine_cifar100_5000epochs"),
            *("cifar100", 100, 0.8287),
            **LEARNED,
        ),
        authors(
            *("cct_7_7x2_224", "flowers102", "cct_7_7x2_224_flowers102"),
            *("oxford_flowers102", 102, 0.9719),
        ),
        authors(
            *("cct_14_7x2_224", "imagenet", "cct_14_7x2_224_imagenet"),
            *("imagenet2012", 1000, 0.8067),
        ),
        authors(
            *("cct_14_7x2_384", "imagenet", "cct_14_7x2_384_imagenet"),
            *("imagenet2012", 1000, 0.8271),
        ),
        authors(
            *("cct_14_7x2_384", "flowers102", "cct_14_7x2_384_flowers102"),
            *("oxford_flowers102", 102, None),
        ),
    ]
}


def list_weights(pattern="*"):
    """Tags whose model's name matches a shell pattern, e.g. `"cct_7_*"`."""
    return [tag for tag, row in WEIGHTS.items() if fnmatch.fnmatchcase(row.model, pattern)]


def find(weights, model=None):
    """The row of a tag, e.g. `"cct_2_3x2_32.cifar10"`, or `"cifar10"` with a model's name.

    Raises:
        ValueError: if there is none, with those that there are.
    """
    for row in WEIGHTS.values():
        if weights == row.tag and model in (None, row.model):
            return row
        if weights == row.name and model == row.model:
            return row
    tags = list_weights(model or "*")
    there = f"of {model!r} there are: {', '.join(tags) or 'none'}" if model else ", ".join(tags)
    raise ValueError(
        "`weights` must be the path of a .pth, .pt, .safetensors, .weights.h5 or .keras file, or "
        f"the tag of trained weights; {there}. Received: weights={weights!r}"
    )


def describe(tag):
    """What there is to know about trained weights, as a text to print.

    Args:
        tag: one of `list_weights()`.

    Raises:
        ValueError: for an unknown tag, with those that there are.
    """
    row = find(tag)
    config = row.config()
    height, width, channels = config.input_shape
    defaults = variant_config(row.model)
    changes = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in ("mean", "std", "input_shape")
        and getattr(config, field.name) != getattr(defaults, field.name)
    }
    accuracy = "not stated" if row.accuracy is None else f"{row.accuracy:.2%}"
    size = f"{row.size:,} bytes" if row.size else "size not known"
    lines = [
        ("weights", row.tag),
        ("model", ", ".join([row.model, *(f"{k}={v!r}" for k, v in changes.items())])),
        ("input", f"{height}x{width}, {channels} channels, pixel values 0-255"),
        ("normalised in the model", f"mean {config.mean}, std {config.std} of [0, 1]"),
        ("data", f"{row.dataset}: {row.data}"),
        ("accuracy", f"{accuracy}; {row.measured}"),
        ("licence", row.licence),
        ("file", f"{row.url or row.path.name + ', in the package'}; {size}"),
        ("sha256", row.sha256 or "not known: see weights.fetch"),
    ]
    if row.url is None:
        lines.append(("model card", row.path.with_suffix(".md")))
    return "\n".join(f"{key + ':':<25}{value}" for key, value in lines)
