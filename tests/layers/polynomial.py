"""Polynomial attention in NumPy, one query and one key at a time, in float64."""

import numpy as np


def scores(query, key, mask=None):
    """(B, N, T, T) from queries and keys (B, N, H, T); a row without keys has all of them."""
    batch, heads, _, tokens = query.shape
    weights = np.zeros((batch, heads, tokens, tokens))
    for b, n, i in np.ndindex(batch, heads, tokens):
        allowed = np.ones(tokens, bool)
        if mask is not None:
            allowed = mask[b] if mask.ndim == 2 else mask[b, i]
        q = query[b, n, :, i].astype("float64")
        for j in np.flatnonzero(allowed) if allowed.any() else range(tokens):
            k = key[b, n, :, j].astype("float64")
            lengths = np.sqrt((q @ q + 1e-6) * (k @ k + 1e-6))
            weights[b, n, i, j] = (k @ k + 1e-6) ** 1.5 * (1.01 * lengths + q @ k)
    return weights / weights.sum(-1, keepdims=True)


def attend(query, key, value, mask=None):
    """(B, N, H, T)."""
    return np.einsum("bnij,bnhj->bnhi", scores(query, key, mask), value)
