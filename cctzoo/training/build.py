"""Builds and compiles the model of a recipe for a data set."""

import contextlib
from typing import Any

import keras
import numpy as np

from cctzoo.data import Dataset
from cctzoo.models import CCT, CCTConfig, TextConfig, Vocabulary, create_model
from cctzoo.training.augmented_model import AugmentedModel
from cctzoo.training.muon import Muon
from cctzoo.training.processes import ALONE, Processes
from cctzoo.training.recipe import Recipe
from cctzoo.training.teacher import DistillationLoss, StudentAccuracy, open_teachers
from cctzoo.weights import load_word_vectors, open_weights

RESIDENT_BYTES = 2**31  # training images up to this size are kept on the accelerator


def build_model(recipe: Recipe, dataset: Dataset) -> CCT:
    """Builds the model of a recipe for the shape and classes of a data set, with logits.

    Raises:
        ValueError: if the model takes samples of another kind, or `changes` ask for another
            number of classes than the data have.
    """
    classes = recipe.changes.get("classes", len(dataset.classes))
    if classes != len(dataset.classes):
        raise ValueError(
            f"The number of classes comes from the data, {len(dataset.classes)} in "
            f"{dataset.name!r}. Received: changes={recipe.changes!r}"
        )
    start = recipe.start_from
    with open_weights(start, recipe.model) if start else contextlib.nullcontext() as source:
        config = source.config if source else None  # None too if the file holds only weights
        base = config or recipe.config()
        fields = config_from_data(base, dataset)
        if dataset.kind == "texts":
            fields = recipe.changes | fields  # the vocabulary of the data may be smaller
        else:
            if config is None or fields["input_shape"][-1] != config.input_shape[-1]:
                fields["mean"], fields["std"] = dataset.pixel_statistics()
            fields |= recipe.changes
        if config is not None:
            model = source.build(dtype=recipe.precision, **fields)
        else:
            model = create_model(recipe.model, dtype=recipe.precision, **fields)
            if source:
                source.load_into(model)
    if recipe.word_vectors is not None:
        load_word_vectors(model, recipe.word_vectors)
    return model


def config_from_data(base: CCTConfig | TextConfig, dataset: Dataset) -> dict[str, Any]:
    """Returns the config fields that depend on the data, for a model that returns logits.

    Args:
        base: the config before it is completed. If it has no vocabulary, the most frequent
            words of the training and validation texts are taken, at most `vocabulary_size` - 2.
        dataset: the data set.

    Raises:
        ValueError: if the config is for samples of another kind, or the data have only one
            class.
    """
    dataset.check_kind(base)
    if len(dataset.classes) < 2:
        raise ValueError(
            "A data set must have at least two classes. "
            f"Received: {dataset.name!r} with classes={dataset.classes}"
        )
    fields = {
        "classes": len(dataset.classes),
        "class_names": tuple(dataset.classes),
        "classifier_activation": None,
    }
    if dataset.kind == "images":
        return fields | {"input_shape": dataset.x_train.shape[1:], "view": dataset.view}
    words = base.vocabulary
    if words is None:
        # Independent of the seed that holds texts out: members of a committee share the words.
        texts = np.concatenate([dataset.x_train, dataset.x_validation])
        words = Vocabulary.fit(texts, base.vocabulary_size, base.length).words
    return fields | {"vocabulary": words, "vocabulary_size": len(words) + 2}


def training_model(
    model: CCT, recipe: Recipe, dataset: Dataset, processes: Processes = ALONE
) -> keras.Model:
    """Returns the model to compile and fit, which shares its weights with `model`.

    Images are augmented, and kept on the accelerator if they fit. Texts are not changed. With
    teachers, their outputs follow those of the model. Under PyTorch, with several processes, the
    gradients are the means over them.
    """
    teachers = open_teachers(recipe.teacher, model) if recipe.teacher else None
    replica = None
    if processes.count > 1 and keras.backend.backend() == "torch":
        from cctzoo.training.replica import Replica

        replica = Replica(model, processes)
    parts = {"teachers": teachers, "replica": replica}
    if dataset.kind == "texts":
        if teachers or replica:
            return AugmentedModel(model, recipe.augmentation, 0.0, 1.0, **parts)
        return keras.Model(model.inputs[0], model.outputs[0], name=f"trained_{model.name}")
    x = dataset.x_train
    resident = isinstance(x, np.ndarray) and x.nbytes <= RESIDENT_BYTES
    mean, std = model.config.mean, model.config.std
    images = x if resident else None
    return AugmentedModel(model, recipe.augmentation, mean, std, images, **parts)


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Compiles a model with the optimizer, schedule and loss of a recipe of `steps` per epoch."""
    rate, warmup = recipe.learning_rate, steps * recipe.warmup_epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.warmup_rate if warmup else rate,
        decay_steps=steps * recipe.epochs - warmup,
        alpha=recipe.floor_rate / rate,  # kept after the cosine, in the cool-down
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
    options = {
        "weight_decay": recipe.weight_decay,
        "global_clipnorm": recipe.clip_norm,
        "use_ema": recipe.ema is not None,
        "ema_momentum": recipe.ema or 0.99,
        "gradient_accumulation_steps": recipe.accumulate if recipe.accumulate > 1 else None,
    }
    if recipe.optimizer == "muon":
        # The iteration of Muon is not more exact than its five steps: bfloat16 is enough for it.
        precision = "bfloat16" if recipe.precision == "mixed_bfloat16" else None
        optimizer = _class_of("muon")(schedule, precision=precision, **options)
    else:
        optimizer = _class_of("adamw")(schedule, **options)
    decays = {
        "kernels": lambda variable: variable.name.endswith("kernel"),
        "matrices": lambda variable: len(variable.shape) > 1,
        "all": lambda variable: True,
    }[recipe.decayed]
    exempt = [variable for variable in model.trainable_variables if not decays(variable)]
    if exempt:
        optimizer.exclude_from_weight_decay(var_list=exempt)
    smoothing = recipe.label_smoothing
    if recipe.teacher:
        classes = model.model.config.classes
        loss = DistillationLoss(
            classes, recipe.teacher_weight, recipe.teacher_temperature, smoothing
        )
        metrics = [StudentAccuracy(classes)]
    else:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        metrics = ["accuracy"]
    model.compile(optimizer, loss, metrics=metrics)


def _class_of(optimizer):
    """The class of an optimizer that is fastest on the backend."""
    if keras.backend.backend() == "torch":
        from cctzoo.training import adamw_torch, muon_torch

        return {"adamw": adamw_torch.AdamW, "muon": muon_torch.Muon}[optimizer]
    return {"adamw": keras.optimizers.AdamW, "muon": Muon}[optimizer]
