"""Single-head and single-nodal performance: what one unit on its own says about each label."""

from collections.abc import Iterable

import numpy as np

from cctzoo.analysis.checks import Labelled
from cctzoo.analysis.recognition.options import ProbeOptions
from cctzoo.analysis.recognition.pooled_features import UNITS, PooledFeatures, pool_features
from cctzoo.analysis.recognition.probe import Probe, fit_classifier
from cctzoo.analysis.recognition.results import BlockPerformance, Performance
from cctzoo.arguments import checked_arguments
from cctzoo.messages import shown
from cctzoo.models import CCT
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array


@checked_arguments
def single_head_performance(
    model: CCT,
    train: Labelled,
    test: Labelled,
    blocks: int | Iterable[int] | None = None,
    options: ProbeOptions | None = None,
    *,
    batch_size: int = 32,
    seed: int = 0,
) -> Performance:
    """Measures single-head performance (SHP): one matrix of fields for each head.

    For every block, a probe (sequence pooling and a linear classifier) is trained on the heads
    before their projection. Then all heads but one are silenced at the input of the probe. The
    field (i, j) of the head is the mean of output j over the test samples of true label i.
    Clusters of labels, noise and SNR follow from the fields, see `BlockPerformance`.

    With frozen pooling and no bias, as by default, the fields of all heads add up to the mean
    logits of the probe.

    Args:
        model: a `CCT`.
        train: (images or token ids, labels) that the probes are trained on.
        test: (images or token ids, labels) that fields and accuracies are averaged over.
        blocks: one number or several; None: all encoder blocks, in one pass over the samples.
        options: options of the probes. Default: `ProbeOptions()`.
        batch_size: samples per batch.
        seed: seed of the choice of the samples that the pooling is trained on.

    Raises:
        ValueError: if the model has no such block, or if the labels do not fit the samples.

    Reference: Gross et al., arXiv 2506.23832, after the published single-filter code of the
        authors. Where this code says nothing, we chose: how the pooling is trained, the
        penalty of the probe, the SNR, and `least_evidence`.

    Example:

    ```python
    import numpy as np
    from cctzoo import analysis, models

    model = models.cct_2_3x2_32(classes=3, input_shape=(16, 16, 3))
    labels = np.arange(12) % 3
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), "uint8")
    heads = analysis.single_head_performance(model, (images, labels), (images, labels))
    print(heads[1].fields.shape)  # (2, 3, 3): heads of block 1, true labels, outputs
    print(heads[1].units[0].clusters)  # the labels that head 0 of block 1 recognises
    ```
    """
    features = pool_features(
        model, train, test, blocks, ("head",), options, batch_size=batch_size, seed=seed
    )
    return measure(features, "head")


@checked_arguments
def single_nodal_performance(
    model: CCT,
    train: Labelled,
    test: Labelled,
    blocks: int | Iterable[int] | None = None,
    nodes: str = "attention",
    options: ProbeOptions | None = None,
    *,
    batch_size: int = 32,
    seed: int = 0,
) -> Performance:
    """Measures single-nodal performance (SNP): one matrix of fields for each node.

    A node is a single channel. All else is as in `single_head_performance`.

    Args:
        model, train, test, blocks, options, batch_size, seed: as in `single_head_performance`.
        nodes: `"attention"` (channels of the heads before their projection), `"mlp"` (the
            hidden layer of the MLP after its activation) or `"stream"` (channels of the output of
            the block). The abstract of the paper does not say which nodes it measures.

    Raises:
        ValueError: as `single_head_performance`, or if there are no such nodes.
    """
    unit = f"{nodes}_node"
    if unit not in UNITS:
        raise ValueError(
            f"`nodes` must be one of ('attention', 'mlp', 'stream'). Received: nodes={nodes!r}"
        )
    features = pool_features(
        model, train, test, blocks, (unit,), options, batch_size=batch_size, seed=seed
    )
    return measure(features, unit)


