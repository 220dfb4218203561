"""The sample apps in `examples/`: what they read from a .tflite file is what cctzoo writes."""

import json
import re
import xml.etree.ElementTree
from pathlib import Path

import pytest

from cctzoo import data
from cctzoo.export.artifact import metadata
from tests.models.small import small_model

EXAMPLES = Path(__file__).parents[2] / "examples"
KOTLIN = EXAMPLES / "android/app/src/main/java/org/cctzoo/sample"
SWIFT = EXAMPLES / "ios/Sources"

pytestmark = pytest.mark.one_backend("torch")


@pytest.fixture(scope="module")
def keys():
    about = json.loads(json.dumps(metadata(small_model(view=data.View()), None)))
    return {*about, *about["input"], *about["input"]["view"]}


def test_android_reads_keys_of_the_metadata(keys):
    text = (KOTLIN / "Metadata.kt").read_text()
    read = set(re.findall(r'\b(?:get|opt)\w*\("(\w+)"\)', text))
    read |= set(re.findall(r'textOrNull\(json, "(\w+)"\)', text))
    assert len(read) >= 12
    assert read <= keys


def test_ios_reads_keys_of_the_metadata(keys):
    text = (SWIFT / "Metadata.swift").read_text()
    names = re.findall(r"^ +let (\w+): (?:Input|View|PerChannel|String|Bool|Double|\[)", text, re.M)
    read = {re.sub(r"(?=[A-Z])", "_", name).lower() for name in names} - {"values"}
    assert len(read) >= 12
    assert read <= keys


def test_both_apps_resize_with_the_weights_of_the_scripts():
    """Their formulas are written out twice; `Pixels.kt` was run, `Pixels.swift` was not."""
    formulas = ("(1.5 * x - 2.5) * x * x + 1", "((-0.5 * x + 2.5) * x - 4) * x + 2", "19595")
    for path in (KOTLIN / "Pixels.kt", SWIFT / "Pixels.swift"):
        text = path.read_text()
        assert all(each in text for each in formulas), path


def test_the_android_manifest_names_a_class_and_texts_that_exist():
    manifest = xml.etree.ElementTree.parse(EXAMPLES / "android/app/src/main/AndroidManifest.xml")
    name = "{http://schemas.android.com/apk/res/android}name"
    (activity,) = manifest.iter("activity")
    assert (KOTLIN / f"{activity.attrib[name].removeprefix('.')}.kt").is_file()
    strings = xml.etree.ElementTree.parse(
        EXAMPLES / "android/app/src/main/res/values/strings.xml"
    ).iter("string")
    assert {each.attrib["name"] for each in strings} == {"name", "choose"}
