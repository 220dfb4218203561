"""The notebooks: both files of a pair are in step, links lead somewhere, and every cell runs.

The cells run in this process with fewer samples and epochs than a reader's.
`python -m tests.notebooks.write` runs them in a kernel, as they are.
"""

import ast
import base64
import re

import matplotlib
import pytest

from tests.notebooks.files import FOLDER, SOURCES, contents, from_source, program, stored
from tests.notebooks.write import ADDRESS, move_to

LARGEST = 200_000  # bytes of a notebook with its pictures
COLAB = "https://colab.research.google.com/github/{}/blob/main/notebooks/{}"
FEWER = {  # in place of the cell that is tagged "parameters"
    "1": {"EPOCHS": 2, "PRECISIONS": ["dynamic_int8"]},
    "2": {"PHOTOGRAPHS": 30, "EPOCHS": 2},
    "3": {"EPOCHS": 2, "TRAIN": 200, "TEST": 100},
    "4": {"BUDGET": 9, "TRIALS": 1, "PROXY_EPOCHS": 1, "EPOCHS": 6, "WIDTHS": [64]},
    "5": {"EPOCHS": 2, "TRAIN": 400},
}

torch_only = pytest.mark.one_backend("torch")  # compiles nothing
tensorflow_only = pytest.mark.one_backend("tensorflow")  # exports without a child process
every_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)


@torch_only
def test_there_are_five():
    assert [source.name[0] for source in SOURCES] == list(FEWER)
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {source.stem for source in SOURCES}


@torch_only
@every_notebook
def test_both_files_are_in_step(source):
    assert contents(stored(source)) == contents(from_source(source)), (
        f"python -m tests.notebooks.write {source.name[0]} writes the .ipynb again"
    )


@torch_only
@every_notebook
def test_stored_outputs_are_complete_and_small(source):
    assert source.with_suffix(".ipynb").stat().st_size < LARGEST
    counts = []
    for cell in stored(source).cells:
        if cell.cell_type != "code":
            continue
        counts.append(cell.execution_count)
        assert all(output.output_type != "error" for output in cell.outputs)
        pictures = [output.data["image/png"] for output in cell.outputs if "data" in output]
        assert len(pictures) == cell.source.count("plt.show()")
        for picture in pictures:
            assert base64.b64decode(picture).startswith(b"\x89PNG")
    # One run, from the first cell to the last, but for the installation.
    assert counts == [None, *range(1, len(counts))]


@torch_only
@every_notebook
def test_first_cells_open_colab_and_say_what_it_takes(source):
    first, install = from_source(source).cells[:2]
    name = ADDRESS.search(first.source)["name"]
    badge, title = first.source.splitlines()[0], first.source.splitlines()[2]
    assert f"]({COLAB.format(name, source.with_suffix('.ipynb').name)})" in badge
    assert title.startswith(f"# {source.name[0]}. ")
    assert re.search(r"\*\*What it takes\*\*: about \w+ minutes on two CPU cores", first.source)
    assert install.source.startswith("!")
    assert "\n" not in install.source
    assert f"https://github.com/{name} " in install.source
    extras = re.search(r"\./source\[([\w,]+)\]", install.source)[1].split(",")
    assert all(f"`{extra}`" in first.source for extra in ["torch", *extras])


@torch_only
@every_notebook
def test_last_cell_leads_to_the_next_notebook(source):
    following = SOURCES[(SOURCES.index(source) + 1) % len(SOURCES)]
    title = from_source(following).cells[0].source.splitlines()[2].removeprefix("# ")
    last = from_source(source).cells[-1].source
    assert f"**Next**: [{title}]({following.stem}.ipynb)" in last.replace("back to ", "")


@torch_only
@every_notebook
def test_the_readme_and_the_documentation_lead_to_it(source):
    name = source.with_suffix(".ipynb").name
    for page in ("README.md", "docs/notebooks.md"):
        assert f"notebooks/{name}" in (FOLDER.parent / page).read_text(), page


@torch_only
def test_all_links_name_one_repository():
    pages = [*SOURCES, FOLDER.parent / "README.md", FOLDER.parent / "docs" / "notebooks.md"]
    names = {found["name"] for page in pages for found in ADDRESS.finditer(page.read_text())}
    assert len(names) == 1
    with pytest.raises(ValueError, match=r"repository='https://example\.org/cctzoo'"):
        move_to("https://example.org/cctzoo")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            source,
            marks=tensorflow_only if source.name[0] == "4" else torch_only,  # it exports most often
            id=source.stem,
        )
        for source in SOURCES
    ],
)
def test_cells_run(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()) or plt.close("all"))
    fewer = FEWER[source.name[0]]
    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(from_source(source).cells):
        if cell.cell_type == "code":
            run(cell, f"{source.name}, cell {number}", namespace)
        if "parameters" in cell.metadata.get("tags", []):
            assert fewer.keys() <= namespace.keys()
            namespace |= fewer
    assert len(shown) >= 2
    assert all(figure.axes for figure in shown)


def run(cell, name, namespace):
    exec(compile(ast.parse(program(cell)), name, "exec"), namespace)
