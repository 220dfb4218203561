"""Which classes a head writes to: its outputs as a sum of the directions of few classes."""

import dataclasses

import numpy as np

from cctzoo.analysis.batches import predict_batch, sample_batches
from cctzoo.analysis.checks import check_classifier, check_labelled, encoder_blocks
from cctzoo.analysis.recognition.results import Performance
from cctzoo.analysis.roles.reach import pooling_reach
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.layers import EncoderBlock
from cctzoo.messages import received
from cctzoo.models import CCT, feature_extractor
from cctzoo.typing import Array

ROUNDING = 1e-6  # of the variance: what is left of outputs that are explained completely


@dataclasses.dataclass(frozen=True, eq=False)
class ClassDirections:
    """The classes that each head writes to, the most important first.

    Args:
        labels: dict from block to (N, K) integers, the class of each step; -1 after the last step
            of a head whose outputs are explained completely.
        explained: dict from block to (N, K) float32, the share of the variance of the head's
            outputs that the classes up to this step explain.
        gains: dict from block to (N, K) float32: how far the head moves along the direction of
            the class for samples of this class, as a share of the largest move for any class;
            1 if it raises the class most for its own samples, negative if it lowers it then.
        raised: dict from block to (N,) integers: the class whose logit the head raises most, on
            average over the samples of this class, by a product with its direction alone.
    """

    labels: dict[int, Array]
    explained: dict[int, Array]
    gains: dict[int, Array]
    raised: dict[int, Array]

    def agreement(self, heads: Performance) -> dict[int, dict[str, float]]:
        """Compares the classes that heads write to with the labels that they recognise.

        Args:
            heads: single-head performance of the same model, in all blocks of the directions.

        Returns:
            A dict from block to figures of its heads that recognise a label: how many `heads`
            these are; the share of them whose `first` class is a recognised label; the share whose
            `raised` class is one; and what `chance` would give, the mean share of the classes
            that such a head recognises. Blocks without such a head are left out.
        """
        found = {}
        for block, labels in self.labels.items():
            recognised = heads[block].recognised  # (N, C)
            known = np.flatnonzero(recognised.any(axis=1) & (labels[:, 0] >= 0))
            if len(known):
                found[block] = {
                    "heads": len(known),
                    "first": float(recognised[known, labels[known, 0]].mean()),
                    "raised": float(recognised[known, self.raised[block][known]].mean()),
                    "chance": float(recognised[known].mean()),
                }
        return found


@checked_arguments
def class_directions(
    model: CCT, samples: Samples, labels: Array, *, steps: int = 3, batch_size: int = 32
) -> ClassDirections:
    """Finds the classes that each head writes to (head pursuit).

    The direction of a class is its row of the classifier, minus the mean row of all classes,
    carried back to the output of the head before its projection. What lies in between is taken
    as linear: the projection, and the scale and centring of the layer norms that the residual
    stream passes. Left out are the division by the standard deviation in these norms, the MLPs, and
    what later blocks read from the stream: the direction says what the head adds to the logits
    directly.

    The outputs of a head are pooled over the tokens as the model pools, and averaged over the
    samples of each class; their mean over the classes is subtracted. Orthogonal matching pursuit
    then explains the outputs of all classes together: each step takes the direction of the
    largest sum of absolute products with what is left, and fits all directions so far again.

    A head of width H has at most H independent directions, so that H steps explain everything.
    With more classes than H, directions resemble each other, and the choice among them is less
    certain.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        samples: images or token ids (n, ...), best several of each class.
        labels: (n,) integers; every class has a sample.
        steps: largest number of classes per head, at least 1.
        batch_size: samples per batch.

    Raises:
        ValueError: if the model does not end with softmax or with logits, if labels do not fit,
            or if `steps` is out of range.

    Reference: Basile et al., "Head Pursuit: Probing Attention Specialization in Multimodal
        Transformers", arXiv 2510.21518, with the rows of the output vocabulary. Rows of a
        classifier that are carried back through the projection are our choice.
    """
    check_classifier(model)
    x, y = check_labelled("samples, labels", (samples, labels), model.config.classes)
    if steps < 1:
        raise ValueError(f"`steps` must be at least 1. {received(steps=steps)}")
    labels, explained, gains, raised = {}, {}, {}, {}
    for block, means in _class_means(model, x, y, batch_size).items():
        atoms = class_atoms(model, block)
        means = means - means.mean(axis=1, keepdims=True)
        pursuits = [pursue(*each, steps) for each in zip(means, atoms, strict=True)]
        labels[block], explained[block], gains[block] = map(np.stack, zip(*pursuits, strict=True))
        raised[block] = np.einsum("nch,nch->nc", means, atoms).argmax(axis=1)
    return ClassDirections(labels, explained, gains, raised)


