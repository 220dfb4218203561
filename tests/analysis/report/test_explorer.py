"""The data of the page: packed fields, saved folders, and what is refused."""

import json
import subprocess

import numpy as np
import pytest

from cctzoo.analysis import HeadReport, Performance, ShownSamples, write_page
from cctzoo.analysis.report import explorer
from cctzoo.analysis.report.explorer import FOLDER, Analysis, explorer_page, page_data
from cctzoo.analysis.report.packed_fields import pack_fields, unpack_fields
from cctzoo.analysis.report.saved import read_analysis
from cctzoo.pages.packed import pack
from cctzoo.pages.page import FOLDER as SHARED
from cctzoo.pages.page import join_modules
from tests.analysis.report.sample_report import sample_report
from tests.node import check_module, node

pytestmark = pytest.mark.one_backend("torch")  # uses no backend


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "first"
    sample_report("one").save(folder, pictures=False)
    return folder


def low_rank(heads, classes, rank):
    rng = np.random.default_rng(0)
    fields = rng.standard_normal((heads, classes, rank)) @ rng.standard_normal(
        (heads, rank, classes)
    )
    return fields / fields.max(axis=(1, 2), keepdims=True)


@pytest.mark.parametrize(
    ("classes", "rank", "form", "error"),
    [(40, 3, "left", 2e-4), (40, 20, "cells", 0.008), (10, 2, "cells", 0.008)],
)
def test_packed_fields(classes, rank, form, error):
    fields = low_rank(5, classes, rank)
    packed = pack_fields(fields, 0.3)
    assert form in packed
    found = unpack_fields(packed)
    np.testing.assert_allclose(
        found, np.maximum(fields, -1) if form == "cells" else fields, atol=error
    )
    if form == "cells":
        np.testing.assert_array_equal(found > 0.3, fields > 0.3)
        coarse = unpack_fields(pack_fields(fields, 0.3, 20), 20)
        np.testing.assert_array_equal(coarse > 0.3, fields > 0.3)


def test_page_unpacks_the_fields(tmp_path):
    """`fieldsOf` and `diagonal` of the page, against `unpack_fields`."""
    for classes, rank in ((40, 3), (10, 2)):
        packed = pack_fields(low_rank(3, classes, rank), 0.3)
        program = tmp_path / "check.mjs"
        program.write_text(
            'import { readFileSync } from "node:fs";\n'
            f'import {{ unpack }} from "{SHARED / "js" / "data.js"}";\n'
            f'import {{ diagonal, fieldsOf }} from "{FOLDER / "fields.js"}";\n'
            "const block = { fields: await unpack(readFileSync(0, 'utf-8')) };\n"
            "const report = { steps: 127 };\n"
            "console.log(JSON.stringify([[...fieldsOf(report, block, 1)],"
            " diagonal(report, block, 1, 4)]));\n"
        )
        ran = subprocess.run([*node(), program], input=pack(packed), capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        fields, diagonal = json.loads(ran.stdout)
        expected = unpack_fields(packed)[1]
        np.testing.assert_allclose(np.reshape(fields, (classes, classes)), expected, atol=1e-6)
        assert diagonal == pytest.approx(expected[4, 4], abs=1e-6)


def test_scripts_are_one_module(tmp_path):
    check_module(join_modules(FOLDER / "main.js"), tmp_path)
    assert all(len(path.read_text().splitlines()) < 300 for path in FOLDER.iterdir())


def test_page_is_made_again_from_its_folder(folder, tmp_path):
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "figures.json", "samples.npz", "heads.npz", "fresh_heads.npz"),
        *("attention_nodes.npz", "mlp_nodes.npz", "roles.npz"),
    }
    write_page(tmp_path / "again.html", [folder])
    assert (tmp_path / "again.html").read_bytes() == (folder / "report.html").read_bytes()


