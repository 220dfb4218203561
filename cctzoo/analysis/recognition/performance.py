"""Single-head and single-nodal performance: what one unit alone says about each label."""

import numpy as np

from cctzoo.analysis.recognition.pooled_features import UNITS, pool_features
from cctzoo.analysis.recognition.probe import Probe, fit_classifier
from cctzoo.analysis.recognition.results import BlockPerformance, Performance


def single_head_performance(model, train, test, blocks=None, **options):
    """Single-head performance (SHP): one matrix of fields for each head.

    For every block: a probe, sequence pooling and a linear classifier, is trained on the heads
    before their projection; then all heads but one are silenced at its input. The mean output
    j over the samples of true label i is the head's field (i, j). Clusters of labels, noise
    and SNR follow from the fields, see `BlockPerformance`.

    With frozen pooling and no bias, the defaults, the fields of all heads add up to the
    probe's mean logits.

    Args:
        model: a `CCT`.
        train: (images or token ids, labels) that the probes are trained on.
        test: (images or token ids, labels) that the fields and accuracies are means over.
        blocks: a number or several; None: all encoder blocks, in one pass over the samples.
        options: `threshold` (0.3), `least_evidence` (None), `bias` (False) and `l2` (1e-3),
            see `measure`, and those of `pool_features`.

    Returns:
        A `Performance`.

    Raises:
        ValueError: for blocks that the model does not have, or labels that do not fit.

    Reference: Gross et al., arXiv 2506.23832, following the group's published single-filter
        code; details that are not in that code are our choice: how the pooling is trained,
        the penalty of the probe, the SNR, and `least_evidence`.
    """
    gathering, measuring = _split(options)
    features = pool_features(model, train, test, blocks, ("head",), **gathering)
    return measure(features, "head", **measuring)


def single_nodal_performance(model, train, test, blocks=None, nodes="attention", **options):
    """Single-nodal performance (SNP): one matrix of fields for each node.

    As `single_head_performance` with single channels for heads.

    Args:
        model, train, test, blocks, options: as there.
        nodes: `"attention"` (channels of the heads before their projection), `"mlp"` (the
            perceptron's hidden layer after GELU) or `"stream"` (channels of the block's
            output). Which nodes the paper takes is not in its abstract.
    """
    unit = f"{nodes}_node"
    if unit not in UNITS:
        raise ValueError(
            f"`nodes` must be one of ('attention', 'mlp', 'stream'). Received: nodes={nodes!r}"
        )
    gathering, measuring = _split(options)
    features = pool_features(model, train, test, blocks, (unit,), **gathering)
    return measure(features, unit, **measuring)


def measure(features, unit, *, threshold=0.3, least_evidence=None, bias=False, l2=1e-3):
    """Trains the probes on pooled features and takes the fields of one kind of unit.

    Args:
        features: from `pool_features`, with this unit.
        unit: `"head"`, `"attention_node"`, `"mlp_node"` or `"stream_node"`.
        threshold: part of a unit's largest field above which an element counts.
        least_evidence: standard errors by which a label must stand out to count at all, e.g.
            4; None for the published measure. That compares a unit with itself only, and so
            finds clusters in pure noise too.
        bias: whether the classifier has one; it is then part of every unit's fields, as it
            is when the others are silenced.
        l2: penalty of the classifier, see `probe.fit_classifier`.

    Returns:
        A `Performance`.
    """
    blocks = sorted(block for kind, block in features.train if kind == unit)
    if not blocks:
        known = sorted({kind for kind, _ in features.train})
        raise ValueError(f"`unit` must be one of {known}. Received: unit={unit!r}")
    found = []
    for block in blocks:
        z, z_test = features.train[unit, block], features.test[unit, block]  # (n, U, H)
        flat, flat_test = z.reshape(len(z), -1), z_test.reshape(len(z_test), -1)
        probe = Probe(
            *fit_classifier(flat, features.y_train, features.classes, l2, bias),
            features.scores[unit, block],
        )
        fields, evidence = unit_fields(probe, z_test, features.y_test)
        found.append(
            BlockPerformance(
                block,
                probe,
                fields,
                evidence,
                float((probe(flat).argmax(1) == features.y_train).mean()),
                float((probe(flat_test).argmax(1) == features.y_test).mean()),
                threshold,
                least_evidence,
            )
        )
        _ = found[-1].units  # a threshold out of range shows here
    options = {
        "pooling": features.pooling,
        "pooling_images": features.pooling_images,
        "recompute_pooling": features.recompute_pooling,
        "bias": bias,
        "l2": l2,
        "threshold": threshold,
        "least_evidence": least_evidence,
        "train_images": len(features.y_train),
        "test_images": len(features.y_test),
    }
    return Performance(unit, tuple(found), options)


def unit_fields(probe, z, y):
    """The fields of each unit, and how far its labels stand out from chance.

    Args:
        probe: a `Probe` for U * H features.
        z: (n, U, H) pooled features.
        y: (n,) integers; every class has a sample.

    Returns:
        (fields (U, C, C), evidence (U, C)): the evidence for label j is the mean field j of
        its samples less that of all others, in standard errors of this difference.
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


def _split(options):
    measuring = ("threshold", "least_evidence", "bias", "l2")
    return (
        {name: value for name, value in options.items() if name not in measuring},
        {name: value for name, value in options.items() if name in measuring},
    )
