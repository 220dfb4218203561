"""The layers of compact convolutional transformers; usable without the models."""

from cctzoo.layers.attention.layer import MultiHeadSelfAttention
from cctzoo.layers.class_token import ClassToken, FirstToken
from cctzoo.layers.conv_prefix import ConvPrefix
from cctzoo.layers.encoder_block import EncoderBlock
from cctzoo.layers.layer_norm import LayerNorm
from cctzoo.layers.masked_average import MaskedAverage
from cctzoo.layers.position import PositionEmbedding
from cctzoo.layers.sequence_pooling import SequencePooling
from cctzoo.layers.soft_average import SoftAverage
from cctzoo.layers.stochastic_depth import StochasticDepth
from cctzoo.layers.text import TextLength, TokenMask, WordEmbedding
from cctzoo.layers.text_tokenizer import TextTokenizer
from cctzoo.layers.token_convolution import TokenConvolution
from cctzoo.layers.token_image import TokenImagePrefix
from cctzoo.layers.tokenizer import ConvTokenizer

__all__ = [
    "ClassToken",
    "ConvPrefix",
    "ConvTokenizer",
    "EncoderBlock",
    "FirstToken",
    "LayerNorm",
    "MaskedAverage",
    "MultiHeadSelfAttention",
    "PositionEmbedding",
    "SequencePooling",
    "SoftAverage",
    "StochasticDepth",
    "TextLength",
    "TextTokenizer",
    "TokenConvolution",
    "TokenImagePrefix",
    "TokenMask",
    "WordEmbedding",
]
