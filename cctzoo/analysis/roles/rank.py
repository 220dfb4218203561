"""How much the attention matrix of a head can say: saturated rows and numerical rank."""

import numpy as np

from cctzoo.analysis.checks import encoder_blocks
from cctzoo.analysis.heads.scores import HeadScores
from cctzoo.analysis.roles.score_batches import score_batches
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.models import CCT

SATURATED = 0.99  # a row with a larger element looks at a single token
RANK_SHARE = 1e-3  # of the largest singular value; smaller ones do not count


@checked_arguments
def attention_rank(model: CCT, samples: Samples, *, batch_size: int = 2) -> HeadScores:
    """Measures saturation and numerical rank of each head's attention matrices (T, T).

    A row is saturated if one token gets more than 0.99 of its attention. The rank is the number
    of singular values above 1e-3 of the largest one. Rows of padding do not count.

    The width H of a head limits what it can express, in a way that depends on the kind of
    attention:

    - softmax: the scores q . k before the softmax have a rank of at most H. This is no limit of
      the rank of the attention itself, because the exponential can raise the rank up to T. But if
      H is less than T, some attention matrices are out of reach.
    - polynomial: a weight is a product of H + 1 features of query and key, so that the attention
      itself has a rank of at most H + 1.

    Args:
        model: a `CCT`.
        samples: images (n, height, width, channels) or token ids (n, length). Each sample takes
            a singular value decomposition for every head.
        batch_size: samples per batch; attention scores are (B, N, T, T).

    Returns:
        `HeadScores`, means over the samples: `saturation` (share of the rows, 0 to 1), `rank`
        (1 to T) and `bound`, the smaller of T and H, or of T and H + 1 for polynomial attention.

    Raises:
        ValueError: if the samples do not have the shape of the model's input.

    Reference: Bhojanapalli et al., "Low-Rank Bottleneck in Multi-head Attention Models", arXiv
        2002.07028 (heads narrower than the sequence is long). Thresholds are our choice.
    """
    blocks = encoder_blocks(model)
    saturation, ranks = dict.fromkeys(blocks, 0.0), dict.fromkeys(blocks, 0.0)
    for scores, mask in score_batches(model, samples, batch_size):
        rows = mask / mask.sum(axis=1, keepdims=True)  # (B, T)
        for block, each in scores.items():
            full = each.max(axis=-1) > SATURATED  # (B, N, T)
            saturation[block] = saturation[block] + np.einsum("bnt,bt->n", full, rows)
            values = np.linalg.svd(each * mask[:, None, :, None], compute_uv=False)  # (B, N, T)
            counted = values > RANK_SHARE * values[..., :1]
            ranks[block] = ranks[block] + counted.sum(axis=(0, 2))
    figures = {
        "saturation": {block: total / len(samples) for block, total in saturation.items()},
        "rank": {block: total / len(samples) for block, total in ranks.items()},
        "bound": {block: _bound(model, block) for block in blocks},
    }
    return HeadScores(figures, {"samples": len(samples)})


def _bound(model, block):
    attention = model.get_layer(f"block{block:02d}").attention
    features = attention.head_dim + (attention.attention == "polynomial")
    return np.full(attention.num_heads, float(min(features, model.config.tokens)))