@checked_arguments
def measure(features: PooledFeatures, unit: str, *, processes: Processes = ALONE) -> Performance:
    """Trains the probes on pooled features and reads the fields of one kind of unit from them.

    Args:
        features: features from `pool_features`, which hold this kind of unit.
        unit: `"head"`, `"attention_node"`, `"mlp_node"` or `"stream_node"`.
        processes: the processes that divide the blocks. All of them call this function.

    Raises:
        ValueError: if the features do not hold this kind of unit.
    """
    blocks = sorted(block for kind, block in features.train if kind == unit)
    if not blocks:
        known = sorted({kind for kind, _ in features.train})
        raise ValueError(f"`unit` must be one of {known}. Received: unit={shown(unit)}")
    options = features.options

    def fit(names):
        found = {}
        for name in names:
            z = features.train[unit, int(name)]
            flat, y = z.reshape(len(z), -1), features.y_train
            found[f"{name}/kernel"], found[f"{name}/bias"] = fit_classifier(
                flat, y, features.classes, options.l2, options.bias
            )
        return found

    fitted = processes.divide(list(map(str, blocks)), fit)
    return Performance(
        unit,
        tuple(_measure_block(features, unit, block, fitted) for block in blocks),
        {
            "pooling": options.pooling,
            "pooling_samples": features.pooling_samples,
            "recompute_pooling": options.recompute_pooling,
            "bias": options.bias,
            "l2": options.l2,
            "threshold": options.threshold,
            "least_evidence": options.least_evidence,
            "train_samples": len(features.y_train),
            "test_samples": len(features.y_test),
        },
    )


def _measure_block(features, unit, block, fitted):
    options, y, y_test = features.options, features.y_train, features.y_test
    z, z_test = features.train[unit, block], features.test[unit, block]  # (n, U, H)
    flat, flat_test = z.reshape(len(z), -1), z_test.reshape(len(z_test), -1)
    kernel, bias = fitted[f"{block}/kernel"], fitted[f"{block}/bias"]
    probe = Probe(kernel, bias, features.scores[unit, block])
    fields, evidence = unit_fields(probe, z_test, y_test)
    return BlockPerformance(
        block,
        probe,
        fields,
        evidence,
        train_accuracy=float((probe(flat).argmax(1) == y).mean()),
        accuracy=float((probe(flat_test).argmax(1) == y_test).mean()),
        threshold=options.threshold,
        least_evidence=options.least_evidence,
    )


def unit_fields(probe: Probe, z: Array, y: Array) -> tuple[Array, Array]:
    """Computes the fields of each unit, and the evidence for each of its labels.

    Args:
        probe: a `Probe` for U * H features.
        z: (n, U, H) pooled features.
        y: (n,) integers; every class has a sample.

    Returns:
        (fields (U, C, C), evidence (U, C)). The evidence for label j is the difference of two
        means of output j, over the samples of label j and over all other samples, in standard
        errors of this difference.
    """
    n, units, width = z.shape
    kernel = probe.kernel.reshape(units, width, -1)  # (U, H, C)
    classes = kernel.shape[-1]
    members = np.eye(classes, dtype="float32")[y]  # (n, C)
    counts = members.sum(axis=0)  # (C,)
    sums = (members.T @ z.reshape(n, -1)).reshape(classes, units, width)
    means = (sums / counts[:, None, None]).transpose(1, 0, 2)  # (U, C, H)
    fields = means @ kernel  # (U, C, C)
    others = (sums.sum(axis=0) - sums) / np.maximum(n - counts, 1)[:, None, None]  # (C, U, H)
    own = np.einsum("uch,uhc->uc", means - others.transpose(1, 0, 2), kernel)
    centred = (z - z.mean(axis=0)).transpose(1, 2, 0)  # (U, H, n)
    covariance = centred @ centred.transpose(0, 2, 1) / n  # (U, H, H)
    variance = np.einsum("uhc,uhk,ukc->uc", kernel, covariance, kernel)
    error = np.sqrt(np.maximum(variance, 0) * (1 / counts + 1 / np.maximum(n - counts, 1)))
    evidence = np.divide(own, error, out=np.zeros_like(own), where=error > 0)
    return (fields + probe.bias).astype("float32"), evidence.astype("float32")
