"""The CCT authors' design in plain PyTorch, with which `training.py` compares cctzoo.

Attention is written as in the paper and stores all scores. The keys are those of the authors'
checkpoints, so that `cctzoo.weights` can transfer weights; the convolutional prefix, which they do
not have, has keys of its own.

Letters: B batch, T tokens, D width, N heads, H head dimension.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional


class Tokenizer(nn.Module):
    """Images (B, channels, height, width) -> (B, T, D)."""

    def __init__(self, config):
        super().__init__()
        kernel, hidden = config.kernel_size, [64] * (config.conv_layers - 1)
        widths = [config.input_shape[-1], *hidden, config.tokenizer_filters]
        self.conv_layers = nn.Sequential()
        for old, new in itertools.pairwise(widths):
            convolution = nn.Conv2d(
                old, new, kernel, max(1, kernel // 2 - 1), max(1, kernel // 2), bias=False
            )
            pool = nn.MaxPool2d(3, 2, 1)
            self.conv_layers.append(nn.Sequential(convolution, nn.ReLU(), pool))

    def forward(self, x):
        return self.conv_layers(x)


class Prefix(nn.Module):
    """Feature maps (B, C, H, W) -> (B, D, H', W'): the blocks of `layers.ConvPrefix`."""

    def __init__(self, config):
        super().__init__()
        widths = [config.tokenizer_filters, *config.block_filters]
        self.pool = config.block_pool
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(old, new, 3, 1, 1, bias=False), nn.BatchNorm2d(new), nn.ReLU())
            for old, new in itertools.pairwise(widths)
        )

    def forward(self, x):
        for index, block in enumerate(self.blocks):
            if index in self.pool:
                x = functional.max_pool2d(x, 2)
            y = block(x)
            x = x + y if x.shape == y.shape else y
        return x


class Attention(nn.Module):
    """(B, T, D) -> (B, T, D), by the formula of the paper."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, N, T, H) each
        scores = torch.softmax(q @ k.transpose(-2, -1) * self.scale, dim=-1)  # (B, N, T, T)
        x = self.dropout(scores) @ v
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """(B, T, D) -> (B, T, D); the residual stream is normalised between the two branches."""

    def __init__(self, width, heads, mlp_ratio, attention_dropout, drop_path):
        super().__init__()
        hidden = int(width * mlp_ratio)
        self.pre_norm, self.norm1 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = Attention(width, heads, attention_dropout)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.drop_path = drop_path

    def drop(self, x):
        if not self.training or self.drop_path == 0:
            return x
        keep = x.new_empty(len(x), 1, 1).bernoulli_(1 - self.drop_path)
        return x / (1 - self.drop_path) * keep

    def forward(self, x):
        x = x + self.drop(self.self_attn(self.pre_norm(x)))
        x = self.norm1(x)
        return x + self.drop(self.linear2(functional.gelu(self.linear1(x))))


class Classifier(nn.Module):
    """Tokens (B, T, D) -> logits."""

    def __init__(self, config):
        super().__init__()
        width = config.embed_dim
        self.positional_emb = nn.Parameter(0.2 * torch.randn(1, config.tokens, width))
        self.blocks = nn.ModuleList(
            Block(width, heads, config.mlp_ratio, config.attention_dropout, rate)
            for heads, rate in zip(config.block_heads, config.stochastic_depth_rates, strict=True)
        )
        self.norm = nn.LayerNorm(width)
        self.attention_pool = nn.Linear(width, 1)
        self.fc = nn.Linear(width, config.classes)

    def forward(self, x):
        x = x + self.positional_emb
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        weights = torch.softmax(self.attention_pool(x), dim=1)  # (B, T, 1)
        return self.fc((weights.transpose(1, 2) @ x).squeeze(1))


class PlainCCT(nn.Module):
    """Normalised images (B, channels, height, width) -> logits.

    Args:
        config: a `CCTConfig` of the cct family, with learnable positions, softmax attention and a
            prefix of kind `"vgg"` or none.
    """

    def __init__(self, config):
        super().__init__()
        self.tokenizer = Tokenizer(config)
        self.prefix = Prefix(config)
        self.classifier = Classifier(config)

    def forward(self, x):
        x = self.prefix(self.tokenizer(x))  # (B, D, H, W)
        return self.classifier(x.flatten(2).transpose(1, 2))