def class_atoms(model: CCT, block: int) -> Array:
    """Returns the directions of the classes at the output of each head, (N, C, H) float64."""
    kernel = np.asarray(model.get_layer("classifier").get_weights()[0], "float64")  # (D, C)
    rows = (kernel - kernel.mean(axis=1, keepdims=True)).T  # (C, D)
    layers = [layer for layer in model.layers if isinstance(layer, EncoderBlock)]
    later = [layer for layer in layers if int(layer.name.removeprefix("block")) >= block]
    # Of the stream itself, from the last to the first; a pre-norm block normalises only branches.
    norms = [layer.mlp_norm for layer in reversed(later) if layer.norm == "cct"]
    for norm in [model.get_layer("norm"), *norms]:
        rows = rows * np.asarray(norm.get_weights()[0], "float64")
        rows = rows - rows.mean(axis=1, keepdims=True)
    attention = model.get_layer(f"block{block:02d}").attention
    projection = np.asarray(attention.projection.get_weights()[0], "float64")  # (N * H, D)
    projection = projection.reshape(attention.num_heads, attention.head_dim, -1)
    return np.einsum("nhd,cd->nch", projection, rows)


def pursue(outputs: Array, atoms: Array, steps: int) -> tuple[Array, Array, Array]:
    """Explains the outputs of a head by few directions, with orthogonal matching pursuit.

    Args:
        outputs: (C, H), the mean output for each class. The mean of the rows is subtracted.
        atoms: (C, H), the direction of each class. Their lengths do not matter.
        steps: largest number of directions, K.

    Returns:
        (labels, explained, gains), (K,) each, as in `ClassDirections`.
    """
    outputs = outputs - outputs.mean(axis=0)
    lengths = np.linalg.norm(atoms, axis=1, keepdims=True)
    atoms = np.divide(atoms, lengths, out=np.zeros_like(atoms), where=lengths > 0)
    whole, left = np.square(outputs).sum(), outputs
    labels, explained = np.full(steps, -1), np.zeros(steps, "float32")
    gains, share, chosen = np.zeros(steps, "float32"), 0.0, []
    for step in range(steps):
        if whole > 0 and np.square(left).sum() > ROUNDING * whole:
            strength = abs(left @ atoms.T).sum(axis=0)  # (C,)
            strength[chosen] = -1
            label = int(strength.argmax())
            if strength[label] > 0:
                chosen.append(label)
                weights, *_ = np.linalg.lstsq(atoms[chosen].T, outputs.T, rcond=None)  # (K, C)
                left = outputs - weights.T @ atoms[chosen]
                share = 1 - np.square(left).sum() / whole
                labels[step] = label
                largest = abs(outputs @ atoms[label]).max()
                gains[step] = outputs[label] @ atoms[label] / largest if largest > 0 else 0
        explained[step] = share
    return labels, explained, gains


def _class_means(model, x, y, batch_size):
    """Returns a dict from block to (N, C, H): the pooled outputs of each head by class."""
    names = {f"heads{block:02d}": block for block in encoder_blocks(model)}
    extractor, reach = feature_extractor(model, list(names)), pooling_reach(model)
    members = np.eye(model.config.classes)[y]  # (n, C)
    sums, done = dict.fromkeys(names.values(), 0.0), 0
    for batch, count in sample_batches(x, batch_size, model.input_shape[1:]):
        weights = np.asarray(reach(batch), "float64")[:count]
        own = members[done : done + count]
        for name, each in predict_batch(extractor, batch).items():  # (B, T, N, H)
            pooled = np.einsum("bt,btnh->bnh", weights, np.asarray(each, "float64")[:count])
            sums[names[name]] = sums[names[name]] + np.einsum("bc,bnh->nch", own, pooled)
        done += count
    counts = members.sum(axis=0)[:, None]
    return {block: total / counts for block, total in sums.items()}
