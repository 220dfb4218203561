"""The samples that each head answers to most, with its attention over them."""

import numpy as np

from cctzoo.analysis.attention_maps import attention_maps, attention_rollout
from cctzoo.analysis.recognition import Performance, PooledFeatures
from cctzoo.analysis.report.samples import HeadAnswers, ShownSamples
from cctzoo.analysis.word_windows import shares_of_words
from cctzoo.data import take
from cctzoo.data.samples import Samples
from cctzoo.models import CCT
from cctzoo.models.vocabulary import split
from cctzoo.training import evaluation
from cctzoo.typing import Array

ANSWERS = 6  # samples per head
LONGEST_SIDE = 128  # pixels of a shown image


def collect_samples(
    models: tuple[CCT, CCT],
    heads: tuple[Performance, Performance],
    features: tuple[PooledFeatures, PooledFeatures],
    x_test: Samples,
    chosen: Array,
    texts: list[str] | None,
) -> ShownSamples:
    """Collects the samples of a report and the answers of the heads to them.

    Args:
        models: the model, and the same model with fresh weights.
        heads: the performance of their heads in all blocks.
        features: the pooled features that these performances were measured on.
        x_test: the test samples, images or token ids.
        chosen: (n,) indices of the samples to show.
        texts: the n texts of a text model, else None.
    """
    model, _ = models
    x, y = take(x_test, chosen), features[0].y_test[chosen]
    words = None
    if texts is not None:
        words = [split(text)[: model.config.length] for text in texts]
    rollout = _by_word(model, attention_rollout(model, x)[:, None], words)[:, 0]
    trained, fresh = (
        _answers(each, performance, pooled, x, chosen, words)
        for each, performance, pooled in zip(models, heads, features, strict=True)
    )
    return ShownSamples(
        labels=y,
        predicted=evaluation.predict(model, x).argmax(axis=1),
        rollout=rollout.astype("float32"),
        answers=trained,
        fresh_answers=fresh,
        images=as_pictures(x, model.config.include_preprocessing) if words is None else None,
        grid=tuple(model.config.grid) if words is None else None,
        words=words,
    )


def _answers(model, heads, features, x, chosen, words) -> dict[int, HeadAnswers]:
    found = {}
    for block, maps in attention_maps(model, x).items():
        maps = _by_word(model, maps, words)  # (n, N, T)
        samples, strengths, labels = strongest(heads, features, block, chosen)
        picked = maps[samples, np.arange(len(samples))[:, None]]  # (N, K, T)
        largest = np.maximum(picked.max(axis=-1, keepdims=True), np.finfo("float32").tiny)
        found[block] = HeadAnswers(
            samples, strengths, labels, np.rint(255 * picked / largest).astype("uint8")
        )
    return found


def strongest(
    heads: Performance, features: PooledFeatures, block: int, chosen: Array, count: int = ANSWERS
) -> tuple[Array, Array, Array]:
    """Finds the samples that each head of a block answers to most, see `HeadAnswers`.

    Args:
        heads: the performance of the heads.
        features: the features that it was measured on.
        block: number of the block.
        chosen: (n,) indices of the test samples to choose from.
        count: samples per head.

    Returns:
        (samples, strengths, labels), each (N, K); the samples are indices into `chosen`.
    """
    z, measured = features.test["head", block][chosen], heads[block]  # (n, N, H)
    kernel = measured.probe.kernel.reshape(*z.shape[1:], -1)  # (N, H, C)
    outputs = np.einsum("nuh,uhc->unc", z, kernel) + measured.probe.bias  # (N, n, C)
    largest = outputs.max(axis=-1)  # (N, n)
    samples = np.argsort(-largest, axis=1, kind="stable")[:, :count]  # (N, K)
    rows = np.arange(len(samples))[:, None]
    fields = measured.fields.max(axis=(1, 2))[:, None]  # (N, 1)
    strengths = np.where(fields > 0, largest[rows, samples] / np.where(fields > 0, fields, 1), 0)
    labels = outputs[rows, samples].argmax(axis=-1)
    return samples, strengths.astype("float32"), labels


def _by_word(model, maps, words):
    """Flattens maps (n, N, *grid) to (n, N, T); for texts to (n, N, W), padded with zeros."""
    maps = maps.reshape(*maps.shape[:2], -1)
    if words is None:
        return maps
    found = np.zeros((*maps.shape[:2], max(1, *map(len, words))), "float32")
    for row, text, each in zip(found, words, maps, strict=True):
        row[:, : len(text)] = shares_of_words(model.config, each, len(text))
    return found


def as_pictures(x: Array, in_pixels: bool) -> Array:
    """Returns images as uint8 with 1 or 3 channels, the longest side at most LONGEST_SIDE.

    The images of a model without preprocessing have any range: they are stretched to 0-255.
    """
    from PIL import Image

    x = np.asarray(x, "float32")
    if not in_pixels:
        x = 255 * (x - x.min()) / max(x.max() - x.min(), 1e-6)
    if x.shape[-1] not in (1, 3):
        x = x.mean(axis=-1, keepdims=True)
    pixels = np.clip(np.rint(x), 0, 255).astype("uint8")
    scale = LONGEST_SIDE / max(pixels.shape[1:3])
    if scale >= 1:
        return pixels
    size = [max(1, round(side * scale)) for side in pixels.shape[2:0:-1]]
    shrunk = [Image.fromarray(each.squeeze()).resize(size, Image.Resampling.BOX) for each in pixels]
    return np.stack([np.asarray(each) for each in shrunk]).reshape(len(x), size[1], size[0], -1)
