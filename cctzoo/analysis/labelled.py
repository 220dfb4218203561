"""Samples with labels: what the analysis asks of them, and how it walks through them."""

import numpy as np

from cctzoo.data import take
from cctzoo.layers import EncoderBlock
from cctzoo.models import CCT, feature_extractor, feature_names


def check_labelled(name, part, classes, every_class=True):
    """The samples and labels of a part, once they are known to fit.

    Args:
        name: of the argument, for messages.
        part: (images or token ids, labels (n,) integers).
        classes: number of classes.
        every_class: whether each class must have a sample.

    Raises:
        ValueError: for labels that are no whole numbers of the range, not one for each
            sample, or a class without samples.
    """
    if not isinstance(part, tuple) or len(part) != 2:
        raise ValueError(f"`{name}` must be (samples, labels). Received: {name}={type(part)}")
    x, y = part[0], np.asarray(part[1])
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer) or len(x) != len(y) or not len(y):
        raise ValueError(
            f"`{name}` must hold one whole number for each sample, and at least one sample. "
            f"Received: {len(x)} samples, labels of shape {y.shape} and dtype {y.dtype}"
        )
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(
            f"Labels of `{name}` must be from 0 to classes - 1. "
            f"Received: labels from {y.min()} to {y.max()}, classes={classes}"
        )
    absent = np.setdiff1d(np.arange(classes), y)
    if every_class and len(absent):
        raise ValueError(
            f"`{name}` must have a sample of every class. "
            f"Received: none of {', '.join(map(str, absent[:10]))}{' ...' * (len(absent) > 10)}"
        )
    return x, y


def check_model(model):
    """Raises ValueError unless `model` is a single `CCT`."""
    if not isinstance(model, CCT):
        raise ValueError(
            "The analysis is of one `CCT`; of a committee take each of its `members`. "
            f"Received: {type(model).__name__}"
        )


def encoder_blocks(model, blocks=None):
    """Numbers of the encoder blocks asked for, ascending; all of them for None.

    Raises:
        ValueError: for a number that is no encoder block of the model.
    """
    check_model(model)
    known = [
        int(layer.name.removeprefix("block"))
        for layer in model.layers
        if isinstance(layer, EncoderBlock)
    ]
    if blocks is None:
        return known
    asked = [blocks] if isinstance(blocks, int) else list(blocks)
    if not asked or any(block not in known for block in asked):
        raise ValueError(
            f"`blocks` must be encoder blocks of the model: {', '.join(map(str, known))}. "
            f"Received: blocks={blocks!r}"
        )
    return sorted(set(asked))


def token_masks(model):
    """A function from a batch to a Boolean array (B, T): True where a token counts."""
    if "mask" not in feature_names(model):
        return lambda batch: np.ones((len(batch), model.config.tokens), bool)
    extractor = feature_extractor(model, ["mask"])
    return lambda batch: extractor.predict_on_batch(batch)["mask"]


def sample_batches(x, batch_size):
    """Yields (samples, how many of them count) in order.

    All batches have the same size, so that a compiled model meets one shape: the last is
    filled up with samples from the front.
    """
    size = min(batch_size, len(x))
    for start in range(0, len(x), size):
        places = np.arange(start, start + size) % len(x)
        samples = take(x, places)
        yield samples, min(size, len(x) - start)
