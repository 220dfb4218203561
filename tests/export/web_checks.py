"""What the page must do, each check on a `Visit`; `web_page.py` lists them."""

import statistics
import time

import numpy as np

import cctzoo
from cctzoo import analysis
from cctzoo.runtimes import load_runner
from tests.browser import AXE, LAYOUTS, focus_by_tab, require
from tests.export.web_pictures import LOSSY
from tests.export.web_visit import Visit

TOLERANCE = 1e-4
TEXTS = (
    "This is a very good film!",
    "boring",
    "The story: not bad, but VERY sad ... 猫 in the movie " * 5,
    "a\u200bgreat\tmovie ΟΔΟΣ Σ",
)
RUNS = 30


def check_pictures(visit, folder, paths):
    exported = exported_file(folder)
    if visit.page.locator("#resized").is_visible():
        visit.page.check("#resized")  # as `resize=True` below
    worst = {}
    for path in paths:
        (expected,) = cctzoo.predict(exported, path, top=None, resize=True)
        found = visit.choose(path)
        difference = largest_difference(found, expected)
        worst[path.name] = difference
        require(
            path.name in LOSSY or difference < TOLERANCE,
            f"{path.name}: the probabilities differ by {difference:.2g}",
        )
    lossless = {name: value for name, value in worst.items() if name not in LOSSY}
    print(
        f"Probabilities of {len(lossless)} lossless pictures: at most "
        f"{max(lossless.values()):.1e} from cctzoo.predict; "
        + ", ".join(f"{name} {worst[name]:.1e}" for name in LOSSY)
    )
    milliseconds = [timing(visit, visit.choose, paths[0]) for _ in range(RUNS)]
    print_latency(milliseconds, exported, np.zeros)


def check_texts(visit, model, folder):
    exported = exported_file(folder)
    worst, worst_share = 0.0, 0.0

    def write(text):
        visit.clear()
        visit.page.fill("#text", text)
        return visit.answers(("Model", "Attention maps"))

    for text in TEXTS:
        (expected,) = cctzoo.predict(exported, [text], top=None)
        worst = max(worst, largest_difference(write(text), expected))
        (saliency,) = analysis.word_saliency(model, [text])
        spans = visit.page.evaluate(
            "[...document.querySelectorAll('#words [data-share]')]"
            ".map(each => [each.textContent.toLowerCase(), Number(each.dataset.share)])"
        )
        require([word for word, _ in spans] == [word for word, _ in saliency], f"words {spans}")
        pairs = zip(spans, saliency, strict=True)
        worst_share = max(worst_share, *(abs(a[1] - b[1]) for a, b in pairs))
    require(worst < TOLERANCE, f"the probabilities differ by {worst:.2g}")
    require(worst_share < TOLERANCE, f"the shares of the words differ by {worst_share:.2g}")
    print(f"{len(TEXTS)} texts: probabilities at most {worst:.1e} from cctzoo.predict, saliency")
    print(f"of the words at most {worst_share:.1e} from analysis.word_saliency")
    milliseconds = [timing(visit, write, TEXTS[i % 2]) for i in range(RUNS)]
    print_latency(milliseconds, exported, np.ones)


def exported_file(folder):
    (path,) = (path for path in folder.glob("model.*") if path.suffix != ".json")
    return path


def largest_difference(found, expected):
    known = dict(zip(expected.classes, expected.probabilities, strict=True))
    require(found.keys() == known.keys(), f"classes {sorted(found)}")
    return max(abs(found[name] - known[name]) for name in known)


def timing(visit, act, sample):
    act(sample)
    text = visit.page.inner_text("#timing").replace("\u00a0", " ")
    return float(text.split("Model ")[1].split(" ms")[0])


