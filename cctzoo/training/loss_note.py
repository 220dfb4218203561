"""Why a run's training loss and its validation loss are not the same quantity."""

from cctzoo.data import Augmentation
from cctzoo.training.recipe import Recipe

REGULARISERS = ("dropout", "attention_dropout", "stochastic_depth")


def loss_note(recipe: Recipe) -> str | None:
    """Returns a sentence that says what raises only the training loss; None if nothing does."""
    parts = []
    if recipe.label_smoothing:
        parts.append(f"label smoothing ({recipe.label_smoothing:g})")
    if recipe.augmentation.mixes:
        parts.append("images that are mixed and augmented")
    elif recipe.augmentation != Augmentation():
        parts.append("augmented images")
    if any(getattr(recipe.config(), name) for name in REGULARISERS):
        parts.append("dropout")
    if recipe.teacher:
        parts.append("the outputs of the teachers as targets")
    if recipe.class_weights:
        parts.append("class weights")
    if not parts:
        return None
    listed = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return (
        f"The training loss is computed with {listed}, the validation loss without. "
        "It may therefore lie above the validation loss; this is not a fault."
    )
