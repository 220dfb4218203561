"""Checkpoints of text models: adaptation to another length, and refusals."""

import re

import numpy as np
import pytest

from cctzoo.formats.safetensors import write_safetensors
from cctzoo.layers.position import sinusoidal_positions
from cctzoo.weights import load_pytorch_checkpoint, load_state_dict, state_dict
from tests.weights.authors import small_text_model

pytestmark = pytest.mark.one_backend("torch")  # reading does not depend on the backend
POSITION, KERNEL = "classifier.positional_emb", "tokenizer.conv_layers.0.weight"


def equal(model, state):
    found = state_dict(model)
    assert found.keys() == state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(found[key], array)


def test_kernel_in_one_dimension(tmp_path):
    """The authors' later tokenizer has such a kernel."""
    state = state_dict(small_text_model())
    later = {**state, KERNEL: state[KERNEL][:, 0].transpose(0, 2, 1)}
    assert later[KERNEL].shape == (24, 7, 4)
    write_safetensors(later, tmp_path / "a.safetensors", {"format": "pt"})
    model = small_text_model()
    load_pytorch_checkpoint(model, tmp_path / "a.safetensors")
    equal(model, state)
    model = small_text_model()
    load_state_dict(model, later)
    equal(model, state)


@pytest.mark.parametrize("family", ["text_cct", "text_vit"])
def test_positions_of_longer_texts_are_cut(family, caplog):
    state, model = state_dict(small_text_model(family, length=19)), small_text_model(family)
    load_state_dict(model, state)
    tokens, old = model.config.tokens, state[POSITION].shape[1]
    assert tokens < old
    assert caplog.messages == [f"weights: position embedding cut, {old} -> {tokens} tokens"]
    equal(model, {**state, POSITION: state[POSITION][:, :tokens]})


def test_positions_of_shorter_texts_are_refused():
    state, model = state_dict(small_text_model(length=5)), small_text_model()
    before = model.get_weights()
    received = f"misshapen {POSITION}: {state[POSITION].shape}, expected (1, 7, 24)"
    with pytest.raises(ValueError, match=re.escape(received)):
        load_state_dict(model, state)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_sines_start_at_the_second_token():
    sine = {"positional_embedding": "sine"}
    state, model = state_dict(small_text_model(**sine, length=19)), small_text_model(**sine)
    assert not state[POSITION][:, 0].any()
    load_state_dict(model, state)
    equal(model, {**state, POSITION: sinusoidal_positions(7, 24, zero_first=True)[None]})
    wrong = sinusoidal_positions(7, 24)[None]
    with pytest.raises(ValueError, match=r"learned position.*\(1, 7, 24\)"):
        load_state_dict(model, {**state, POSITION: wrong})


def test_other_vocabulary_sizes_and_widths_are_refused():
    state = state_dict(small_text_model())
    for changes, fault in (
        ({"vocabulary_size": 17}, "embedder.embeddings.weight: (13, 7), expected (17, 7)"),
        ({"word_dim": 5}, f"{KERNEL}: (4, 1, 7, 24), expected (4, 1, 5, 24)"),
        ({"kernel_size": 2}, f"{KERNEL}: (4, 1, 7, 24), expected (2, 1, 7, 24)"),
    ):
        with pytest.raises(ValueError, match=re.escape(f"misshapen {fault}")):
            load_state_dict(small_text_model(**changes), state)