def test_page_has_the_figures_of_both_analyses(folder, tmp_path):
    other = tmp_path / "second" / "heads"
    report = sample_report("one", heads=5, blocks=(3,), names=["<b>", "b", "</script>", "d"])
    report.save(other, pictures=False)
    write_page(tmp_path / "both.html", [folder, other])
    text = (tmp_path / "both.html").read_text()
    assert "What the heads have learned: one, first and one, second" in text
    assert "<b>" not in text
    first, second = page_data([read_analysis(folder), read_analysis(other)], ["A", "B"])["reports"]
    assert (first["label"], second["label"]) == ("A", "B")
    assert [block["block"] for block in first["sides"]["fresh"]] == [0, 1]
    (block,) = second["sides"]["trained"]
    heads = report.performances["head"][3]
    assert block["clusters"] == [[list(each) for each in unit.clusters] for unit in heads.units]
    np.testing.assert_allclose(
        unpack_fields(block["fields"]), np.maximum(heads.normalised, -1), atol=0.008
    )
    np.testing.assert_array_equal(block["maps"], report.samples.answers[3].maps)
    assert second["kept"]["by importance"] == [[5, 0.75], [2, 0.65], [1, 0.55]]
    row = second["tables"]["head"]["trained"][0]
    assert row["labels"] == heads.averages()["labels"]
    assert second["classes"][2] == "</script>"
    write_page(tmp_path / "named.html", [folder, other], ["few", "many"])
    assert "What the heads have learned: few and many" in (tmp_path / "named.html").read_text()


def test_texts_and_reports_without_ablation(tmp_path):
    made = sample_report(texts=True)
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    made = HeadReport(**fields | {"ablation": None})
    made.save(tmp_path, pictures=False)
    (report,) = page_data([read_analysis(tmp_path)], ["x"])["reports"]
    assert report["kind"] == "texts"
    assert report["samples"]["words"][6] == ["w0", "w1"]
    assert report["samples"]["images"] is None
    assert not any(name.startswith("ablation") for name in report["scores"])
    assert made.samples.saliency()[6][1] == ("w1", pytest.approx(made.samples.rollout[6, 1]))


def test_large_images_are_shrunk_in_the_page(folder):
    samples = sample_report(pixels=(100, 160, 1)).samples
    analysis = read_analysis(folder)
    (report,) = page_data([analysis._replace(samples=samples)], ["x"])["reports"]
    assert (report["samples"]["images"]["height"], report["samples"]["images"]["width"]) == (40, 64)
    assert explorer.LONGEST_SIDE == 64
    assert isinstance(explorer_page([Analysis(*analysis)]), str)


def test_samples_are_read_as_they_were_written(tmp_path):
    for texts in (False, True):
        made = sample_report(texts=texts).samples
        made.save(tmp_path / "samples.npz")
        found = ShownSamples.load(tmp_path / "samples.npz")
        assert (found.grid, found.words) == (made.grid, made.words)
        for name in ("labels", "predicted", "rollout", "images"):
            np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
        for block, each in made.answers.items():
            for name, value in vars(each).items():
                np.testing.assert_array_equal(getattr(found.answers[block], name), value)


