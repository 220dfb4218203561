"""Headless Chromium for the checks of pages: axe-core, layouts, requests and errors.

Needs Chromium or Chrome, playwright (`pip install playwright`; it only drives the browser) and
internet access for one download of axe-core from registry.npmjs.org.
"""

import argparse
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from cctzoo.export.web_runtime import Package, check_integrity
from cctzoo.formats.cache import cache_folder
from cctzoo.weights.download import download

AXE = Package(
    name="axe-core",
    version="4.14.1",
    size=708_405,
    sha256="e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    integrity=(
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVG"
        "tQ=="
    ),
    files={"package/axe.min.js": "axe.min.js"},
)
LAYOUTS = [
    (scheme, width, height)
    for scheme in ("light", "dark")
    for width, height in ((1280, 800), (390, 844))
]


class Tab:
    """A tab with a page, and everything that it asked for and reported.

    Args:
        browser: a browser of playwright.
        url: address of the page; the page may ask for addresses that begin with it.
        ready: CSS selector of an element that is visible once the page is complete.
        options: of playwright's `new_context`.
    """

    def __init__(self, browser, url, ready, **options):
        self.url, self.requests, self.problems = url, [], []
        self.page = browser.new_context(**options).new_page()
        self.page.on("request", lambda request: self.note_request(request.url))
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        started = time.perf_counter()
        self.page.goto(url)
        self.page.wait_for_selector(ready, timeout=120_000)
        self.seconds = time.perf_counter() - started

    def note(self, message):
        if message.type == "error":
            self.problems.append(message.text)

    def note_request(self, url):
        self.requests.append(url)
        if not url.startswith((self.url, "blob:", "data:")):
            self.problems.append(f"a request to {url}")

    def check_quiet(self):
        require(not self.problems, f"the page reported {self.problems}")

    def check_accessibility(self, state) -> int:
        """Fails if axe-core finds a violation; returns the number of its checks that passed."""
        self.page.evaluate(axe())
        found = self.page.evaluate("axe.run()")
        names = [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]]
        require(not names, f"axe-core, {state}: {names}")
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        width = self.page.viewport_size["width"]
        require(wide <= width, f"{state}: the page is {wide} pixels wide, the window {width}")
        return len(found["passes"])


def check_file(
    browser, path: Path, ready: str, act: Callable | None = None, shots: Path | None = None
) -> None:
    """Opens a page in a file in all layouts, checks each and prints the figures.

    Args:
        browser, ready: as in `Tab`.
        path: the HTML file.
        act: called with the `Tab` for what a visitor does; the page is checked before and after.
        shots: a folder for screenshots.
    """
    passed, seconds = 0, []
    for scheme, width, height in LAYOUTS:
        size = {"width": width, "height": height}
        tab = Tab(browser, path.as_uri(), ready, viewport=size, color_scheme=scheme)
        seconds.append(tab.seconds)
        for state in ("opened", "used") if act else ("opened",):
            if state == "used":
                act(tab)
            name = f"{scheme}_{width}_{state}"
            passed += tab.check_accessibility(name)
            if shots:
                shots.mkdir(exist_ok=True, parents=True)
                tab.page.screenshot(path=shots / f"{path.stem}_{name}.png", full_page=True)
        tab.check_quiet()
        tab.page.context.close()
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, opened in {min(seconds):.2f} to "
        f"{max(seconds):.2f} s; axe-core {AXE.version}: {passed} checks passed, no violation, in "
        f"{len(LAYOUTS)} layouts; no request to a host, no error"
    )


def page_arguments(description: str, directories: str) -> argparse.Namespace:
    """Reads the command line of a script that checks pages.

    Args:
        description: of the script.
        directories: help for the directories that hold the pages.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("directories", nargs="*", type=Path, help=directories)
    add("--browser", default="/usr/bin/chromium", help="Chromium or Chrome (/usr/bin/chromium)")
    add("--shots", type=Path, help="folder for screenshots")
    return parser.parse_args()


def focus_by_tab(page, wanted, attribute="id", presses=20):
    """Presses Tab until an element has the focus whose attribute has this value."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.{attribute}") == wanted:
            return
    require(False, f"Tab does not reach {wanted}")


def axe():
    """The source of axe-core."""
    path = download(AXE.url, cache_folder() / "npm" / AXE.tarball, AXE.sha256, AXE.size)
    check_integrity(AXE, path)
    with tarfile.open(path) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def require(holds, message):
    if not holds:
        sys.exit(f"error: {message}")
