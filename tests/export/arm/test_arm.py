"""What runs on the emulated ARM machine, run here; the machine itself needs QEMU and downloads."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cctzoo.runtimes import load_runner
from tests.export.arm import machine
from tests.export.arm.answers import CHILD, answers, compared, precision_of
from tests.export.arm.instructions import differences
from tests.export.sample import NAMES, once

WORDS = {  # instructions as an assembler writes them
    0x4E22CC20: "fmla",  # v0.4s, v1.4s, v2.4s
    0x4F821020: "fmla",  # v0.4s, v1.4s, v2.s[0]
    0x4EA2CC20: None,  # fmls v0.4s, v1.4s, v2.4s
    0x0E62C020: "smull",  # v0.4s, v1.4h, v2.4h
    0x0E628020: "smlal",  # v0.4s, v1.4h, v2.4h
    0x4E828420: None,  # add v0.4s, v1.4s, v2.4s
    0x4E829420: "sdot",  # v0.4s, v1.16b, v2.16b
    0x4F82E020: "sdot",  # v0.4s, v1.16b, v2.4b[0]
    0x4E82A420: "smmla",  # v0.4s, v1.16b, v2.16b
    0x8B020020: None,  # add x0, x1, x2
}


@once
def test_the_scripts_answer_as_the_runtime(litert, images, tmp_path):
    for i in range(3):
        Image.fromarray(images[i]).save(tmp_path / f"{i}.png")
    model = litert("float32").path
    tasks = [["classify_tflite", model, [str(tmp_path)]]]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    command = [sys.executable, CHILD, "answers", tmp_path / "tasks.json"]
    (answer,) = answers(command, PYTHONPATH=str(machine.SCRIPTS))
    logits = load_runner(model)(images[:4])[:3].astype("float64")
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)
    best = [f"{NAMES[row.argmax()]} {row.max():.1%}" for row in expected]
    assert answer["printed"] == best


def test_a_sample_without_an_answer_fails():
    complete = {"probabilities": [[1.0, 0.0]], "printed": ["cat 100.0%"]}
    assert compared(complete, {"probabilities": [], "printed": []}) == (np.inf, False)


def test_answers_are_compared_by_probability_class_and_text():
    ours = {"probabilities": [[0.9, 0.1], [0.2, 0.8]], "printed": ["cat 90.0%", "dog 80.0%"]}
    near = {"probabilities": [[0.8999, 0.1001], [0.2, 0.8]], "printed": ["cat 89.9%", "dog 80.0%"]}
    assert compared(ours, ours) == (0, True)
    assert compared(ours, near) == (pytest.approx(1e-4), True)
    for change in (
        {"probabilities": [[0.9, 0.1], [0.6, 0.4]]},
        {"printed": ["cat 90.0%", "cat 80.0%"]},
    ):
        assert not compared(ours, ours | change)[1]
    tie = {"probabilities": [[0.501, 0.499]], "printed": ["cat 50.1%"]}
    turned = {"probabilities": [[0.499, 0.501]], "printed": ["dog 50.1%"]}
    assert compared(tie, turned) == (pytest.approx(2e-3), True)
    assert precision_of("m/cct_7_3x1_32-dynamic_int8.tflite") == "dynamic_int8"


def test_counts_are_those_between_two_marks():
    lines = ["INFO: other output", "count all=100 fmla=1 fmla=2", "count all=160 fmla=4 fmla=12"]
    lines += ["count all=200 fmla=4 fmla=12", "count all=201 fmla=4 fmla=12"]
    assert list(differences(lines)) == [{"all": 60, "fmla": 13}, {"all": 1, "fmla": 0}]


def test_the_counter_knows_the_instructions():
    text = Path(machine.HERE, "count.c").read_text()
    kinds = re.findall(r'\{"(\w+)", (0x[0-9a-f]{8}), (0x[0-9a-f]{8})\}', text)
    assert len(kinds) == 9
    for word, expected in WORDS.items():
        names = {name for name, mask, bits in kinds if word & int(mask, 16) == int(bits, 16)}
        assert names == ({expected} if expected else set()), hex(word)
