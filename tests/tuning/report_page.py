"""Checks the page of a search in headless Chromium, and prints its figures.

    pip install playwright
    python -m tests.tuning.report_page
    python -m tests.tuning.report_page runs/MY_SEARCH --shots shots

Needs what `tests/browser.py` needs. Without a directory, the page is that of an invented search
with 60 trials, some of them over the budget or failed. The script fails unless, with 1280 and 390
pixels of width, in light and in dark colours,

- axe-core finds no violation, and the page does not scroll sideways;
- the page asks no host, and reports no error and no violation of its policy;
- the keyboard reaches the chart, the arrows read the architectures, and Enter shows one of them; a
  row of the table does the same;
- the tables sort.
"""

import dataclasses
import tempfile
from pathlib import Path

from tests.browser import check_file, focus_by_tab, page_arguments, require
from tests.training.report_page import READY
from tests.tuning.made_up import make_plan
from tests.tuning.planted import SPACE, planted_records
from tuning.page import PAGE, write_page
from tuning.plan import LatencyObjective


def main():
    options = page_arguments(__doc__, "of searches (an invented one)")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folders = options.directories or [invented_search(Path(temporary) / "invented")]
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        print(f"Chromium {browser.version}")
        for folder in folders:
            shots = options.shots and options.shots / folder.name
            check_file(browser, folder / PAGE, READY, use, shots)
        browser.close()
    print("All checks passed")


def invented_search(directory):
    """Writes the records and the page of a search, and returns its directory."""
    objective = LatencyObjective(budget_ms=5.0)
    plan = make_plan(directory, space=SPACE, objective=objective, trials=60)
    for i, record in enumerate(planted_records(60, 0.02, seed=0)):
        if i % 9 == 0:
            record = dataclasses.replace(
                record, status="failed", reason="RuntimeError: no kernel", accuracy=None, score=None
            )
        elif record.latency_ms > objective.budget_ms:
            reason = f"{record.latency_ms:.3f} ms, the budget is {objective.budget_ms:g} ms"
            over = {"status": "over budget", "reason": reason, "accuracy": None, "score": -0.02}
            record = dataclasses.replace(record, **over)
        folder = directory / "trials" / f"trial_{record.trial}"
        folder.mkdir(parents=True)
        record.save(folder)
    write_page(plan, directory, [{"trial": "001", "test_accuracy": 0.9}])
    return directory


def use(tab):
    """Chooses trials by keyboard in the chart and in the table, and sorts the table."""
    page = tab.page
    focus_by_tab(page, "application", "role")
    for key in ("Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    readout = page.inner_text(".readout")
    trial = page.inner_text(".trial h3")
    require(readout.startswith(trial), f"the chart reads {readout!r}, shown is {trial!r}")
    table = page.locator("section:has(h2:text-is('Trials'))")
    row = table.locator("td button").last
    row.focus()
    page.keyboard.press("Enter")
    wanted = f"Trial {row.inner_text()}"
    require(page.inner_text(".trial h3") == wanted, f"the table does not show {wanted}")
    head = table.locator("th button").first
    head.focus()
    page.keyboard.press("Enter")
    order = head.locator("..").get_attribute("aria-sort")
    require(order == "ascending", f"the table is sorted {order!r}")


if __name__ == "__main__":
    main()
