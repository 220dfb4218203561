"""predict: from images or texts to classes with their names and probabilities."""

import dataclasses
import warnings
from typing import Any

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.data.sources.folder_layout import few
from cctzoo.models.decisions import probabilities
from cctzoo.models.pixel_values import pixels_are_checked
from cctzoo.prediction.classifier import open_classifier
from cctzoo.prediction.samples import batches
from cctzoo.typing import PathLike


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The classes of one sample, the most probable first.

    Attributes:
        source: the path of the image file, or the text; None for arrays and PIL images.
        classes: names of the classes.
        probabilities: of these classes. They sum to 1 over all classes of the model, except for
            a model whose classes are independent labels.
    """

    source: str | None
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]

    def __str__(self) -> str:
        ranked = zip(self.classes, self.probabilities, strict=True)
        listed = ", ".join(f"{name} {probability:.1%}" for name, probability in ranked)
        return listed if self.source is None else f"{self.source}: {listed}"


@checked_arguments
def predict(
    model: keras.Model | PathLike,
    samples: Any,
    top: int | None = 5,
    batch_size: int = 64,
    skip_unreadable: bool = False,
    resize: bool = False,
) -> list[Prediction]:
    """Classifies images or texts.

    Images are read in the view of the model: upright, in its colours, resized and cropped as in
    its training.

    Args:
        model: a `CCT` or `SoftCommittee`; the directory of a run; a tag of trained weights; a
            `.keras` or `.safetensors` file; a folder of `weights.save_to_folder`; or an exported
            `.tflite`, `.onnx` or OpenVINO `.xml` file or SavedModel folder.
        samples: for an image model, the path of an image file, or of a folder, whose images and
            those of its folders are read; a PIL image; an array (height, width, channels) or
            (n, height, width, channels) in the model's size; or a list of these. For a text
            model, a text, several texts, or integer ids (n, length).
        top: number of classes per sample; None for all.
        batch_size: samples per step of the model.
        skip_unreadable: skip image files that cannot be read, with one warning at the end.
        resize: for a model that was trained on arrays of one size and therefore has no view, read
            images of other sizes in `data.View()`. Default: they are refused.

    Returns:
        One `Prediction` per sample, in the order of the samples.

    Raises:
        ValueError: if the model has no classifier, or a sample cannot be read or does not fit it.

    Example:

    ```python
    import cctzoo
    from PIL import Image

    Image.new("RGB", (60, 40), "orange").save("orange.png")
    (prediction,) = cctzoo.predict("cct_2_3x2_32.cifar10", "orange.png", top=3)
    print(prediction.classes, prediction.probabilities)
    ```
    """
    unread = [] if skip_unreadable else None
    found = classify(model, samples, top, batch_size, unread, resize)
    if unread:
        warnings.warn(f"{len(unread)} images are skipped: {few(unread)}", stacklevel=2)
    return found


def classify(
    model: keras.Model | PathLike,
    samples: Any,
    top: int | None = 5,
    batch_size: int = 64,
    unread: list[str] | None = None,
    resize: bool = False,
) -> list[Prediction]:
    """As `predict`; `unread` takes a line for each image file that cannot be read."""
    for name, number in {"top": top, "batch_size": batch_size}.items():
        if number is not None and number < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={number}")
    classifier = open_classifier(model)
    names = np.array(classifier.class_names, dtype=object)
    found = []
    with pixels_are_checked():
        config = classifier.config
        for sources, inputs in batches(config, samples, batch_size, unread, resize):
            outputs = classifier.outputs(inputs)
            if outputs.shape != (len(sources), config.classes):
                raise ValueError(
                    f"A model must return (n, classes={config.classes}) outputs. "
                    f"Received: outputs of shape {outputs.shape} for {len(sources)} samples"
                )
            ranked = probabilities(config, outputs)
            for source, row in zip(sources, ranked, strict=True):
                order = np.argsort(-row, kind="stable")[:top]
                found.append(Prediction(source, tuple(names[order]), tuple(row[order].tolist())))
    return found
