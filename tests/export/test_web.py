"""The folder of the page: what it holds, what is refused, and what the page may do."""

import base64
import hashlib
import json
import re
import zipfile

import numpy as np
import pytest

from cctzoo import data, export, models
from cctzoo.export import ExportError, web
from cctzoo.export.web import PAGE, is_page, to_web
from cctzoo.export.web_runtime import PACKAGES
from cctzoo.models import soft_committee
from cctzoo.models.head_maps import head_maps
from cctzoo.runtimes import load_runner
from tests.export.test_web_runtime import DATA, package
from tests.models.small import images, predict, small_model

NAMES = ("<b>one</b>", "two", "three", "four", "five")
SCRIPTS = sorted((PAGE / "js").glob("*.js"))
torch_only = pytest.mark.one_backend("torch")


@pytest.fixture
def packages(monkeypatch, tmp_path):
    """A folder with the packages of a made-up runtime."""
    monkeypatch.setitem(PACKAGES, "litert", (package(DATA),))
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "scope-core-1.2.3.tgz").write_bytes(DATA)
    return folder


@pytest.mark.one_backend("tensorflow")  # which converts in this process
def test_the_folder_has_everything_that_the_page_needs(packages, tmp_path):
    model = small_model(class_names=NAMES, view=data.View(), heads=(3, 2), head_dim=6)
    folder = tmp_path / "page"
    report = to_web(model, folder, runtime_files=packages)
    assert (report.format, report.path) == ("web", str(folder))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert report.bytes == sum(path.stat().st_size for path in files)
    expected = {path.relative_to(PAGE) for path in PAGE.rglob("*") if path.is_file()}
    extra = {path.relative_to(folder) for path in files} - expected
    assert {path.as_posix() for path in extra} == {
        "heads.tflite",
        "model.json",
        "model.tflite",
        "runtime/core.js",
    }
    assert (folder / "runtime" / "core.js").read_bytes() == b"one();"
    about = json.loads((folder / "model.json").read_text())
    assert about["page"] == {
        "runtime": "litert",
        "runtime_name": "LiteRT.js 1.2.3",
        "model": "model.tflite",
        "heads": "heads.tflite",
        "blocks": [{"name": "Block 0", "heads": 3}, {"name": "Block 1", "heads": 2}],
        "grid": [3, 4],
        "pooling": "sequence",
        "words": None,
    }
    with zipfile.ZipFile(folder / "model.tflite") as archive:
        embedded = json.loads(archive.read("metadata.json"))
    assert embedded == {name: about[name] for name in embedded}
    assert about["class_names"] == list(NAMES)
    x = images(model, 1)
    for file, original in (("model", model), ("heads", head_maps(model))):
        found = load_runner(folder / f"{file}.tflite")(x)
        np.testing.assert_allclose(found, predict(original, x), atol=1e-5)


@pytest.fixture
def no_conversion(monkeypatch):
    """Empty files in place of the graphs."""

    def write(model, file, **options):
        file.write_bytes(b"")
        file.with_name(f"{file.name}.json").write_text("{}")
        return export.ExportReport(str(file), "litert", "float32", 0, 0.0, 1)

    monkeypatch.setattr(web, "to_litert", write)
    monkeypatch.setattr(web, "convert", lambda *arguments, **options: None)


@torch_only
def test_a_page_is_replaced_as_a_whole(packages, tmp_path, no_conversion):
    folder = tmp_path / "page"
    to_web(small_model(), folder, runtime_files=packages, heads=False)
    assert json.loads((folder / "model.json").read_text())["page"]["heads"] is None
    assert not list(folder.glob("heads*"))
    (folder / "old.txt").write_text("of an older page")
    to_web(small_model(), folder, runtime_files=packages, heads=False)
    assert not (folder / "old.txt").exists()
    assert is_page(folder)


@torch_only
def test_wrong_attention_maps_are_refused_and_leave_nothing(
    packages, tmp_path, monkeypatch, no_conversion
):
    monkeypatch.setattr(web, "load_runner", lambda path: lambda x: np.full((4, 7, 12), np.nan))
    with pytest.raises(ExportError, match=r"attention maps must stay within .* of nan"):
        to_web(small_model(), tmp_path / "page", runtime_files=packages)
    assert [path.name for path in tmp_path.iterdir()] == ["packages"]


@torch_only
def test_what_a_page_cannot_show_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "find_tarballs", None)
    texts = models.text_cct(vocabulary_size=9, length=8, word_dim=4)
    wide = small_model(input_shape=(12, 16, 4), mean=0.5, std=0.5)
    for model, message in (
        (small_model(include_top=False), "needs a model of the zoo with a classifier"),
        (texts, r"`vocabulary=`.*vocabulary=None"),
        (wide, r"1 or 3 channels. Received: input_shape=\(12, 16, 4\)"),
    ):
        with pytest.raises(ValueError, match=message):
            to_web(model, tmp_path / "page")
    with pytest.raises(ValueError, match=r"`runtime` must be one of .*mean: onnx\? Received: "):
        to_web(small_model(), tmp_path / "page", "onxx")
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match=r"new or a page of `to_web`.*mine"):
        to_web(small_model(), tmp_path / "mine")
    with pytest.raises(ValueError, match=r"one name for each class"):
        to_web(small_model(), tmp_path / "page", class_names=["a"])
    assert not is_page(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@torch_only
def test_texts_and_committees_are_described():
    model = models.text_cct_2_k4(vocabulary=("a", "b"), length=8, conv_prefix=1, prefix_pool=(0,))
    page = web.page_description(model.config, "onnx", {"block01": 2})
    assert (page["model"], page["heads"]) == ("model.onnx", "heads.onnx")
    assert page["blocks"] == [{"name": "Block 1", "heads": 2}]
    assert page["words"] == {
        "family": "text_cct",
        "kernel": 4,
        "stride": 1,
        "padding": 2,
        "pools": 1,
    }
    committee = soft_committee([small_model(name="a"), small_model(name="b")])
    web.check_classifies(committee)
    page = web.page_description(committee.config, "litert", web.block_heads(committee))
    assert (page["heads"], page["blocks"], page["grid"]) == (None, [], None)


@torch_only
def test_the_page_may_load_nothing_from_elsewhere():
    text = (PAGE / "index.html").read_text()
    ((policy,),) = [re.findall(r'Content-Security-Policy" content="([^"]+)"', text)]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    (script,) = re.findall(r'<script type="importmap">(.*?)</script>', text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'self' 'wasm-unsafe-eval' 'sha256-{digest}'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert list(json.loads(script)["imports"]) == ["@litertjs/wasm-utils"]
    for name in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert (PAGE / name).is_file(), name
    for path in [*SCRIPTS, PAGE / "style.css"]:
        assert not re.search(r"https?:|innerHTML|\beval\b|Function\(|url\(", path.read_text()), path


@torch_only
def test_every_module_is_used_and_short():
    imported = {"main.js"}
    for path in SCRIPTS:
        text = path.read_text()
        assert len(text.splitlines()) < 250, path
        imported |= set(re.findall(r'(?:from |: )"\./(\w+\.js)"', text))
    assert imported == {path.name for path in SCRIPTS}
    ids = set(re.findall(r'\bid="([\w-]+)"', (PAGE / "index.html").read_text()))
    for path in SCRIPTS:
        assert set(re.findall(r'byId\("([\w-]+)"\)', path.read_text())) <= ids
