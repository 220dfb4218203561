"""The registry of trained weights: one row each."""

import dataclasses
import fnmatch
import functools
from pathlib import Path
from typing import Any

from cctzoo.arguments import checked_arguments
from cctzoo.formats.cache import cache_folder
from cctzoo.formats.safetensors import open_safetensors
from cctzoo.messages import did_you_mean, shown
from cctzoo.models.variants import Config, variant_config
from cctzoo.published_statistics import PUBLISHED_STATISTICS
from cctzoo.weights.description import config_of, parse_description
from cctzoo.weights.published_classes import PUBLISHED_CLASSES

PACKAGED = Path(__file__).parent / "trained"
AUTHORS = "https://shi-labs.com/projects/cct/checkpoints/"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainedWeights:
    """A row of the registry.

    Args:
        model: a name of `models.create_model`.
        name: of the weights, among those of the model; `MODEL.NAME` is the tag.
        dataset: the training data, as `data.load` names it.
        data: the origin of the data, and how much of it was used.
        accuracy: top-1 on the test part of the data set, in [0, 1], or None.
        measured: who measured the accuracy, and how.
        licence: of the weights.
        size: of the file in bytes, or None if the file was never downloaded.
        sha256: of the file, or None if the file was never downloaded.
        url: where to download the file, or None for a file in this package.
        changes: fields of `CCTConfig` that differ from the named model. A file in this package
            describes its own config.
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
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def tag(self) -> str:
        return f"{self.model}.{self.name}"

    @property
    def path(self) -> Path:
        """The path of the file in this package, or in Keras' cache (after a download)."""
        if self.url is None:
            return PACKAGED / f"{self.tag}.safetensors"
        return cache_folder() / self.url.rpartition("/")[2]

    @functools.cached_property
    def config(self) -> Config:
        """The config of the model that was trained."""
        if self.url is not None:
            return variant_config(self.model, **self.changes)
        with open_safetensors(self.path) as (_, metadata):
            return config_of(parse_description(metadata["model"]))


def packaged_row(model: str, name: str, **row: Any) -> TrainedWeights:
    """The row of weights that were trained with this package and are part of it."""
    return TrainedWeights(model=model, name=name, licence="Apache-2.0", **row)


def published_row(
    model: str,
    name: str,
    dataset: str,
    accuracy: float | None,
    file: str | None = None,
    **changes: Any,
) -> TrainedWeights:
    """The row of a checkpoint that the authors of CCT published, not downloaded by us so far."""
    mean, std = PUBLISHED_STATISTICS[dataset]
    names = PUBLISHED_CLASSES.get(dataset)
    return TrainedWeights(
        model=model,
        name=name,
        dataset=dataset,
        data="the whole training part; recipe and images as the authors describe them",
        accuracy=accuracy,
        measured="published by the authors; not verified here, the file was never downloaded",
        licence="Apache-2.0, as the authors' repository",
        url=f"{AUTHORS}{file or f'pretrained/{model}_{name}'}.pth",
        changes={"mean": mean, "std": std, "class_names": names, **changes},
    )


MEASURED = "the shipped float16 file, by recipes/evaluate_weights.py on three backends"
JPEG = "CIFAR-10 as JPEG copies (quality about 75): results are close, but not equal, to CIFAR-10's"