def test_page_has_the_roles_of_the_heads(folder, tmp_path):
    made = sample_report("one")
    (report,) = page_data([read_analysis(folder)], ["x"])["reports"]
    roles, offsets, directions = report["roles"], made.offsets, made.directions
    assert (roles["reach"], roles["step"], list(roles["blocks"])) == ([1, 1], 1, [0, 1])
    for block, each in roles["blocks"].items():
        near = offsets.maps[block][:, :, 1:4]  # (1, 2) tokens around the query, cut to 1
        found = each["maps"] * (each["largest"] / 255)[:, None, None]
        np.testing.assert_allclose(found, near, atol=each["largest"].max() / 500)
        np.testing.assert_array_equal(each["peaks"], offsets.peaks[block])
        for head, (down, right) in enumerate(each["peaks"]):
            assert each["equal"][head] == offsets.equal[1 + down, 2 + right]
        np.testing.assert_array_equal(each["classes"], directions.labels[block])
        np.testing.assert_array_equal(each["raised"], directions.raised[block])
        shares = report["scores"]["roles/offset_share"][str(block)]
        np.testing.assert_allclose(shares, offsets.peak_shares[block])
    json_figures = json.loads((folder / "figures.json").read_text())
    agreement = directions.agreement(made.performances["head"])
    assert json_figures["class_agreement"] == {
        str(block): each for block, each in agreement.items()
    }
    sample_report(texts=True).save(tmp_path, pictures=False)
    (report,) = page_data([read_analysis(tmp_path)], ["x"])["reports"]
    assert (report["roles"]["reach"], report["roles"]["step"]) == ([2], 2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("pairs", np.ones((2, 3), "float32"), "two odd sides"),
        ("equal", np.ones((3, 3), "float32"), "'equal' must have the shape"),
        ("00/maps", np.full((3, 3, 5), np.nan, "float32"), "finite numbers"),
        ("01/labels", np.zeros((3, 2)), "'01/labels'"),
        ("01/labels", np.full((3, 3), -2), "from -1 to 3"),
        ("01/raised", np.full(3, -1), "from 0 to 3"),
        ("head", np.array('{"step": 0}'), "'step' must be a positive count"),
    ],
)
def test_broken_roles_are_named(folder, tmp_path, name, value, message):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with np.load(folder / "roles.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(tmp_path / "roles.npz", **arrays | {name: value})
    with pytest.raises(ValueError, match=message):
        write_page(tmp_path / "page.html", [tmp_path])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda figures: figures.pop("sentences"), "it has no entry 'sentences'"),
        (lambda figures: figures.update(classes=[1]), "'classes' must be a list of texts"),
        (lambda figures: figures["classes"].append("e"), "must be of the same analysis"),
        (lambda figures: figures["heads"].clear() or figures["heads"].update({"x": {}}), "'0'"),
        (
            lambda figures: figures["performance"]["head"]["blocks"][0]["clusters"][0].append([9]),
            "labels in clusters must be from 0 to 3",
        ),
        (
            lambda figures: figures.update(accuracy=float("inf")),
            "'accuracy' must be a finite number",
        ),
        (lambda figures: figures["heads"].update(x=float("inf")), "not JSON compliant"),
        (lambda figures: figures["accuracy_by_kept_heads"].update(a=[]), "must be an object"),
        (lambda figures: figures["accuracy_by_kept_heads"].update(a={"x": 1}), "invalid literal"),
        (lambda figures: figures["performance"].clear(), "it has no entry 'head'"),
        (lambda figures: figures["performance"].update(x={}), "it has no entry 'blocks'"),
    ],
)
def test_broken_figures_are_named(folder, tmp_path, change, message):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    figures = json.loads((tmp_path / "figures.json").read_text())
    change(figures)
    (tmp_path / "figures.json").write_text(json.dumps(figures))
    with pytest.raises(ValueError, match=message) as error:
        write_page(tmp_path / "page.html", [tmp_path])
    assert "figures.json" in str(error.value)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("trained/00/samples", np.full((3, 6), 8), "must be from 0 to 7"),
        ("fresh/01/maps", np.zeros((3, 6, 5), "uint8"), "maps of block 1"),
        ("labels", np.zeros(8), "labels"),
        ("images", np.zeros((8, 4), "uint8"), "index out of range|images"),
        ("rollout", np.full((8, 6), np.nan, "float32"), "finite numbers"),
    ],
)
def test_broken_samples_are_named(folder, tmp_path, name, value, message):
    with np.load(folder / "samples.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(tmp_path / "samples.npz", **arrays | {name: value})
    with pytest.raises(ValueError, match=message) as error:
        ShownSamples.load(tmp_path / "samples.npz")
    assert "samples.npz" in str(error.value)


def test_wrong_arguments(folder, tmp_path):
    for folders, labels, message in (
        ([], None, "one or two folders"),
        ([folder] * 3, None, "one or two folders"),
        ([folder], ["a", "b"], "a name for each folder"),
        ([tmp_path], None, "figures.json"),
    ):
        with pytest.raises(ValueError, match=message):
            write_page(tmp_path / "page.html", folders, labels)


def test_matrices_of_another_analysis_are_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = Performance.load(folder / "heads.npz")
    Performance("head", found.blocks[:1], found.options).save(tmp_path / "fresh_heads.npz")
    with pytest.raises(ValueError, match="must be of the same analysis"):
        write_page(tmp_path / "page.html", [tmp_path])
