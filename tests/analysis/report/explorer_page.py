"""Checks the page of an analysis in headless Chromium, and prints its figures.

    pip install playwright
    python -m tests.analysis.report.explorer_page largest
    python -m tests.analysis.report.explorer_page texts runs/MY_RUN/heads --screenshots shots
    python -m tests.analysis.report.explorer_page runs/A/heads+runs/B/heads

Each SOURCE is the folder of a saved analysis; two folders joined by + for a page that compares
them; `largest`, a report with made-up figures for 7 blocks of 64 heads, 100 classes and 200 images
of 32 x 32 pixels; or `texts`, a small report of texts with made-up figures.

Needs what `tests.browser` needs. The script fails unless

- the browser asks no other file or host, and reports no error or violation of the page's policy;
- block, head, label, slider, charts and tables can be reached and used by keyboard alone;
- axe-core finds no violation, and the page does not scroll sideways, with 1280 and 390 pixels of
  width, in light and in dark colours, before and after use;
- the largest report has less than 5 MB.
"""

import argparse
import tempfile
import time
from pathlib import Path

from cctzoo import analysis
from tests.analysis.report.sample_report import sample_report
from tests.browser import check_file, require

READY = "#main[data-ready]"
MOST_BYTES = 5e6
LARGEST = {
    "blocks": range(7),
    "heads": 64,
    "classes": 100,
    "width": 4,
    "samples": 200,
    "grid": (16, 16),
    "pixels": (32, 32, 3),
}


def main() -> None:
    options = parse_arguments()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.browser, args=("--no-sandbox",)
        )
        print(f"Chromium {browser.version}")
        for i, source in enumerate(options.sources):
            path = Path(temporary, f"{i}_{source.split('+')[0].strip('/').replace('/', '_')}.html")
            make_page(source, path, Path(temporary, str(i)))
            check_file(browser, path, READY, use, options.screenshots)
        browser.close()
    print("All checks passed")


def make_page(source, path, folder):
    if source in ("largest", "texts"):
        changes = LARGEST if source == "largest" else {"texts": True, "samples": 30}
        sample_report(source, **changes).save(folder, pictures=False)
        folders = [folder]
    else:
        folders = source.split("+")
    started = time.perf_counter()
    analysis.write_page(path, folders)
    seconds, size = time.perf_counter() - started, path.stat().st_size
    print(f"{source}: made from its folder in {seconds:.1f} s")
    require(len(folders) > 1 or size < MOST_BYTES, f"the page has {size} bytes")


def use(tab):
    """Chooses a head, a label, a point and a row by keyboard, and moves the slider."""
    page = tab.page
    reach(page, "select[id^=view][id$=block]")
    page.keyboard.press("Home")
    require(page.inner_text("nav span").startswith("Block "), "the bar must name the block")
    reach(page, "select[id^=view][id$=head]")
    head = page.inner_text("nav span")
    page.keyboard.press("ArrowDown")
    require(page.inner_text("nav span") != head, "a key did not choose a head")
    reach(page, "canvas.matrix")
    before = page.inner_text("nav span")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    require(page.inner_text("nav span") != before, "Enter on the map did not choose a head")
    reach(page, ".chip", or_absent=True)
    reach(page, "select[id^=label]")
    page.keyboard.press("ArrowDown")
    name = page.evaluate("document.activeElement.value")
    page.wait_for_selector(f"caption:has-text('Heads that recognise {name}:')")
    reach(page, "#scatter svg")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    said = page.inner_text("#scatter .readout")
    require(said.startswith("Head "), f"the points say {said!r}")
    number, block = said.split(" of block ")
    chosen = f"Block {block.split(':')[0]}, {number.lower()}"
    require(page.inner_text("nav span") == chosen, "Enter on a point did not choose a head")
    reach(page, "#kept input[type=range]")
    kept = page.inner_text("#kept output")
    page.keyboard.press("ArrowLeft")
    require(page.inner_text("#kept output") != kept, "a key did not move the slider")
    reach(page, "#all th button")
    page.keyboard.press("Enter")
    require(page.locator("#all th[aria-sort]").count() >= 1, "Enter did not sort the table")
    reach(page, "#all td button")
    page.keyboard.press("Enter")


def reach(page, selector, or_absent=False):
    """Presses Tab until an element of the selector has the focus."""
    if or_absent and not page.locator(selector).count():
        return
    for _ in range(2000):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    require(False, f"Tab does not reach {selector}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="`largest`, `texts`, or folders")
    add("--browser", default="/usr/bin/chromium", help="Chromium or Chrome (/usr/bin/chromium)")
    add("--screenshots", type=Path, help="folder for pictures of every layout")
    return parser.parse_args()


if __name__ == "__main__":
    main()
