"""Intermediate results of a model, by name."""

from collections.abc import Sequence

import keras

from cctzoo.arguments import checked_arguments
from cctzoo.layers import EncoderBlock, SequencePooling
from cctzoo.messages import did_you_mean, received, shown
from cctzoo.models.model import CCT
from cctzoo.models.positions import is_position


@checked_arguments
def feature_extractor(model: CCT, features: Sequence[str]) -> keras.Model:
    """A model that returns intermediate results of `model` and shares its weights.

    Args:
        model: a `CCT`.
        features: names from `feature_names(model)`:

            - `tokenizer`, `prefix`, `tokens`: maps (B, H, W, channels)
            - `block03`, `norm`: maps (B, H, W, D), or (B, 1 + T, D) with a class token
            - `attention03`: scores of block 3, (B, N, T, T), float32, which sum to 1
            - `heads03`: heads of block 3 before projection, (B, T, N, head_dim)
            - `mlp03`: hidden layer of block 3's perceptron after its activation,
              (B, T, mlp_ratio * D)
            - `pooling_weights`: weights of sequence pooling, (B, H, W), which sum to 1
            - `pooling`: (B, D)
            - `classifier`: the output

            For text models, maps are sequences (B, T, ...), and there are also `words`
            (B, L, word_dim) and `mask` (B, T), False where a token is padding.

    Returns:
        A `keras.Model` from images or token ids to a dict with the names as keys.

    Raises:
        ValueError: for a name that the model does not have.

    Example:

    ```python
    import numpy as np
    from cctzoo import models

    model = models.cct_2_3x2_32()
    extractor = models.feature_extractor(model, ["attention01", "pooling_weights"])
    features = extractor.predict(np.random.randint(0, 256, (2, 32, 32, 3)))
    features["attention01"].shape  # (2, 2, 64, 64): images, heads, queries, keys
    ```
    """
    names = feature_names(model)
    if not isinstance(features, Sequence) or isinstance(features, str) or not features:
        raise ValueError(
            f"`features` must be a sequence of at least one name. {received(features=features)}"
        )
    for feature in features:
        if feature not in names:
            raise ValueError(
                f"A feature must be one of {', '.join(names)}."
                f"{did_you_mean(str(feature), names, cutoff=0.4)} "
                f"Received: {shown(feature)} in features={shown(list(features))}"
            )
    found = {}

    # Cloning with the same layers walks the graph: `call` sees each layer with its inputs, and
    # builds a second graph on the same weights.
    def call(layer, *args, **kwargs):
        x = found[layer.name] = _call(layer, args, kwargs, found, features)
        return x

    clone = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    outputs = {feature: _as_map(model.config, feature, found[feature]) for feature in features}
    return keras.Model(clone.inputs[0], outputs, name=f"{model.name}_features")


@checked_arguments
def feature_names(model: CCT) -> list[str]:
    """The names of the features that `feature_extractor` accepts for `model`."""
    names = []
    for layer in model.layers[1:]:
        if is_position(layer.name, model.config):
            continue
        if isinstance(layer, EncoderBlock):
            number = layer.name.removeprefix("block")
            names += [f"attention{number}", f"heads{number}", f"mlp{number}"]
        if isinstance(layer, SequencePooling):
            names.append("pooling_weights")
        names.append(layer.name)
    return names


def _call(layer, args, kwargs, found, features):
    """Calls a layer and returns its output; puts requested extra outputs into `found`."""
    if isinstance(layer, EncoderBlock):
        number = layer.name.removeprefix("block")
        extras = {
            "return_attention_scores": f"attention{number}",
            "return_heads": f"heads{number}",
            "return_mlp": f"mlp{number}",
        }
    elif isinstance(layer, SequencePooling):
        extras = {"return_weights": "pooling_weights"}
    else:
        extras = {}
    wanted = {flag: name for flag, name in extras.items() if name in features}
    if not wanted:
        return layer(*args, **kwargs)
    x, *values = _WithExtras(layer, dict.fromkeys(wanted, True))(*args, **kwargs)
    found.update(zip(wanted.values(), values, strict=True))
    return x


class _WithExtras(keras.layers.Layer):
    """A layer called with flags that add outputs.

    A layer of its own, as Keras 3.15 does not allow a layer of a graph to return more outputs
    than in its first call.
    """

    def __init__(self, layer, flags):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.flags = flags
        self.supports_masking = True

    def call(self, x, mask=None, **position):
        return self.layer(x, mask=mask, **position, **self.flags)


def _as_map(config, feature, x):
    """Reshapes sequences over the grid of tokens to maps; returns other features unchanged."""
    sequences = ("tokens", "position", "dropout", "block", "norm", "pooling_weights")
    if isinstance(x, tuple):  # text models: the tokens, then their lengths
        x = x[0]
    if not feature.startswith(sequences) or (config.has_class_token and feature != "tokens"):
        return x
    return keras.ops.reshape(x, (-1, *config.grid, *x.shape[2:]))
