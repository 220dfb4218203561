"""The README, the documentation and the docstrings: their code runs, and their claims hold.

The Python blocks of a page run in order, in one namespace and a temporary folder. A block that
cannot run stands behind a line `<!-- not run: REASON -->`.
"""

import importlib
import inspect
import re
import runpy
import shlex
import sys
import textwrap
from pathlib import Path

import pytest

from cctzoo.commands.main import COMMANDS, HELP
from cctzoo.models.variants import VARIANTS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = (
    *("models", "layers", "data", "training", "weights", "export", "latency", "analysis", "runs"),
    "prediction",
)
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+) -->\n)?"
    r"(?P<indent> *)```(?P<language>python|sh)\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
SCRIPT = re.compile(r"(?:recipes|tuning)/[\w/]+\.py")
MOST_NOT_RUN = 2  # blocks of all pages together
ALIKE = set(VARIANTS) - {"cct_lsmha", "text_cct_2_k2"}  # examples that differ only in the name

pytestmark = pytest.mark.one_backend("torch")  # which compiles nothing
tensorflow_only = pytest.mark.one_backend("tensorflow")  # exports without a child process


def blocks(text, language):
    """(line number, code, reason not to run it or None) of each block of a language."""
    return [
        (text.count("\n", 0, block.start("code")), textwrap.dedent(block["code"]), block["reason"])
        for block in BLOCK.finditer(text)
        if block["language"] == language
    ]


def run_blocks(found, name):
    namespace = {"__name__": "__main__"}
    for line, code, reason in found:
        if reason is None:
            exec(compile("\n" * line + code, name, "exec"), namespace)


def cases(texts):
    """The keys of `texts` as parameters: exports run under TensorFlow, the rest under PyTorch."""
    found = []
    for key, text in texts.items():
        exports = any("export" in code for _, code, _ in blocks(text, "python"))
        name = str(key.relative_to(ROOT)) if isinstance(key, Path) else key
        found.append(pytest.param(key, marks=[tensorflow_only] if exports else [], id=name))
    return found


def public_names(module):
    """`__all__`, or what a module without it defines under a name without an underscore."""
    own = [name for name, value in vars(module).items() if _defines(module, name, value)]
    return getattr(module, "__all__", own)


def _defines(module, name, value):
    return not name.startswith("_") and getattr(value, "__module__", None) == module.__name__


def public_objects():
    """The public functions and classes of the rooms that have an example, by full name."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"cctzoo.{room}")
        for name in sorted(set(public_names(module)) - ALIKE):
            text = inspect.getdoc(getattr(module, name))
            if text and blocks(text, "python") and text not in found.values():
                found[f"cctzoo.{room}.{name}"] = text
    return found


EXAMPLES = public_objects()
TEXTS = {page: page.read_text() for page in PAGES if blocks(page.read_text(), "python")}


@pytest.mark.parametrize("page", cases(TEXTS))
def test_python_blocks_of_pages_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(blocks(TEXTS[page], "python"), str(page))


@pytest.mark.parametrize("name", cases(EXAMPLES))
def test_examples_of_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(blocks(EXAMPLES[name], "python"), name)


def test_the_most_used_functions_have_examples():
    assert len(EXAMPLES) >= 10


def test_few_blocks_are_not_run():
    reasons = [reason for page in PAGES for *_, reason in blocks(page.read_text(), "python")]
    assert sum(reason is not None for reason in reasons) <= MOST_NOT_RUN


def commands():
    """(page, script, its flags) of each command of the pages that runs a script."""
    found = set()
    for page in PAGES:
        for _, code, _ in blocks(page.read_text(), "sh"):
            for line in code.replace("\\\n", " ").splitlines():
                if script := SCRIPT.search(line):
                    words = shlex.split(line[script.end() :], comments=True)
                    flags = frozenset(word for word in words if re.match(r"--[a-z]", word))
                    found.add((str(page.relative_to(ROOT)), script[0], flags))
    return sorted(found, key=str)


@pytest.mark.parametrize("script", sorted({script for _, script, _ in commands()}))
def test_commands_of_pages_use_flags_that_exist(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    monkeypatch.setattr(sys, "path", [str((ROOT / script).parent), *sys.path])
    with pytest.raises(SystemExit):
        runpy.run_path(str(ROOT / script), run_name="__main__")
    known = set(re.findall(r"--[a-z][\w-]*", capsys.readouterr().out))
    for page, named, flags in commands():
        if named == script:
            assert flags <= known, f"{page}: {script} has no {sorted(flags - known)}"


def test_cctzoo_commands_of_pages_exist_and_have_their_flags():
    """Compared with the stored help, which equals that of the parsers."""
    found = 0
    for page in PAGES:
        for _, code, _ in blocks(page.read_text(), "sh"):
            for line in code.replace("\\\n", " ").splitlines():
                command = re.search(r"\bcctzoo ([a-z-]+)(.*)", line)
                if command is None or command[1].startswith("-"):
                    continue
                assert command[1] in COMMANDS, f"{page}: {line}"
                known = set(re.findall(r"--[a-z][\w-]*", (HELP / f"{command[1]}.txt").read_text()))
                words = shlex.split(command[2], comments=True)
                flags = {word for word in words if re.match(r"--[a-z]", word)}
                assert flags <= known, f"{page}: {command[1]} has no {sorted(flags - known)}"
                found += 1
    assert found > 30


@pytest.mark.parametrize("room", ROOMS)
def test_reference_names_the_whole_public_api(room):
    page = (ROOT / "docs" / "reference" / f"{room}.md").read_text()
    documented = set(re.findall(rf"^::: cctzoo\.{room}\.(\w+)$", page, re.MULTILINE))
    module = importlib.import_module(f"cctzoo.{room}")
    assert documented == set(public_names(module)) - set(VARIANTS)


def test_readme_is_short_and_states_the_parameters_of_its_models():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 120
    rows = re.findall(r"^\| `(\w+)`.*?\| ([\d.]+) M \|", text, re.MULTILINE)
    assert len(rows) == 8
    for name, millions in rows:
        assert millions == f"{VARIANTS[name].parameters / 1e6:.2f}"


def test_picture_of_the_readme_is_drawn_from_the_tables_of_the_benchmarks():
    draw = runpy.run_path(str(ROOT / "docs" / "images" / "draw_latency.py"))["draw"]
    models, prefixes = draw().axes
    heights = [round(bar.get_height(), 3) for bar in models.patches]
    assert heights == [1.0, 0.52, 1.89, 1.42, 0.117, 0.051]
    assert len(prefixes.patches) == 4 * 3  # prefixes, numbers of heads


@pytest.mark.parametrize(
    "page", sorted({*PAGES, *ROOT.glob("*.md")}), ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_to_files_hold(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", with_included_files(page)):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def with_included_files(page):
    """The text of a page; `--8<-- "CHANGELOG.md"` stands for the text of that file."""
    included = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
    return included.sub(lambda match: (ROOT / match[1]).read_text(), page.read_text())
