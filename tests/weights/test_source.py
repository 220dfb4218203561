"""What a run can start from."""

import re

import numpy as np
import pytest

from cctzoo.models import soft_committee
from cctzoo.weights import save_to_folder, save_weights
from cctzoo.weights.source import check_start, trained_model
from tests.models.small import small_model


def test_starts_that_say_what_they_are(tmp_path):
    model = small_model()
    model.save(tmp_path / "a.keras")
    save_weights(model, tmp_path / "a.safetensors")
    save_to_folder(model, tmp_path / "folder")
    for name in ("a.keras", "a.safetensors", "folder"):
        start = str(tmp_path / name)
        check_start(start, "cct_2_3x2_32")
        found = trained_model(start)
        assert found.config == model.config
        for weight, expected in zip(found.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)


def test_tags():
    for start in ("digits", "cct_2_3x2_32.digits"):
        check_start(start, "cct_2_3x2_32")
        assert trained_model(start, "cct_2_3x2_32").config.input_shape == (16, 16, 1)
    with pytest.raises(ValueError, match="Received: weights='digits'"):
        check_start("digits", "cct_conv")
    assert trained_model("cct_2_3x2_32.digits", "cct_conv").config.depth == 2


def test_files_that_hold_weights_alone(tmp_path):
    (tmp_path / "a.pth").touch()
    check_start(str(tmp_path / "a.pth"), "cct_2_3x2_32")
    assert trained_model(str(tmp_path / "a.pth")) is None


@pytest.mark.parametrize("name", ["none.pth", "none.keras", "none/folder", "some.zip"])
def test_what_is_not_there(name, tmp_path):
    (tmp_path / "some.zip").touch()
    start = str(tmp_path / name)
    with pytest.raises(ValueError, match=re.escape(f"Received: start_from={start!r}")):
        check_start(start, "cct_2_3x2_32")


def test_a_committee_is_no_start(tmp_path):
    save_weights(soft_committee([small_model()]), tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="a SoftCommittee"):
        trained_model(str(tmp_path / "a.safetensors"))
