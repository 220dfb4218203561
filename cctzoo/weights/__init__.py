"""Weights: trained ones by tag, from elsewhere, out to elsewhere."""

from cctzoo.weights.checkpoint import load_pytorch_checkpoint, save_pytorch_checkpoint
from cctzoo.weights.download import fetch
from cctzoo.weights.folder import load_from_folder, save_to_folder
from cctzoo.weights.native import load_model, load_weights, save_weights
from cctzoo.weights.pytorch import load_state_dict, state_dict, state_dict_keys
from cctzoo.weights.registry import describe, list_weights
from cctzoo.weights.transfer import transfer
from cctzoo.weights.word_vectors import load_word_vectors

__all__ = [
    "describe",
    "fetch",
    "list_weights",
    "load_from_folder",
    "load_model",
    "load_pytorch_checkpoint",
    "load_state_dict",
    "load_weights",
    "load_word_vectors",
    "save_pytorch_checkpoint",
    "save_to_folder",
    "save_weights",
    "state_dict",
    "state_dict_keys",
    "transfer",
]
