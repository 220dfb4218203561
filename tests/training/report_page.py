"""Checks the pages of runs, and of a check of labels, in headless Chromium; prints their figures.

    pip install playwright
    python -m tests.training.report_page
    python -m tests.training.report_page runs/MY_RUN runs/MY_COMMITTEE --shots shots

Needs what `tests/browser.py` needs. Without a directory, a few epochs are trained on digits and on
sentences, and the labels of digits are checked. The script fails unless, with 1280 and 390 pixels
of width, in light and in dark colours,

- axe-core finds no violation, and the page does not scroll sideways;
- the page asks no host, and reports no error and no violation of its policy;
- the keyboard reaches the matrix, and Enter shows the samples of a cell; a click does the same;
- the tables sort.
"""

import tempfile
from pathlib import Path

from cctzoo import training
from cctzoo.commands.main import main as command
from cctzoo.training.report.labels import LABEL_PAGE
from tests.browser import check_file, focus_by_tab, page_arguments, require
from tests.training.few import few_digits

READY = "#main[data-ready]"


def main():
    options = page_arguments(__doc__, "of runs or committees (two short runs)")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folders = options.directories or made_runs(Path(temporary))
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        print(f"Chromium {browser.version}")
        for folder in folders:
            shots = options.shots and options.shots / folder.name
            if (folder / LABEL_PAGE).exists():
                check_file(browser, folder / LABEL_PAGE, READY, shots=shots)
            else:
                check_file(browser, folder / "report.html", READY, use, shots)
        browser.close()
    print("All checks passed")


def made_runs(folder):
    """Trains a model that errs often, on images, and one on texts."""
    digits = few_digits(train_samples=600, test_samples=None, epochs=4)
    training.train(digits, folder / "images")
    recipe = training.preset("docstrings", epochs=1, warmup_epochs=0, train_samples=500)
    training.train(recipe, folder / "texts")
    words = ["--folds", "2", "--epochs", "3", "--warmup-epochs", "1", "--train-samples", "600"]
    command(["check-labels", "--directory", str(folder / "labels"), *words])
    return [folder / "images", folder / "texts", folder / "labels"]


def use(tab):
    """Chooses cells of the matrix by keyboard and by a click, and sorts a table."""
    page = tab.page
    focus_by_tab(page, "mistakes", presses=60)
    page.keyboard.press("Space")
    require(page.get_attribute("#mistakes", "aria-pressed") == "true", "the button is not pressed")
    focus_by_tab(page, "matrix", "className")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    heading = page.inner_text(".chosen-pair h3")
    readout = page.inner_text("section:has(canvas.matrix) .readout")
    require(readout.startswith(heading), f"the cell is {readout!r}, the samples {heading!r}")
    canvas = page.locator("canvas.matrix")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] - 3, "y": box["height"] - 3})
    clicked = page.inner_text(".chosen-pair h3")
    require(clicked != heading, f"a click did not change {heading!r}")
    head = page.locator("section:has(h2:text-is('Classes')) th button").first
    head.focus()
    page.keyboard.press("Enter")
    order = head.locator("..").get_attribute("aria-sort")
    require(order == "ascending", f"the table is sorted {order!r}")


if __name__ == "__main__":
    main()
