"""Intermediate results of a model, by name."""

import keras

from cctzoo.layers import EncoderBlock, SequencePooling
from cctzoo.models.suggestions import did_you_mean


def feature_extractor(model, features):
    """A model that returns intermediate results of `model`, with which it shares weights.

    Args:
        model: a `CCT`.
        features: names, any of
            `tokenizer`, `prefix`, `tokens`: maps (B, H, W, channels);
            `block03`, `norm`: maps (B, H, W, D), or (B, 1 + T, D) with a class token;
            `attention03`: scores after softmax of block 3, (B, N, T, T), float32;
            `heads03`: its heads before projection, (B, T, N, head_dim);
            `mlp03`: its perceptron's hidden layer after GELU, (B, T, mlp_ratio * D);
            `pooling_weights`: of sequence pooling, (B, H, W), summing to 1;
            `pooling`: (B, D); `classifier`: the output. Of a text, whose map has one side,
            `words` (B, L, word_dim), `mask` (B, T), True where a token counts, and (B, T, ...)
            for (B, H, W, ...).

    Returns:
        A `keras.Model` from images or token ids to a dict with these names as keys.

    Raises:
        ValueError: for a name that the model does not have.
    """
    names = feature_names(model)
    if isinstance(features, str) or not len(features):
        raise ValueError(
            f"`features` must be a sequence of at least one name. Received: features={features!r}"
        )
    for feature in features:
        if feature not in names:
            raise ValueError(
                f"A feature must be one of {', '.join(names)}."
                f"{did_you_mean(feature, names, cutoff=0.4)} "
                f"Received: {feature!r} in features={list(features)}"
            )
    found = {}

    def call(layer, *args, **kwargs):
        x = found[layer.name] = _call(layer, args, kwargs, found, features)
        return x

    clone = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    outputs = {feature: _as_map(model.config, feature, found[feature]) for feature in features}
    return keras.Model(clone.inputs[0], outputs, name=f"{model.name}_features")


def feature_names(model):
    """The names that `feature_extractor` takes for this model."""
    names = []
    for layer in model.layers[1:]:
        if isinstance(layer, EncoderBlock):
            number = layer.name.removeprefix("block")
            names += [f"attention{number}", f"heads{number}", f"mlp{number}"]
        if isinstance(layer, SequencePooling):
            names.append("pooling_weights")
        names.append(layer.name)
    return names


def _call(layer, args, kwargs, found, features):
    """Calls one layer; what it can tell beside its output goes into `found` if asked for."""
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

    An operation of its own: Keras 3.15 lets no layer of a graph give more outputs than it
    gave in its first call.
    """

    def __init__(self, layer, flags):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.flags = flags
        self.supports_masking = True

    def call(self, x, mask=None):
        return self.layer(x, mask=mask, **self.flags)


def _as_map(config, feature, x):
    """Sequences over the grid of tokens as maps; all else as it is."""
    sequences = ("tokens", "position", "dropout", "block", "norm", "pooling_weights")
    if isinstance(x, tuple):  # of a text, with its lengths
        x = x[0]
    if not feature.startswith(sequences) or (config.has_class_token and feature != "tokens"):
        return x
    return keras.ops.reshape(x, (-1, *config.grid, *x.shape[2:]))
