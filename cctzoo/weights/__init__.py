"""Weights from elsewhere, and out to elsewhere."""

from cctzoo.weights.checkpoint import load_pytorch_checkpoint, save_pytorch_checkpoint
from cctzoo.weights.pytorch import load_state_dict, state_dict, state_dict_keys
from cctzoo.weights.transfer import transfer

__all__ = [
    "load_pytorch_checkpoint",
    "load_state_dict",
    "save_pytorch_checkpoint",
    "state_dict",
    "state_dict_keys",
    "transfer",
]
