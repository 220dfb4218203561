"""Figures of matplotlib: made without a display, saved atomically, with names as they are."""

from typing import TYPE_CHECKING

from cctzoo.formats.atomic import atomic_file
from cctzoo.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # `import cctzoo` must not load it

LONGEST = 40  # characters of a name: a longer one would leave no room for the plot


def new_figure(width: float, height: float) -> "Figure":
    """Returns a figure of this size in inches."""
    from matplotlib.figure import Figure  # without pyplot, which may look for a display

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: PathLike, dpi: int = 150) -> None:
    """Writes a figure as PNG, or in the format of the suffix."""
    with atomic_file(path) as draft:
        figure.savefig(draft, dpi=dpi)


def as_label(name: str, longest: int = LONGEST) -> str:
    """A name from data as the text of a plot.

    Matplotlib would take dollar signs for formulas, and has no glyphs for control characters.
    """
    plain = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)
    if len(plain) > longest:
        plain = plain[: longest - 1] + "…"
    return plain.replace("$", r"\$")