def print_latency(milliseconds, exported, fill):
    run = load_runner(exported)
    sample = fill((run.batch or 1, *run.sample_shape), run.dtype)
    native = []
    for _ in range(RUNS + 5):
        started = time.perf_counter()
        run(sample)
        native.append(1e3 * (time.perf_counter() - started))
    print(
        f"Model in Chromium {statistics.median(milliseconds):.2f} ms, {type(run).__name__} with "
        f"one thread {statistics.median(native[5:]):.2f} ms (medians of {RUNS})"
    )


def print_sizes(visit, folder):
    loaded = {url.removeprefix(visit.url) or "index.html" for url in visit.requests}
    files = {name: (folder / name).stat().st_size for name in loaded if (folder / name).is_file()}
    ranked = sorted(files, key=files.__getitem__, reverse=True)
    largest = ", ".join(f"{name} {files[name] / 1e6:.2f} MB" for name in ranked[:4])
    print(f"Loaded: {len(files)} files, {sum(files.values()) / 1e6:.2f} MB ({largest}); the page")
    print(f"was ready after {visit.seconds:.1f} s")


def check_keyboard(visit, path):
    """Tab to the button for pictures, Space opens the dialog; arrows choose a head."""
    page = visit.page
    page.reload()
    page.wait_for_selector("#content:not([hidden])")
    if page.locator("#resized").is_visible():
        page.check("#resized")
        page.evaluate("document.activeElement.blur()")
    focus_by_tab(page, "files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(str(path))
    visit.answers(("Model", "Attention maps"))
    focus_by_tab(page, "view", "name")
    before = page.evaluate("document.getElementById('picture').toDataURL()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    require(label.startswith("Block "), f"the arrows reached {label!r}")
    after = page.evaluate("document.getElementById('picture').toDataURL()")
    require(before != after, "choosing a head did not change the picture")
    print(f"Keyboard: a picture was chosen, and then the head {label!r}")


def check_other_ways(visit, path):
    """A dropped and a pasted picture, a file that is no picture, and the camera."""
    page = visit.page
    for kind, target in (("drop", "DragEvent"), ("paste", "ClipboardEvent")):
        visit.clear()
        data = "dataTransfer" if kind == "drop" else "clipboardData"
        page.evaluate(
            f"""bytes => {{
                const {data} = new DataTransfer();
                const file = new File([new Uint8Array(bytes)], "a.png", {{ type: "image/png" }});
                {data}.items.add(file);
                document.body.dispatchEvent(new {target}("{kind}", {{ {data}, bubbles: true }}));
            }}""",
            list(path.read_bytes()),
        )
        visit.answers()
    page.set_input_files("#files", {"name": "a.txt", "mimeType": "", "buffer": b"<b>no</b>"})
    page.wait_for_selector("#problem:has-text('a.txt: The browser cannot read this file')")
    visit.clear()
    page.click("#camera")
    visit.answers(("Model", "Attention maps"))
    page.click("#camera")
    page.wait_for_selector("#camera[aria-pressed=false]")
    print("A dropped picture, a pasted one and the camera were classified")


def check_accessibility(visit, browser, picture, folder):
    """axe-core on every layout; screenshots, if a folder is given."""
    count = 0
    for scheme, width, height in LAYOUTS:
        size = {"width": width, "height": height}
        each = Visit(browser, visit.url, viewport=size, color_scheme=scheme)
        for state in ("empty", "answer"):
            if state == "answer" and each.page.locator("#text").is_visible():
                each.page.fill("#text", TEXTS[0])
            elif state == "answer":
                if each.page.locator("#resized").is_visible():
                    each.page.check("#resized")
                each.choose(picture)
            if state == "answer":
                each.answers(("Model", "Attention maps"))
                each.page.wait_for_timeout(500)  # of the bars' transition
            name = f"{scheme}_{width}_{state}"
            count += each.check_accessibility(name)
            if folder:
                folder.mkdir(exist_ok=True)
                each.page.screenshot(path=folder / f"{name}.png", full_page=True)
        each.check_quiet()
        each.page.context.close()
    print(f"axe-core {AXE.version}: {count} checks passed, no violation, in 8 layouts")
