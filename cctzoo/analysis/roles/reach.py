"""How much each token counts in the pooling of a model."""

from collections.abc import Callable

import numpy as np

from cctzoo.analysis.batches import predict_batch, token_masks
from cctzoo.analysis.recognition.probe import mean_weights
from cctzoo.models import CCT, feature_extractor, feature_names
from cctzoo.typing import Array


def pooling_reach(model: CCT) -> Callable[[Array], Array]:
    """Returns a function from a batch to (B, T) float32, the weights of the tokens.

    The weights of a sample sum to 1: those of the sequence pooling, all for the class token, or
    equal weights without padding for other poolings.
    """
    tokens = model.config.tokens
    if "pooling_weights" in feature_names(model):
        extractor = feature_extractor(model, ["pooling_weights"])
        return lambda batch: predict_batch(extractor, batch)["pooling_weights"].reshape(-1, tokens)
    if model.config.token_pooling == "token":
        return lambda batch: np.eye(1, tokens, dtype="float32").repeat(len(batch), axis=0)
    masks = token_masks(model)
    return lambda batch: mean_weights(masks(batch))
