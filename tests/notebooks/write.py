"""Writes the .ipynb of each notebook from its .py, executed in a kernel of its own.

    pip install -c constraints.txt -e ".[notebooks]"
    python -m tests.notebooks.write                     # all of them: ten minutes
    python -m tests.notebooks.write 3                   # those that start with 3
    python -m tests.notebooks.write 3 --text            # keeps the outputs; the code is unchanged
    python -m tests.notebooks.write --repository https://github.com/NAME/cctzoo

The installation for Colab is not run. Every other cell is, as a reader would run it: a cell that
raises an error ends the script, and nothing is written. Text that a cell writes to the standard
error (the start messages of TensorFlow) is left out.

--repository writes another address of the repository into the links of the notebooks and of the
pages that lead to them, and executes nothing.
"""

import argparse
import base64
import io
import re
import tempfile
import time

import nbformat
from PIL import Image

from tests.notebooks.files import FOLDER, SOURCES, from_source, program, stored

ADDRESS = re.compile(r"github(\.com)?/(?P<name>[\w.-]+/cctzoo)\b")
LINKING = (
    *SOURCES,
    *(source.with_suffix(".ipynb") for source in SOURCES),
    FOLDER.parent / "README.md",
    *(FOLDER.parent / "docs").rglob("*.md"),
)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[""], help="how the file names start (all)")
    parser.add_argument("--text", action="store_true", help="keep the stored outputs")
    parser.add_argument("--repository", help="address of the repository, for the links")
    options = parser.parse_args()
    if options.repository:
        move_to(options.repository)
        return
    for source in SOURCES:
        if source.name.startswith(tuple(options.names)):
            notebook = from_source(source)
            start = time.monotonic()
            (keep_outputs if options.text else execute)(notebook, source)
            seconds = time.monotonic() - start
            path = source.with_suffix(".ipynb")
            nbformat.write(notebook, path)
            print(f"{path.name}: {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} kB", flush=True)


def keep_outputs(notebook, source):
    """Takes the outputs of the stored notebook.

    Raises:
        ValueError: if its code is another one.
    """
    cells, old = (
        [cell for cell in each.cells if cell.cell_type == "code"]
        for each in (notebook, stored(source))
    )
    if [cell.source for cell in cells] != [cell.source for cell in old]:
        raise ValueError(
            "`--text` needs a notebook whose code has not changed since it was executed. "
            f"Received: {source.name}"
        )
    for cell, before in zip(cells, old, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count


def execute(notebook, _):
    """Runs the cells in a kernel, in an empty folder, and stores their outputs in them."""
    import nbclient  # the tests import this file and need no kernel

    texts = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = program(cell)
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook, timeout=3000, resources={"metadata": {"path": folder}}
        )
        client.execute()
    for cell, text in zip(notebook.cells, texts, strict=True):
        cell.source = text
        cell.metadata.pop("execution", None)  # the times of this run
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                shrink(output)


def shrink(output):
    """Stores the picture of an output with a palette of 256 colours, half of the bytes."""
    if "image/png" in output.get("data", {}):
        picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
        file = io.BytesIO()
        picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT).save(
            file, "PNG", optimize=True
        )
        output.data["image/png"] = base64.b64encode(file.getvalue()).decode()


def move_to(repository):
    """Writes the address of the repository into all links.

    Raises:
        ValueError: if it is not an address on GitHub, which is what Colab opens.
    """
    found = re.fullmatch(r"https://github\.com/([\w.-]+/cctzoo)", repository)
    if found is None:
        raise ValueError(
            "--repository must be https://github.com/NAME/cctzoo. "
            f"Received: repository={repository!r}"
        )
    for path in LINKING:
        text = path.read_text()
        moved = ADDRESS.sub(lambda match: f"github{match[1] or ''}/{found[1]}", text)
        if moved != text:
            path.write_text(moved)
            print(path.relative_to(FOLDER.parent))


if __name__ == "__main__":
    main()
