"""The key layout of the authors' PyTorch checkpoints, and how arrays move across it."""

import numpy as np

# Orders of axes from PyTorch's layout to Keras'; a key with none is copied as it is.
CONVOLUTION = (2, 3, 1, 0)  # (out, in, height, width) -> (height, width, in, out)
DENSE = (1, 0)  # (out, in) -> (in, out)


def state_dict_keys(model):
    """Which variable each key of the authors' `state_dict` belongs to.

    Args:
        model: a `CCT` of family cct, cvt or vit without a convolutional prefix.

    Returns:
        A dict: key -> (Keras variable, order of axes from PyTorch to Keras or None).

    Raises:
        ValueError: for a model that the authors' layout cannot describe.
    """
    config = model.config
    if config.conv_prefix or config.norm != "cct":
        raise ValueError(
            'The authors\' layout knows neither `conv_prefix` nor `norm="pre"`. '
            f"Received: conv_prefix={config.conv_prefix}, norm={config.norm!r}"
        )
    keys = _tokenizer(model)
    for layer in model.layers:
        if layer.name == "class_token":
            keys["classifier.class_emb"] = layer.token, None
        elif layer.name == "position" and config.positional_embedding == "learnable":
            keys["classifier.positional_emb"] = layer.embedding, None
        elif layer.name.startswith("block"):
            keys |= _block(layer, f"classifier.blocks.{int(layer.name.removeprefix('block'))}")
        elif layer.name == "norm":
            keys |= _norm(layer, "classifier.norm")
        elif layer.name == "pooling" and config.token_pooling == "sequence":
            keys |= _dense(layer.score, "classifier.attention_pool")
        elif layer.name == "classifier":
            keys |= _dense(layer, "classifier.fc")
    return keys


def load_state_dict(model, state):
    """Fills a model from arrays in the authors' layout; all of them or none.

    Args:
        model: see `state_dict_keys`.
        state: a dict of arrays by PyTorch key.

    Raises:
        ValueError: listing every missing, unexpected and misshapen key.
    """
    keys = state_dict_keys(model)
    arrays, faults = {}, []
    for key, (variable, order) in keys.items():
        if key not in state:
            faults.append(f"missing {key}")
            continue
        array = np.asarray(state[key])
        if order and array.ndim == len(order):
            array = array.transpose(order)
        if array.shape != tuple(variable.shape):
            faults.append(f"misshapen {key}: {array.shape}, wanted {tuple(variable.shape)}")
        arrays[key] = array
    faults += [f"unexpected {key}" for key in state if key not in keys]
    if faults:
        raise ValueError(
            f"The arrays of `state` must be those of the model {model.name!r}. "
            f"Received: {'; '.join(faults)}"
        )
    for key, (variable, _) in keys.items():
        variable.assign(arrays[key])


def _tokenizer(model):
    layer = model.get_layer("tokenizer")
    if model.config.family != "cct":
        key = "tokenizer.conv_layers.0.0"
        return {f"{key}.weight": (layer.kernel, CONVOLUTION), f"{key}.bias": (layer.bias, None)}
    return {
        f"tokenizer.conv_layers.{i}.0.weight": (convolution.kernel, CONVOLUTION)
        for i, convolution in enumerate(layer.convolutions)
    }


def _block(block, key):
    attention = block.attention
    return {
        **_norm(block.attention_norm, f"{key}.pre_norm"),
        f"{key}.self_attn.qkv.weight": (attention.qkv.kernel, DENSE),
        **_dense(attention.projection, f"{key}.self_attn.proj"),
        **_norm(block.mlp_norm, f"{key}.norm1"),
        **_dense(block.expand, f"{key}.linear1"),
        **_dense(block.contract, f"{key}.linear2"),
    }


def _norm(norm, key):
    return {f"{key}.weight": (norm.gamma, None), f"{key}.bias": (norm.beta, None)}


def _dense(dense, key):
    return {f"{key}.weight": (dense.kernel, DENSE), f"{key}.bias": (dense.bias, None)}
