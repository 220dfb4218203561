"""The notebooks as pairs of files: a `.py` to edit, and the `.ipynb` for Jupyter and Colab."""

from pathlib import Path

import jupytext
import nbformat

FOLDER = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(FOLDER.glob("[0-9]_*.py"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def from_source(source):
    """Returns the notebook of a `.py` file, without outputs and with the same ids every time."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def stored(source):
    """Returns the notebook in the `.ipynb` next to a `.py` file."""
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def contents(notebook):
    """The kind, text and tags of each cell: what both files must have in common."""
    return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]


def program(cell):
    """The Python code of a cell, without the installation by a shell."""
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("!"))
