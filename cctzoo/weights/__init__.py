"""Trained weights by tag; import from and export to other formats."""

from cctzoo.weights.download import fetch
from cctzoo.weights.folder import save_to_folder
from cctzoo.weights.hub import push_to_hub
from cctzoo.weights.loading import (
    load_from_folder,
    load_model,
    load_pytorch_checkpoint,
    load_weights,
)
from cctzoo.weights.native import save_weights
from cctzoo.weights.pytorch import (
    load_state_dict,
    save_pytorch_checkpoint,
    state_dict,
    state_dict_keys,
)
from cctzoo.weights.registry import describe, list_weights
from cctzoo.weights.source import Source, open_weights
from cctzoo.weights.transfer import transfer
from cctzoo.weights.word_vectors import load_word_vectors

__all__ = [
    "Source",
    "describe",
    "fetch",
    "list_weights",
    "load_from_folder",
    "load_model",
    "load_pytorch_checkpoint",
    "load_state_dict",
    "load_weights",
    "load_word_vectors",
    "open_weights",
    "push_to_hub",
    "save_pytorch_checkpoint",
    "save_to_folder",
    "save_weights",
    "state_dict",
    "state_dict_keys",
    "transfer",
]
