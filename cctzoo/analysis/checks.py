"""Checks of the arguments that the functions of the analysis share."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from cctzoo.data.samples import Samples
from cctzoo.layers import EncoderBlock
from cctzoo.messages import shown
from cctzoo.models import CCT, is_quantised
from cctzoo.models.decisions import decision_kind
from cctzoo.typing import Array

Labelled = tuple[Samples, Any]  # images, token ids or texts (n, ...), and n integer labels


def check_labelled(
    name: str, part: Labelled, classes: int, every_class: bool = True
) -> tuple[Samples, Array]:
    """Checks samples and their labels, and returns them with the labels as an array.

    Args:
        name: name of the argument, for error messages.
        part: (images or token ids, labels (n,) integers).
        classes: number of classes.
        every_class: whether each class must have a sample.

    Raises:
        ValueError: if the labels are not integers from 0 to classes - 1, if there is not one
            label for each sample, or if a class has no sample.
    """
    if not isinstance(part, tuple) or len(part) != 2:
        raise ValueError(f"`{name}` must be (samples, labels). Received: {name}={type(part)}")
    x, y = part[0], np.asarray(part[1])
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer) or len(x) != len(y) or not len(y):
        raise ValueError(
            f"`{name}` must hold at least one sample, and one integer label for each sample. "
            f"Received: {len(x)} samples, labels of shape {y.shape} and dtype {y.dtype}"
        )
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(
            f"The labels of `{name}` must be from 0 to classes - 1. "
            f"Received: labels from {y.min()} to {y.max()}, classes={classes}"
        )
    absent = np.setdiff1d(np.arange(classes), y)
    if every_class and len(absent):
        listed = ", ".join(map(str, absent[:10])) + (", ..." if len(absent) > 10 else "")
        raise ValueError(
            f"`{name}` must have a sample of every class. Received: no sample of {listed}"
        )
    return x, y


def check_model(model: CCT) -> None:
    """Raises ValueError unless `model` is a single `CCT`."""
    if not isinstance(model, CCT):
        raise ValueError(
            "`model` must be a `CCT`; analyse each of the `members` of a committee. "
            f"Received: {type(model).__name__}"
        )


def check_classifier(model: CCT) -> None:
    """Raises ValueError unless the model is a `CCT` with several classes that exclude each other.

    It then ends with softmax or with logits.
    """
    check_model(model)
    if not model.config.include_top:
        raise ValueError(
            "The model must end with softmax or with logits. Received: include_top=False"
        )
    check_exclusive_classes(model)
    check_not_quantised(model)


def check_exclusive_classes(model: CCT) -> None:
    """Raises ValueError for a binary or a multi-label model.

    The analysis needs one class of several per sample. A model without a classifier passes.
    """
    config = model.config
    if decision_kind(config) == "threshold":
        raise ValueError(
            "The model must end with softmax or with logits of several classes: the analysis "
            "needs one class per sample. Received: "
            f"classifier_activation={config.classifier_activation!r}, classes={config.classes}"
        )


def check_not_quantised(model: CCT) -> None:
    """Raises ValueError if a layer of the model is quantised."""
    if is_quantised(model):
        raise ValueError(
            "The model must not be quantised; analyse and prune it before quantisation. "
            f"Received: {model.name!r}, quantised"
        )


def encoder_blocks(model: CCT, blocks: int | Iterable[int] | None = None) -> list[int]:
    """Returns the numbers of the selected encoder blocks, ascending.

    Args:
        model: a `CCT`.
        blocks: one number or several; None selects all encoder blocks.

    Raises:
        ValueError: if the model has no encoder block of a given number.
    """
    check_model(model)
    known = [
        int(layer.name.removeprefix("block"))
        for layer in model.layers
        if isinstance(layer, EncoderBlock)
    ]
    if blocks is None:
        return known
    selected = [blocks] if isinstance(blocks, int) else list(blocks)
    if not selected or any(block not in known for block in selected):
        raise ValueError(
            f"`blocks` must be encoder blocks of the model: {', '.join(map(str, known))}. "
            f"Received: blocks={shown(blocks)}"
        )
    return sorted(set(selected))
