"""Copies the weights of one model into another."""

from cctzoo.arguments import checked_arguments
from cctzoo.models.model import CCT
from cctzoo.weights.compatibility import check_words
from cctzoo.weights.match import assign_arrays
from cctzoo.weights.names import TOP, model_arrays, variable_names


@checked_arguments
def transfer(source: CCT, target: CCT) -> None:
    """Copies the weights of a trained model by name, and adapts those that depend on the input.

    Position embeddings are resized bilinearly to another grid or cut to a shorter text, a first
    kernel is summed or repeated for other channels, a classifier for other classes keeps its
    fresh weights, and the top is skipped if the target has none. Each adaptation is logged.

    Args:
        source, target: models that differ only in image size, channels, length, classes, top
            or activation. A different number of heads is not detected: the shapes are the
            same, but the meaning differs.

    Raises:
        ValueError: listing the weights that do not fit, or if the models have different words.
            The target is unchanged.
    """
    check_words(source.config, target.config, f"The weights of {source.name!r}")
    arrays = model_arrays(source)
    assign_arrays(target, variable_names(target), arrays, top=TOP, grid=source.config.grid)
