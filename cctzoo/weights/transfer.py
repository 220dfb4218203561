"""Weights of one model into another of its kind, for other classes, image size or length."""

from keras import ops

from cctzoo.weights.description import check_words
from cctzoo.weights.match import assign, match_arrays
from cctzoo.weights.names import TOP, variable_names


def transfer(source, target):
    """Copies a trained model's weights by name; what depends on the images is adapted.

    Position embeddings of another grid are resized bilinearly, those of longer texts cut, a
    first kernel for other channels is summed or repeated, a classifier for other classes stays
    fresh, and top layers that the target lacks are left out. Each is said once, in one line.

    Args:
        source, target: `CCT` models that differ in images, length, classes, top or activation
            only. Other numbers of heads go unnoticed: the shapes are the same, the meaning is
            not.

    Raises:
        ValueError: listing the weights that do not fit, or for models of other words; the
            target is then as it was.
    """
    check_words(source.config, target.config, f"The weights of {source.name!r}")
    found = {
        name: ops.convert_to_numpy(ops.cast(variable, "float32"))
        for name, (variable, _) in variable_names(source).items()
    }
    assign(*match_arrays(target, variable_names(target), found, top=TOP, grid=source.config.grid))
