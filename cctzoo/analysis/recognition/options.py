"""The options of the probes that single-head and single-nodal performance are read from."""

import dataclasses

from cctzoo.analysis.recognition.clusters import check_threshold
from cctzoo.messages import received
from cctzoo.plain_values import check_types, is_one_of, make_plain

POOLINGS = ("trained", "model", "mean")


@dataclasses.dataclass(frozen=True)
class ProbeOptions:
    """How the probes are pooled and trained, and when a label counts as recognised.

    Args:
        pooling: where the weights of the tokens come from: `"trained"` (a score, trained with
            a classifier on the features of each block and then frozen), `"model"` (the
            model's own sequence pooling) or `"mean"`. Our choice: the abstract of the paper
            does not say.
        recompute_pooling: pool the test features of each unit with the weights that its own
            channels give, as if all other channels were zero. The fields then no longer add
            up to the logits of the probe.
        pooling_samples: number of training samples that the pooling is trained on, drawn
            evenly from the classes. The model makes an extra pass over them, and several
            passes if their tokens take more than 256 MB.
        bias: whether the classifier has a bias. The bias is part of the fields of every unit,
            as it is when the other units are silenced.
        l2: penalty of the classifier, see `probe.fit_classifier`. Our choice.
        threshold: share of a unit's largest field, in [0, 1); fields above it (not at it) are
            1 in the unit's Boolean matrix.
        least_evidence: least number of standard errors by which the samples of a label must
            excite its own output more than all other samples do, for example 4. None is the
            published measure, which compares the fields of a unit only with each other and
            therefore finds clusters in pure noise too. Our choice.

    Raises:
        ValueError: if an option is out of range, or if two options contradict each other.
    """

    pooling: str = "trained"
    recompute_pooling: bool = False
    pooling_samples: int = 1000
    bias: bool = False
    l2: float = 1e-3
    threshold: float = 0.3
    least_evidence: float | None = None

    def __post_init__(self):
        make_plain(self)
        check_types(
            self,
            integers=("pooling_samples",),
            numbers=("l2", "threshold", "least_evidence"),
            booleans=("recompute_pooling", "bias"),
            optional=("least_evidence",),
        )
        if not is_one_of(self.pooling, POOLINGS):
            raise ValueError(
                f"`pooling` must be one of {POOLINGS}. {received(pooling=self.pooling)}"
            )
        if self.recompute_pooling and self.pooling != "trained":
            raise ValueError(
                '`recompute_pooling` needs `pooling="trained"`: other weights do not depend on '
                f"the units. Received: recompute_pooling=True, pooling={self.pooling!r}"
            )
        if self.pooling_samples < 1:
            raise ValueError(
                "`pooling_samples` must be at least 1. "
                f"{received(pooling_samples=self.pooling_samples)}"
            )
        if self.l2 <= 0:
            raise ValueError(f"`l2` must be positive. Received: l2={self.l2}")
        check_threshold(self.threshold)
