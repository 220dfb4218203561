"""A trained model with another kind of attention."""

import dataclasses
from collections.abc import Sequence

from cctzoo.arguments import checked_arguments
from cctzoo.models.model import CCT


@checked_arguments
def with_attention(model: CCT, attention: str | Sequence[str], name: str | None = None) -> CCT:
    """A copy of a model with the same weights and another kind of attention.

    The weights have the same shapes and positions, but the heads compute something else with
    them: the copy has to be fine-tuned before use.

    Args:
        model: a `CCT`; it stays as it is.
        attention: `"softmax"` or `"polynomial"`, or a sequence with one of them per encoder
            block.
        name: name of the copy. Default: that of `model`.

    Returns:
        A `CCT` of the same dtype policy, with the same trainable layers.

    Raises:
        ValueError: for an unknown kind, or a sequence of another length.

    Example:

    ```python
    from cctzoo import models

    model = models.cct_2_3x2_32(heads=32)  # e.g. a trained one
    fast = models.with_attention(model, "polynomial")  # to be fine-tuned
    ```
    """
    config = dataclasses.replace(model.config, attention=attention)
    copy = CCT(config, name=name or model.name, dtype=model.dtype_policy)
    copy.set_weights(model.get_weights())
    for layer, own in zip(model.layers, copy.layers, strict=True):
        own.trainable = layer.trainable
    return copy
