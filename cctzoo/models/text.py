"""The factories of models for texts."""

from cctzoo.models.cct import create_model


def text_cct(size=2, kernel_size=2, **keywords):
    """Convolution over neighbouring words, pooling, encoder, sequence pooling.

    Args:
        size: 2, 4 or 6.
        kernel_size: words that a kernel spans; 1, 2 and 4 are the published ones.
        **keywords: of `create_model`, and any field of `TextConfig`, e.g. `heads=64`,
            `vocabulary_size=20_000`, `length=64`, `classes=4`.

    Returns:
        A `CCT` from token ids (B, length) to (B, classes).

    Raises:
        ValueError: as `create_model` does.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """
    return create_model(f"text_cct_{size}_k{kernel_size}", **keywords)


def text_cvt(size=2, kernel_size=4, **keywords):
    """Patches of `kernel_size` words, encoder, sequence pooling; else as `text_cct`."""
    return create_model(f"text_cvt_{size}_k{kernel_size}", **keywords)


def text_vit(size=2, kernel_size=4, **keywords):
    """Patches of `kernel_size` words, encoder, class token; else as `text_cct`."""
    return create_model(f"text_vit_{size}_k{kernel_size}", **keywords)


def text_transformer(size=2, **keywords):
    """Words as they are, encoder, class token; else as `text_cct`.

    The stream is as wide as the word vectors: give `embed_dim` with `word_dim`.
    """
    return create_model(f"text_transformer_{size}", **keywords)
