"""The trained weights that there are: one row each."""

import dataclasses
import fnmatch

from cctzoo.models.variants import variant_config
from cctzoo.weights.trained_weights import packaged_row, published_row

MEASURED = "the shipped float16 file, by recipes/evaluate_weights.py on three backends"
JPEG = "CIFAR-10 as JPEG copies (quality about 75): results are near, not equal, to CIFAR-10's"

# The authors' code gives learned positions to CCT whatever it is asked for; a model that has
# them takes those of the file, be they learned or sines.
LEARNED = {"positional_embedding": "learnable"}
WEIGHTS = {
    row.tag: row
    for row in [
        packaged_row(
            *("cct_2_3x2_32", "digits"),
            dataset="digits",
            data="scikit-learn's 8x8 images as 16x16; 1,295 to train, 143 to validate",
            accuracy=0.9777,
            measured=f"359 images; {MEASURED}",
            size=556_310,
            sha256="d4f71b55cc8cbf3680667a65fa3b368bfc0807aecc3c91498d8202dc2d94d2a7",
        ),
        packaged_row(
            *("cct_2_3x2_32", "cifar10"),
            dataset="cifar10",
            data=f"{JPEG}; 49,000 images to train",
            accuracy=0.7938,
            measured=f"10,000 images; {MEASURED}",
            size=570_982,
            sha256="88320c7d5c67b16dd332a1cc4e913318c3841dfa425dcdd11fd3187709ec8f12",
        ),
        packaged_row(
            *("cct_conv", "cifar10_10k"),
            dataset="cifar10",
            data=f"{JPEG}; 9,800 images to train, a fifth of what there is",
            accuracy=0.6803,
            measured=f"10,000 images; {MEASURED}",
            size=1_593_238,
            sha256="9a064fa5a4df86d2e368f848ecccf3095f971ea274299191d002645d3f526727",
        ),
        published_row("cct_7_3x1_32", "cifar10_300epochs", "cifar10", 0.9653),
        published_row("cct_7_3x1_32_sine", "cifar10_5000epochs", "cifar10", 0.9800, **LEARNED),
        published_row("cct_7_3x1_32", "cifar100_300epochs", "cifar100", 0.8092, classes=100),
        published_row(
            *("cct_7_3x1_32_sine", "cifar100_5000epochs", "cifar100", 0.8287),
            classes=100,
            **LEARNED,
        ),
        published_row(
            *("cct_7_7x2_224_sine", "flowers102", "oxford_flowers102", 0.9719),
            file="pretrained/cct_7_7x2_224_flowers102",
            **LEARNED,
        ),
        published_row("cct_14_7x2_224", "imagenet", "imagenet2012", 0.8067),
        published_row(
            *("cct_14_7x2_384", "imagenet", "imagenet2012", 0.8271),
            file="finetuned/cct_14_7x2_384_imagenet",
        ),
        published_row(
            *("cct_14_7x2_384", "flowers102", "oxford_flowers102", None),
            file="finetuned/cct_14_7x2_384_flowers102",
            classes=102,
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
        ("sha256", row.sha256 or "not known; what that means: help(cctzoo.weights.fetch)"),
    ]
    if row.url is None:
        lines.append(("model card", row.path.with_suffix(".md")))
    return "\n".join(f"{key + ':':<25}{value}" for key, value in lines)
