"""Keras models that hold a model of the zoo, or its layers: what an export has to know of them."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from cctzoo.data import View
from cctzoo.layers import EncoderBlock, WordEmbedding
from cctzoo.models import CCT, SoftCommittee, Vocabulary
from cctzoo.models.pixel_values import read_input
from cctzoo.models.vocabulary import vocabulary_of
from cctzoo.typing import PathLike

RULE = (
    "`model` must be a CCT or a SoftCommittee, or a functional Keras model with one input and one "
    "output that holds one of them or its layers."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CustomConfig:
    """What a model takes; what its outputs mean is not known.

    Attributes:
        kind: `"texts"`; `"images"`, as the zoo's models take them; or `"arrays"`, whose values
            are not known.
        input_shape: shape of a sample.
        include_preprocessing, mean, std, view: as in `CCTConfig`.
        vocabulary, vocabulary_size, padding_id: as in `TextConfig`.
    """

    kind: str
    input_shape: tuple[int, ...]
    include_preprocessing: bool = False
    mean: float | Sequence[float] | None = None
    std: float | Sequence[float] | None = None
    view: View | None = None
    vocabulary: Sequence[str] | None = None
    vocabulary_size: int | None = None
    padding_id: int | None = None
    include_top: ClassVar[bool] = False
    classifier_activation: ClassVar[str | None] = None
    class_names: ClassVar[Sequence[str] | None] = None

    @property
    def length(self) -> int:
        """Token ids of a text."""
        return self.input_shape[0]


class CustomModel(keras.Model):
    """A functional model with the attributes of a `CCT` that an export uses; shares its layers.

    Args:
        model: a model that holds a zoo model or its layers.

    Raises:
        ValueError: if the model has another form, or computes in another type than float32.
    """

    config: CustomConfig

    def __init__(self, model: keras.Model) -> None:
        config = custom_config(model)
        super().__init__(inputs=model.inputs[0], outputs=model.outputs[0], name=model.name)
        self.config = config

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """As that of a text model of the zoo."""
        return vocabulary_of(self.config)

    def read_images(self, images: PathLike | Sequence[PathLike]) -> np.ndarray:
        """As `CCT.read_images`."""
        return read_input(self.config, images)

    def plain(self) -> keras.Model:
        """The model as Keras saves it."""
        return keras.Model(self.inputs[0], self.outputs[0], name=self.name)


Exportable = CCT | SoftCommittee | CustomModel


def custom_config(model: Any) -> CustomConfig:
    """What a model takes: as its zoo model, if that comes first, or as its layers say."""
    if not isinstance(model, keras.Model) or not _has_one_input_and_output(model):
        raise ValueError(f"{RULE} Received: model={model!r}")
    layers = list(_layers(model))
    if not any(isinstance(layer, CCT | SoftCommittee | EncoderBlock) for layer in layers):
        raise ValueError(f"{RULE} Received: model={model!r}")
    others = {layer.compute_dtype for layer in layers} & {"float16", "bfloat16", "float64"}
    if others:
        raise ValueError(
            "A model with an own head is exported in float32: build it from layers and a zoo "
            f'model with dtype="float32", and set its weights. Received: {", ".join(others)}'
        )
    shape = tuple(model.input_shape[1:])
    first = next(layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))
    if isinstance(first, CCT | SoftCommittee):
        return _of_backbone(first.config)
    if model.inputs[0].dtype == "float32":
        normalises = isinstance(first, keras.layers.Rescaling) and first.name == "preprocessing"
        kind = "images" if normalises else "arrays"
        return CustomConfig(kind=kind, input_shape=shape, include_preprocessing=normalises)
    words = [layer for layer in model.layers if isinstance(layer, WordEmbedding)]
    if not words:
        raise ValueError(
            "A model whose input is not float32 must begin with a text model of the zoo. "
            f"Received: an input of {model.inputs[0].dtype}, first layer {first.name!r}"
        )
    return CustomConfig(
        kind="texts",
        input_shape=shape,
        vocabulary_size=words[0].table.input_dim,
        padding_id=words[0].padding_id,
    )


def _has_one_input_and_output(model):
    try:
        shapes = [model.inputs[0].shape, model.outputs[0].shape]
        return len(model.inputs) == len(model.outputs) == 1 and None not in shapes[0][1:]
    except (AttributeError, TypeError, IndexError, ValueError):  # a subclass without a graph
        return False


def _of_backbone(config):
    first = getattr(config, "members", [config])[0]  # the members of a committee share their input
    names = [field.name for field in dataclasses.fields(CustomConfig)]
    fields = {}
    for each in (first, config):
        fields |= {name: getattr(each, name) for name in names if hasattr(each, name)}
    return CustomConfig(**fields)


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, and those of models in it; a zoo model as one."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model) and not isinstance(layer, CCT | SoftCommittee):
            yield from _layers(layer)
