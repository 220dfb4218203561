"""Names of the classes that a model tells apart."""

from collections.abc import Sequence

from cctzoo.messages import shown


def check_class_names(names: Sequence[str] | None, classes: int) -> None:
    """Raises ValueError unless there is a name for each output.

    A model with one output may also have two names, of the decisions 0 and 1.
    """
    if names is None:
        return
    if not (isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)):
        raise ValueError(
            "`class_names` must be None or a sequence of names, each a str. "
            f"Received: class_names={shown(names)}"
        )
    if len(names) != classes and not (classes == 1 and len(names) == 2):
        raise ValueError(
            "`class_names` must hold one name for each class. "
            f"Received: {len(names)} names, classes={classes}"
        )
