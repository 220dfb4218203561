"""What a recipe says of the model, its augmentation and its optimizer, built and compiled."""

import dataclasses

import keras
import numpy as np

from cctzoo.models import CCT, Vocabulary, create_model, variant_config
from cctzoo.training.augmented_model import AugmentedModel
from cctzoo.weights.source import trained_model
from cctzoo.weights.transfer import transfer
from cctzoo.weights.word_vectors import load_word_vectors

RESIDENT_BYTES = 2**31  # arrays up to this size lie on the accelerator


def build_model(recipe, dataset):
    """The recipe's model for the data's images or texts and classes, with logits as output.

    Raises:
        ValueError: for a model of images and a set of texts, or the reverse.
    """
    start = recipe.start_from
    source = None if start is None else trained_model(start, recipe.model)
    base = variant_config(recipe.model, **recipe.changes) if source is None else source.config
    given = config_from_data(base, dataset)
    if source is None:  # fresh, or from a checkpoint that holds nothing but weights
        if dataset.kind == "texts":
            given = recipe.changes | given
        else:
            given["mean"], given["std"] = dataset.pixel_statistics()
            given |= recipe.changes
        model = create_model(recipe.model, weights=start, dtype=recipe.precision, **given)
    else:
        if given.get("input_shape", base.input_shape)[-1] != base.input_shape[-1]:
            given["mean"], given["std"] = dataset.pixel_statistics()  # its own are of others
        config = dataclasses.replace(base, **given | recipe.changes)
        model = CCT(config, name=source.name, dtype=recipe.precision)
        transfer(source, model)
    if recipe.word_vectors is not None:
        load_word_vectors(model, recipe.word_vectors)
    return model


def config_from_data(base, dataset):
    """Fields of a config that the data decide, for a model that ends on logits.

    Args:
        base: the config that has all else. Its own vocabulary stays; else the most frequent
            words of training and validation texts are taken, at most `vocabulary_size`.
        dataset: a `data.Dataset`.
    """
    dataset.check_kind(base)
    fields = {"classes": len(dataset.classes), "classifier_activation": None}
    if dataset.kind == "images":
        return fields | {"input_shape": dataset.x_train.shape[1:]}
    words = base.vocabulary
    if words is None:
        # Whatever the seed holds out, the words are the same: members of a committee share them.
        known = np.concatenate([dataset.x_train, dataset.x_validation])
        words = Vocabulary.fit(known, base.vocabulary_size, base.length).words
    return fields | {"vocabulary": words, "vocabulary_size": len(words) + 2}


def training_model(model, recipe, dataset):
    """The model with what happens to its inputs in training, to be compiled and fitted.

    Images are augmented, and kept on the accelerator if they fit; texts go in as they are.
    """
    if dataset.kind == "texts":
        return keras.Model(model.inputs[0], model.outputs[0], name=f"trained_{model.name}")
    x = dataset.x_train
    resident = isinstance(x, np.ndarray) and x.nbytes <= RESIDENT_BYTES
    mean, std = model.config.mean, model.config.std
    return AugmentedModel(model, recipe.augmentation, mean, std, x if resident else None)


def compile_model(model, recipe, steps):
    """AdamW on a schedule of `steps` an epoch, and smoothed cross-entropy."""
    rate, warmup = recipe.learning_rate, steps * recipe.warmup_epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.warmup_rate if warmup else rate,
        decay_steps=steps * recipe.epochs - warmup,
        alpha=recipe.floor_rate / rate,  # which is kept from there on: the cool-down
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema is not None,
        ema_momentum=recipe.ema or 0.99,
        gradient_accumulation_steps=recipe.accumulate if recipe.accumulate > 1 else None,
    )
    decays = {
        "kernels": lambda variable: variable.name.endswith("kernel"),
        "matrices": lambda variable: len(variable.shape) > 1,
        "all": lambda variable: True,
    }[recipe.decayed]
    spared = [variable for variable in model.trainable_variables if not decays(variable)]
    if spared:
        optimizer.exclude_from_weight_decay(var_list=spared)
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"])