# The authors' code gives learned positions to a CCT even if it is asked for sines. A model with
# learned positions can load both.
LEARNED = {"positional_embedding": "learnable"}
WEIGHTS = {
    row.tag: row
    for row in [
        packaged_row(
            "cct_2_3x2_32",
            "digits",
            dataset="digits",
            data="scikit-learn's 8x8 images as 16x16; 1,295 to train, 143 to validate",
            accuracy=0.9777,
            measured=f"359 images; {MEASURED}",
            size=556_470,
            sha256="83a5ae3d90060df5b7791d34f8bc21742104626c07e27a56faadbfc09ab0bf16",
        ),
        packaged_row(
            "cct_2_3x2_32",
            "cifar10",
            dataset="cifar10",
            data=f"{JPEG}; 49,000 images to train",
            accuracy=0.8740,
            measured=f"10,000 images; {MEASURED}",
            size=571_278,
            sha256="ea458dd96ae24d657d82de47b5380e80ea5b8350523f9ed2d74483a794989571",
        ),
        packaged_row(
            "cct_2_depthwise",
            "cifar10",
            dataset="cifar10",
            data=f"{JPEG}; 49,000 images to train",
            accuracy=0.8745,
            measured=f"10,000 images; {MEASURED}",
            size=717_182,
            sha256="e7d609fc907b6ff30855263bc4bfc46c1730aaa78f19913cbbf03f4a1fc070a1",
        ),
        packaged_row(
            "cct_conv_polynomial",
            "cifar10",
            dataset="cifar10",
            data=f"{JPEG}; 49,000 images to train",
            accuracy=0.8796,
            measured=f"10,000 images; {MEASURED}",
            size=6_158_358,
            sha256="50494a1a5ae6169e97bd850a90e26ddc65cfd0ee2d31e05b5836775ca77244b1",
        ),
        packaged_row(
            "cct_conv6_polynomial",
            "cifar10",
            dataset="cifar10",
            data=f"{JPEG}; 49,000 images to train",
            accuracy=0.9038,
            measured=f"10,000 images; {MEASURED}",
            size=5_658_102,
            sha256="fe1b5068ea1751bcc40142a753dd453d52e0725280e1cd92fa4b94fe86521f80",
        ),
        packaged_row(
            "cct_conv6_polynomial",
            "cifar100",
            dataset="cifar100",
            data="CIFAR-100 with about 18 % wrong training labels; 48,999 images to train",
            accuracy=0.6197,
            measured=f"9,999 images with clean labels; {MEASURED}",
            size=5_705_482,
            sha256="3c815e7d76a6662e87c5f1af0adace03672df3337682ad5309628cf8aeb96517",
        ),
        packaged_row(
            "cct_conv",
            "cifar10_10k",
            dataset="cifar10",
            data=f"{JPEG}; 9,800 images to train, a fifth of the training part",
            accuracy=0.6803,
            measured=f"10,000 images; {MEASURED}",
            size=1_593_446,
            sha256="0f904ac278c0d539e3fce54e4e58a89034352c5fa14e60e40bb00127822cc13f",
        ),
        published_row("cct_7_3x1_32", "cifar10_300epochs", "cifar10", 0.9653),
        published_row("cct_7_3x1_32_sine", "cifar10_5000epochs", "cifar10", 0.9800, **LEARNED),
        published_row("cct_7_3x1_32", "cifar100_300epochs", "cifar100", 0.8092, classes=100),
        published_row(
            "cct_7_3x1_32_sine",
            "cifar100_5000epochs",
            "cifar100",
            0.8287,
            classes=100,
            **LEARNED,
        ),
        published_row(
            "cct_7_7x2_224_sine",
            "flowers102",
            "oxford_flowers102",
            0.9719,
            file="pretrained/cct_7_7x2_224_flowers102",
            **LEARNED,
        ),
        published_row("cct_14_7x2_224", "imagenet", "imagenet2012", 0.8067),
        published_row(
            "cct_14_7x2_384",
            "imagenet",
            "imagenet2012",
            0.8271,
            file="finetuned/cct_14_7x2_384_imagenet",
        ),
        published_row(
            "cct_14_7x2_384",
            "flowers102",
            "oxford_flowers102",
            None,
            file="finetuned/cct_14_7x2_384_flowers102",
            classes=102,
        ),
    ]
}


@checked_arguments
def list_weights(pattern: str = "*") -> list[str]:
    """Tags of trained weights whose model matches a shell pattern, e.g. `"cct_7_*"`."""
    return [tag for tag, row in WEIGHTS.items() if fnmatch.fnmatchcase(row.model, pattern)]


def find(tag: str) -> TrainedWeights:
    """The row of a tag; raises ValueError, with near matches, if there is none."""
    if tag not in WEIGHTS:
        raise ValueError(
            f"`tag` must be one of `list_weights()`. {tags_hint(tag)} Received: tag={shown(tag)}"
        )
    return WEIGHTS[tag]


def tags_hint(tag: str, model: str | None = None) -> str:
    """The closest tag and all tags, of one model if it is given, for an error message."""
    tags = list_weights(model or "*")
    whose = f"Tags of {model!r}" if model else "Tags"
    return f"{whose}: {', '.join(tags) or 'none'}.{did_you_mean(tag, tags, cutoff=0.8)}"


@checked_arguments
def describe(tag: str) -> str:
    """All facts about trained weights, as a text to print.

    Args:
        tag: one of `list_weights()`.

    Raises:
        ValueError: if the tag is unknown.
    """
    row = find(tag)
    config, defaults = row.config, variant_config(row.model)
    height, width, channels = config.input_shape
    changes = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in ("mean", "std", "input_shape", "class_names")
        and getattr(config, field.name) != getattr(defaults, field.name)
    }
    accuracy = "not stated" if row.accuracy is None else f"{row.accuracy:.2%}"
    size = f"{row.size:,} bytes" if row.size else "size not known"
    lines = {
        "weights": row.tag,
        "model": ", ".join([row.model, *(f"{k}={v!r}" for k, v in changes.items())]),
        "input": f"{height}x{width}, {channels} channels, pixel values 0-255",
        "normalised in the model": f"mean {config.mean}, std {config.std} of [0, 1]",
        "data": f"{row.dataset}: {row.data}",
        "classes": ", ".join(config.class_names or [f"{config.classes}, without names"]),
        "accuracy": f"{accuracy}; {row.measured}",
        "licence": row.licence,
        "file": f"{row.url or row.path.name + ', in the package'}; {size}",
        "sha256": row.sha256 or "not known; see help(cctzoo.weights.fetch)",
    }
    if row.url is None:
        lines["model card"] = row.path.with_suffix(".md")
    return "\n".join(f"{key + ':':<25}{value}" for key, value in lines.items())
