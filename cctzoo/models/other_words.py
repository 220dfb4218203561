"""Keywords of timm, keras.applications and Transformers, in the words of this package."""

from collections.abc import Sequence

from cctzoo.messages import did_you_mean, shown

# Another library's keyword -> the keyword here.
SAME = {
    **dict.fromkeys(("num_classes", "n_classes", "nb_classes", "num_labels"), "classes"),
    **dict.fromkeys(("num_heads", "n_heads", "nhead", "num_attention_heads"), "heads"),
    **dict.fromkeys(("img_size", "image_size", "input_size", "image_shape"), "input_shape"),
    **dict.fromkeys(("in_chans", "in_channels", "num_channels", "channels"), "input_shape"),
    **dict.fromkeys(("drop_rate", "dropout_rate", "hidden_dropout_prob"), "dropout"),
    **dict.fromkeys(("attn_drop_rate", "attention_probs_dropout_prob"), "attention_dropout"),
    **dict.fromkeys(("drop_path_rate", "drop_path", "drop_connect_rate"), "stochastic_depth"),
    **dict.fromkeys(("num_layers", "num_hidden_layers", "n_layers", "depths"), "depth"),
    **dict.fromkeys(("dim", "hidden_dim", "hidden_size", "projection_dim"), "embed_dim"),
    **dict.fromkeys(("key_dim", "value_dim"), "head_dim"),
    **dict.fromkeys(("global_pool", "global_pooling"), "pooling"),
    "patch_size": "kernel_size",
    "act_layer": "classifier_activation",
    "activation": "classifier_activation",
    "vocab_size": "vocabulary_size",
    **dict.fromkeys(("max_length", "sequence_length", "max_len"), "length"),
    **dict.fromkeys(("checkpoint_path", "checkpoint", "pretrained_weights"), "weights"),
    **dict.fromkeys(("rescale", "preprocess", "include_rescaling"), "include_preprocessing"),
}
# Another library's keyword -> what to do here.
DIFFERENT = {
    "features_only": "Intermediate features are those of `models.feature_extractor(model, names)`.",
    "input_tensor": "Call the model on the tensor: `model(tensor)`.",
    "in_22k": "There are no weights of ImageNet-22k.",
    "exportable": "Every model can be exported, see `cctzoo.export`.",
    "scriptable": "Every model can be exported, see `cctzoo.export`.",
}


def unknown_keyword(name: str, value: object, known: Sequence[str], owner: str) -> str:
    """The error message for a keyword that `owner` does not have."""
    received = f"Received: {name!s:.50}={shown(value)}"
    if name in DIFFERENT:
        return f"{owner} has no keyword `{name}`. {DIFFERENT[name]} {received}"
    if SAME.get(name) in (*known, "weights"):
        shape = " = (height, width, channels)" if SAME[name] == "input_shape" else ""
        return f"The keyword `{name}` of other libraries is `{SAME[name]}`{shape} here. {received}"
    return (
        f"{owner} has no keyword `{name!s:.50}`.{did_you_mean(str(name), known)} "
        f"`help(cctzoo.models.{owner})` lists all. {received}"
    )
