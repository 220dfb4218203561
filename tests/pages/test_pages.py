"""Pages in one file: their data, scripts, images and policy."""

import base64
import hashlib
import io
import json
import re
import subprocess

import numpy as np
import pytest
from PIL import Image

from cctzoo.pages import image_sheet, page
from cctzoo.pages.packed import pack
from cctzoo.pages.page import FOLDER, join_modules
from tests.node import check_module, node

pytestmark = pytest.mark.one_backend("torch")
PROGRAM = f"""
import {{ readFileSync }} from "node:fs";
import {{ row, unpack }} from "{FOLDER / "js" / "data.js"}";
import {{ logTicks, scale, ticks }} from "{FOLDER / "js" / "scales.js"}";
const data = await unpack(readFileSync(0, "utf-8"));
const plain = (key, value) =>
  ArrayBuffer.isView(value) ? [value.constructor.name, ...value] : value;
const log = scale([1, 100], {{ log: true, from: 1, to: 100 }}, 0, 200);
const logs = [[0.8, 12, 5], [3, 4, 2], [1e-4, 1e3, 4]];
console.log(JSON.stringify({{
  data, row: [...row(data.b, 1, 0)],
  ticks: [ticks(0, 1, 5), ticks(-0.2, 0.31, 4), ...logs.map((each) => logTicks(...each))],
  places: [log.at(1), log.at(10), log.at(100)],
  flat: [scale([3, 3], {{}}, 0, 10).at(3), scale([], {{}}, 0, 10).ticks.length > 0],
}}, plain));
"""


def test_javascript_reads_what_python_packs(tmp_path):
    data = {
        "a": {"text": "</script> 猫 \u2028", "none": None, "list": [1, 2.5, True]},
        "b": np.arange(12, dtype="uint8").reshape(2, 2, 3),
        "c": np.array([1.5, -2, np.nan]),
        "d": np.array([2**31 - 1, -5]),
        "e": [np.array([True, False]), np.array(7, "uint16"), np.zeros((0, 3), "float32")],
        "f": np.float32(0.5),
    }
    program = tmp_path / "check.mjs"
    program.write_text(PROGRAM, "utf-8")
    ran = subprocess.run([*node(), program], input=pack(data), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["data"] == {
        "a": data["a"],
        "b": {"values": ["Uint8Array", *range(12)], "shape": [2, 2, 3]},
        "c": {"values": ["Float32Array", 1.5, -2, None], "shape": [3]},
        "d": {"values": ["Int32Array", 2**31 - 1, -5], "shape": [2]},
        "e": [
            {"values": ["Uint8Array", 1, 0], "shape": [2]},
            {"values": ["Uint16Array", 7], "shape": []},
            {"values": ["Float32Array"], "shape": [0, 3]},
        ],
        "f": 0.5,
    }
    assert found["row"] == [6, 7, 8]
    assert found["ticks"] == [
        [0, 0.2, 0.4, 0.6, 0.8, 1],
        [-0.2, 0, 0.2],
        [1, 2, 5, 10],
        [3, 3.5, 4],
        [0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1000],
    ]
    np.testing.assert_allclose(found["places"], [0, 100, 200])
    assert found["flat"] == [5, True]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": float("nan")}, "JSON compliant"),
        ({"$array": 1}, "reserved key"),
        ({"a": np.array([2**31])}, r"Received: minimum=2147483648, maximum=2147483648"),
        ({"a": np.array(["x"])}, r"must hold numbers. Received: dtype=<U1"),
    ],
)
def test_data_that_cannot_be_packed(data, message):
    with pytest.raises(ValueError, match=message):
        pack(data)


def test_page_has_a_policy_for_its_own_texts(tmp_path):
    script = tmp_path / "a.js"
    script.write_text(f'import {{ readData }} from "{FOLDER / "js" / "data.js"}";\nreadData();\n')
    text = page("a <b> & c", script, {"x": 1}, body="<p>words</p>")
    assert "<title>a &lt;b&gt; &amp; c</title>" in text
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none';")
    for tag in ("style>", 'script type="module">'):
        content = text.split(f"<{tag}")[1].split("</")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "http://" not in text
    assert "https://" not in text
    assert text == page("a <b> & c", script, {"x": 1}, body="<p>words</p>")


def test_modules_of_all_pages_can_be_one(tmp_path):
    whole = tmp_path / "whole.js"
    files = sorted((FOLDER / "js").glob("*.js"))
    whole.write_text("".join(f'import {{ x }} from "{file}";\n' for file in files))
    code = join_modules(whole)
    assert not re.search("^(import|export) ", code, re.MULTILINE)
    assert code.index("function element") < code.index("function sortableTable")
    check_module(code, tmp_path)


def test_a_module_comes_once_and_after_what_it_imports(tmp_path):
    for name, text in {
        "a.js": 'import { b } from "./b.js";\nimport { c } from "./c.js";\nb(c);\n',
        "b.js": 'import { c } from "./c.js";\nexport const b = (x) => x + c;\n',
        "c.js": "export const c = 1;\n",
    }.items():
        (tmp_path / name).write_text(text)
    code = join_modules(tmp_path / "a.js")
    assert [each for each in code.splitlines() if each] == [
        "const c = 1;",
        "const b = (x) => x + c;",
        "b(c);",
    ]


@pytest.mark.parametrize(
    "line",
    ['import { a as b } from "./a.js";', 'import "./a.js";', "export default a;", "//</script"],
)
def test_lines_that_a_page_cannot_have(tmp_path, line):
    (tmp_path / "a.js").write_text(line + "\n")
    with pytest.raises(ValueError, match=r"Received: ' a as b '|cannot have this line"):
        join_modules(tmp_path / "a.js")


def test_sheet_of_images():
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 6, 3), "uint8")
    sheet = image_sheet(images)
    assert (sheet["width"], sheet["height"], sheet["count"]) == (6, 4, 7)
    content = base64.b64decode(sheet["source"].removeprefix("data:image/png;base64,"))
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    for index, image in enumerate(images):
        row, column = divmod(index, sheet["columns"])
        np.testing.assert_array_equal(
            pixels[4 * row : 4 * row + 4, 6 * column : 6 * column + 6], image
        )
    grey = image_sheet(images[..., :1])
    assert Image.open(io.BytesIO(base64.b64decode(grey["source"].split(",")[1]))).mode == "L"
    photo = np.full((3, 16, 16, 3), 90, "uint8")
    lossy = image_sheet(photo, lossy=True)
    assert lossy["source"].startswith("data:image/jpeg;base64,")
    pixels = Image.open(io.BytesIO(base64.b64decode(lossy["source"].split(",")[1])))
    np.testing.assert_allclose(np.asarray(pixels)[:16, :16], photo[0], atol=2)


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 4, 6, 3)), np.zeros((2, 4, 6, 4), "uint8"), np.zeros((0, 4, 6, 3), "uint8")],
)
def test_images_that_no_sheet_can_hold(images):
    with pytest.raises(ValueError, match="Received"):
        image_sheet(images)
