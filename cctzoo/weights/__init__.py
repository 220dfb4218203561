"""Weights from elsewhere."""

from cctzoo.weights.pytorch import load_state_dict, state_dict_keys

__all__ = ["load_state_dict", "state_dict_keys"]
