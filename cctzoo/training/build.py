"""What a recipe says of the model, its augmentation and its optimizer, built and compiled."""

import dataclasses

import keras
import numpy as np

from cctzoo.models import CCT, create_model
from cctzoo.training.augmented_model import AugmentedModel
from cctzoo.weights.start import trained_model
from cctzoo.weights.transfer import transfer

RESIDENT_BYTES = 2**31  # arrays up to this size lie on the accelerator


def build_model(recipe, dataset):
    """The recipe's model for the data's images and classes, with logits as output."""
    given = {
        "input_shape": dataset.x_train.shape[1:],
        "classes": len(dataset.classes),
        "classifier_activation": None,
    }
    start = recipe.start_from
    source = None if start is None else trained_model(start, recipe.model)
    if source is None:  # fresh, or from a checkpoint that holds nothing but weights
        given["mean"], given["std"] = dataset.pixel_statistics()
        return create_model(
            recipe.model, weights=start, dtype=recipe.precision, **given | recipe.changes
        )
    if source.config.input_shape[-1] != given["input_shape"][-1]:  # its statistics are of others
        given["mean"], given["std"] = dataset.pixel_statistics()
    config = dataclasses.replace(source.config, **given | recipe.changes)
    model = CCT(config, name=source.name, dtype=recipe.precision)
    transfer(source, model)
    return model


def augmented(model, recipe, dataset):
    """The model with its augmentation, and with the images if they fit on the accelerator."""
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
