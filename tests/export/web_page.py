"""Checks the page for the browser in headless Chromium, and prints its figures.

    pip install playwright
    python -m tests.export.web_page cct_2_3x2_32.cifar10
    python -m tests.export.web_page cct_2_3x2_32.cifar10 --runtime onnx --screenshots shots

Needs Chromium or Chrome (--browser), playwright (which drives it; `playwright install` is not
needed), the packages of the export, and internet access for two downloads from registry.npmjs.org:
the runtime, and axe-core, which checks the page for people who use a screen reader or a keyboard.
SOURCE may be any model for `cctzoo export`, or `text`, a small text model with random weights.

The script fails unless

- each class of each lossless picture, or each text, has the probability that `cctzoo.predict`
  gives for the same file in the page's folder, within 1e-4; the words of a text have the saliency
  of `analysis.word_saliency`;
- the browser asks no other host, and reports no error and no violation of the page's policy;
- a picture can be chosen, and a head selected, by keyboard alone;
- the camera, a dropped and a pasted picture are classified;
- axe-core finds no violation, with 1280 and 390 pixels of width, in light and in dark colours.
"""

import argparse
import tempfile
import threading
from pathlib import Path

import keras

from cctzoo import export, models, runs
from cctzoo.export.web_runtime import REGISTRY
from cctzoo.web_server import PageServer
from tests.export import web_checks as checks
from tests.export.sample import spread
from tests.export.web_pictures import write_pictures
from tests.export.web_visit import Visit

FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def main() -> None:
    options = parse_arguments()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary, "page")
        pictures = write_pictures(Path(temporary))
        pictures += sorted(options.pictures.glob("*.png")) if options.pictures else []
        model = text_model() if options.source == "text" else runs.open_model(options.source)
        print(export.to_web(model, folder, options.runtime, runtime_files=options.runtime_files))
        browser = playwright.chromium.launch(executable_path=options.browser, args=FLAGS)
        with PageServer(folder, 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            visit = Visit(browser, server.url)
            print(f"Chromium {browser.version}, {options.source}, {options.runtime}")
            if model.config.kind == "texts":
                checks.check_texts(visit, model, folder)
            else:
                checks.check_pictures(visit, folder, pictures)
                checks.check_keyboard(visit, pictures[1])
                checks.check_other_ways(visit, pictures[1])
            checks.print_sizes(visit, folder)
            checks.check_accessibility(visit, browser, pictures[1], options.screenshots)
            visit.check_quiet()
            server.shutdown()
        browser.close()
    print("All checks passed")


def text_model():
    keras.utils.set_random_seed(0)
    words = models.Vocabulary.fit(checks.TEXTS, size=20).words
    names = ("negative", "positive")
    model = models.text_cct_2_k4(vocabulary=words, length=24, classes=2, class_names=names)
    return spread(model, 5)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("source", help="a model, or `text`")
    add("--runtime", choices=("litert", "onnx"), default="litert", help="(litert)")
    add("--runtime-files", type=Path, help=f"folder with the npm packages (from {REGISTRY})")
    add("--browser", default="/usr/bin/chromium", help="Chromium or Chrome (/usr/bin/chromium)")
    add("--pictures", type=Path, help="folder with PNG files to compare as well")
    add("--screenshots", type=Path, help="folder for pictures of every layout")
    return parser.parse_args()


if __name__ == "__main__":
    main()
