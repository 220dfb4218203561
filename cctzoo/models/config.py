"""CCTConfig: the settings of an image model."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

from cctzoo import limits
from cctzoo.data.image_files import MODES
from cctzoo.data.view import View
from cctzoo.layers.conv_prefix import KINDS as PREFIX_KINDS
from cctzoo.layers.functional import conv_output_size, stride_and_padding
from cctzoo.messages import shown
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.field_checks import require, require_counts
from cctzoo.models.size import HIDDEN_FILTERS
from cctzoo.plain_values import is_count, is_number
from cctzoo.settings import setting

# The largest float16, to which some dtype policies cast the normalised pixels.
LARGEST_PIXEL = 65504


@dataclasses.dataclass(frozen=True, kw_only=True)
class CCTConfig(EncoderConfig):
    """The architecture of a compact transformer for images.

    Args:
        family: `"cct"` (convolutional tokenizer, sequence pooling), `"cvt"` (patches,
            sequence pooling) or `"vit"` (ViT-Lite: patches, class token).
        kernel_size: side of the tokenizer's kernels (cct) or of a patch (cvt, vit), in pixels.
        conv_layers: number of convolutions in the tokenizer; 1 for cvt and vit.
        input_shape: (height, width, channels) of the images.
        include_preprocessing: whether the model takes pixel values 0-255 and normalises them.
        view: how image files become the model's input, which `CCT.read_images` applies; a
            `data.View`. Default: None, for models that are trained on arrays of one size.
        mean, std: mean and standard deviation of the pixels, scaled to [0, 1]: one number, or
            one per channel.

    The other arguments are those of `EncoderConfig`: `depth`, `embed_dim`, `heads`,
    `head_dim`, `attention`, `mlp_ratio`, `conv_prefix`, `prefix_kind` (`"vgg"`, `"depthwise"`),
    `prefix_filters` (default: half of `embed_dim`, and `embed_dim` in the last two blocks),
    `prefix_pool`, `positional_embedding`, `norm`, `dropout`, `attention_dropout`,
    `stochastic_depth`, `include_top`, `pooling`, `classes`, `classifier_activation` and
    `class_names`.

    Raises:
        ValueError: for a value out of its range, or values that contradict each other.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    family: str = "cct"
    kernel_size: int = setting(3, "side of the tokenizer's kernels, or of a patch, in pixels")
    conv_layers: int = 1
    input_shape: Sequence[int] = (32, 32, 3)
    include_preprocessing: bool = True
    mean: float | Sequence[float] = 0.5
    std: float | Sequence[float] = 0.5
    view: View | None = None

    kind: ClassVar[str] = "images"
    FAMILIES: ClassVar[tuple[str, ...]] = ("cct", "cvt", "vit")
    CLASS_TOKEN: ClassVar[tuple[str, ...]] = ("vit",)
    PREFIX_KINDS: ClassVar[tuple[str, ...]] = PREFIX_KINDS
    LEAST_SIDE: ClassVar[int] = 4

    def _check_input(self):
        require_counts(self, conv_layers="layers")
        require(
            self,
            isinstance(self.include_preprocessing, bool),
            "`include_preprocessing` must be True or False.",
            "include_preprocessing",
        )
        require(
            self,
            self.family == "cct" or self.conv_layers == 1,
            "`conv_layers` must be 1 for the families cvt and vit, whose tokenizer cuts patches.",
            "conv_layers",
            "family",
        )
        shape = self.input_shape
        require(
            self,
            isinstance(shape, tuple) and len(shape) == 3 and all(map(is_count, shape)),
            "`input_shape` must be three positive integers (height, width, channels).",
            "input_shape",
        )
        limits.check(
            "positions",
            math.prod(shape),
            "The number of values in an image of `input_shape`",
            input_shape=shape,
        )
        self._check_statistics()
        self._check_view()
        self._check_tokenizer()

    def _check_statistics(self):
        channels = self.input_shape[-1]
        for name in ("mean", "std"):
            value = getattr(self, name)
            values = value if isinstance(value, tuple) else (value,)
            kind = "positive number" if name == "std" else "number"
            require(
                self,
                len(values) in (1, channels)
                and all(map(is_number, values))
                and (name == "mean" or min(values) > 0),
                f"`{name}` must be a {kind}, or one such number per channel.",
                name,
                "input_shape",
            )
        mean, std = (
            value if isinstance(value, tuple) else (value,) for value in (self.mean, self.std)
        )
        # Of black and of white. The quotient itself could overflow.
        most = max(max(abs(value), abs(1 - value)) for value in mean)
        require(
            self,
            most <= LARGEST_PIXEL * min(std),
            f"Pixels that `mean` and `std` normalise must be at most {LARGEST_PIXEL}, the largest "
            "float16.",
            "mean",
            "std",
        )

    def _check_view(self):
        if isinstance(self.view, dict):  # of a config that was read from a file
            require(
                self,
                self.view.keys() <= {field.name for field in dataclasses.fields(View)},
                "A `view` must have the fields of `data.View` alone.",
                "view",
            )
            object.__setattr__(self, "view", View(**self.view))
        require(
            self,
            self.view is None or isinstance(self.view, View),
            "`view` must be a `data.View` or None.",
            "view",
        )
        require(
            self,
            self.view is None or self.input_shape[-1] in MODES.values(),
            "`view` must be None unless `input_shape` has 1 or 3 channels, as image files have.",
            "view",
            "input_shape",
        )

    def _check_tokenizer(self):
        height, width, _ = self.input_shape
        if self.family == "cct":
            stride = (2 * stride_and_padding(self.kernel_size)[0]) ** self.conv_layers
        else:
            stride = self.kernel_size
            require(
                self,
                height % stride == 0 and width % stride == 0,
                "The height and width of `input_shape` must be divisible by the side of a patch, "
                "`kernel_size`.",
                "input_shape",
                "kernel_size",
            )
        least = max(stride, self.kernel_size)
        require(
            self,
            min(height, width) >= least,
            f"The height and width of `input_shape` must be at least {shown(least)} pixels: the "
            "tokenizer's kernel and its total stride must fit.",
            "input_shape",
            "kernel_size",
            "conv_layers",
        )

    @property
    def block_filters(self) -> tuple[int, ...]:
        """Channels after each prefix block."""
        if self.prefix_filters is not None or not self.conv_prefix:
            return self.prefix_filters or ()
        wide = min(2, self.conv_prefix)
        return (max(1, self.embed_dim // 2),) * (self.conv_prefix - wide) + (self.embed_dim,) * wide

    @property
    def tokenizer_filters(self) -> int:
        """Output channels of the tokenizer: D, or fewer before a prefix, which widens the map."""
        return HIDDEN_FILTERS if self.conv_prefix else self.embed_dim

    @property
    def tokenizer_grids(self) -> list[tuple[int, int]]:
        """(height, width) after each tokenizer step."""
        height, width, _ = self.input_shape
        if self.family != "cct":
            return [(height // self.kernel_size, width // self.kernel_size)]
        grids = []
        stride, padding = stride_and_padding(self.kernel_size)
        for _ in range(self.conv_layers):
            for size, step, pad in ((self.kernel_size, stride, padding), (3, 2, 1)):  # pooling
                height, width = (
                    conv_output_size(side, size, step, pad) for side in (height, width)
                )
            grids.append((height, width))
        return grids

    @property
    def grids(self) -> list[tuple[int, int]]:
        """(height, width) after each tokenizer step, then after each prefix block."""
        grids = self.tokenizer_grids
        for i in range(self.conv_prefix):
            height, width = grids[-1]
            if i in self.block_pool:
                height, width = max(1, height // 2), max(1, width // 2)
            grids.append((height, width))
        return grids
