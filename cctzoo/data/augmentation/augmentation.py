"""Augmentation: random changes of training images, drawn with NumPy, applied with Keras."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from keras import ops

from cctzoo import limits
from cctzoo.data.augmentation import boxes, mixing, pixels, policies
from cctzoo.messages import received
from cctzoo.plain_values import check_types, is_number, is_one_of, make_plain
from cctzoo.settings import setting
from cctzoo.typing import Array, Tensor

POLICIES = (None, "randaugment", "autoaugment")
GREY = 128.0  # AutoAugment's fill value in the code of the legacy recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of training images, drawn per image and reproducible by seed.

    `draw` takes the random numbers from a NumPy generator, so that they depend neither on the
    backend nor on the number of devices that share a batch. `__call__` applies them in
    `keras.ops`, inside the compiled training step. The order of the steps is that of the
    sources: crop, flip, RandAugment, erasing, mixing (timm), or AutoAugment before crop and
    flip (the legacy recipe). Warps are bilinear, whereas the sources choose randomly between
    bilinear and bicubic.

    Args:
        crop_padding: pixels of zero padding from which a crop of the image's size is taken; 0
            for no crop.
        crop_scale: the smallest and the largest share of the image's area, in (0, 1], that a
            random resized crop keeps, with an aspect ratio from 3/4 to 4/3; `None` for no crop.
        flip: mirror left to right with probability one half.
        policy: `"randaugment"` (timm's variant with increasing severity; 15 operations, each
            selected one applied with probability one half), `"autoaugment"` (the 25
            sub-policies for CIFAR-10) or `None`.
        magnitude: RandAugment's magnitude, from 0 to 10.
        magnitude_std: standard deviation of the magnitude, 0 or positive.
        operations: operations that RandAugment selects per image, at least 1.
        erasing: probability that a box of 2 % to a third of the area is replaced by per-pixel
            noise with the mean and the standard deviation of the data.
        mixup: parameter of the Beta distribution of mixup's weight; 0 for no mixup.
        cutmix: the same for CutMix. With both, each batch gets one of the two, with equal
            probability.
        mixing_epochs: epochs after which mixup and CutMix stop; `None` for never.

    Raises:
        ValueError: if a value is out of range or of another type, or both kinds of crops are
            given.

    References: Cubuk et al., arXiv 1805.09501 (AutoAugment) and 1909.13719 (RandAugment);
    Zhang et al., arXiv 1710.09412 (mixup); Yun et al., arXiv 1905.04899 (cutmix); Zhong et
    al., arXiv 1708.04896 (erasing).
    """

    crop_padding: int = setting(
        0, "pixels of zero padding from which a crop of the image's size is taken"
    )
    crop_scale: tuple[float, float] | None = setting(
        None, "least and largest part of the area that a random resized crop keeps"
    )
    flip: bool = setting(False, "mirror left to right with probability one half")
    policy: str | None = setting(None, "randaugment or autoaugment")
    magnitude: float = setting(9.0, "magnitude of RandAugment, from 0 to 10")
    magnitude_std: float = setting(0.5, "standard deviation of the magnitude")
    operations: int = setting(2, "operations that RandAugment chooses per image")
    erasing: float = setting(0.0, "probability that a random box is replaced by noise")
    mixup: float = setting(0.0, "parameter of mixup's Beta distribution; 0: no mixup")
    cutmix: float = setting(0.0, "parameter of CutMix' Beta distribution; 0: no CutMix")
    mixing_epochs: int | None = setting(None, "epochs after which mixup and CutMix stop (never)")

    def __post_init__(self):
        make_plain(self)
        check_types(
            self,
            integers=("crop_padding", "operations", "mixing_epochs"),
            numbers=("magnitude", "magnitude_std", "erasing", "mixup", "cutmix"),
            booleans=("flip",),
            optional=("mixing_epochs",),
        )
        scale = self.crop_scale
        shares = isinstance(scale, tuple) and len(scale) == 2 and all(map(is_number, scale))
        rules = {
            "crop_padding": (self.crop_padding >= 0, "be 0 or positive"),
            "crop_scale": (
                scale is None or (shares and 0 < scale[0] <= scale[1] <= 1),
                "be two shares of the area, in (0, 1] and ascending, or None",
            ),
            "policy": (is_one_of(self.policy, POLICIES), f"be one of {POLICIES}"),
            "magnitude": (0 <= self.magnitude <= policies.TOP_LEVEL, "be from 0 to 10"),
            "magnitude_std": (self.magnitude_std >= 0, "be 0 or positive"),
            "operations": (self.operations >= 1, "be at least 1"),
            "erasing": (0 <= self.erasing <= 1, "be a probability"),
            "mixup": (self.mixup >= 0, "be 0 or positive"),
            "cutmix": (self.cutmix >= 0, "be 0 or positive"),
            "mixing_epochs": (
                self.mixing_epochs is None or self.mixing_epochs >= 0,
                "be 0 or positive, or None",
            ),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise ValueError(f"`{name}` must {rule}. {received(**{name: getattr(self, name)})}")
        for name, limit in {"crop_padding": "positions", "operations": "layers"}.items():
            limits.check(limit, getattr(self, name), f"`{name}`", **{name: getattr(self, name)})
        if self.crop_padding and scale is not None:
            raise ValueError(
                "Only one of `crop_padding` and `crop_scale` can be given. "
                f"Received: crop_padding={self.crop_padding}, crop_scale={scale}"
            )

    @property
    def mixes(self) -> bool:
        """Whether the images of a batch are mixed in pairs; the batch size must then be even."""
        return self.mixup > 0 or self.cutmix > 0

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        height: int,
        width: int,
        epoch: int = 0,
        crop: bool = True,
    ) -> dict[str, Array]:
        """Draws the random numbers for a batch, a dict of arrays with `count` rows.

        Args:
            rng: the generator.
            count: images in the batch.
            height, width: size of the images, in pixels.
            epoch: counted from 0.
            crop: `False` if the images were cropped when they were decoded.
        """
        draws = {"frame": self._draw_frame(rng, count, height, width, crop)}
        if self.policy == "randaugment":
            draws |= policies.draw_randaugment(
                rng, count, height, width, self.operations, self.magnitude, self.magnitude_std
            )
        elif self.policy == "autoaugment":
            draws |= policies.draw_autoaugment(rng, count, height, width)
        if self.erasing:
            chosen = rng.random(count) < self.erasing
            box = boxes.erasing_boxes(rng, count, height, width)
            draws["erased"] = np.where(chosen[:, None], box, 0)
            draws["noise"] = rng.integers(0, 2**31 - 1, count, dtype="int32")
        if self.mixes:
            off = self.mixing_epochs is not None and epoch >= self.mixing_epochs
            draws["mixed"], draws["weight"] = (
                mixing.unmixed(count)
                if off
                else mixing.draw(rng, count, height, width, self.mixup, self.cutmix)
            )
        return draws

    def _draw_frame(self, rng, count, height, width, crop):
        """(n, 6) matrices of crop and flip, from output to input coordinates."""
        top, left = np.zeros((2, count))
        rows, columns = np.full(count, height), np.full(count, width)
        if self.crop_padding:
            reach = self.crop_padding
            top, left = rng.integers(-reach, reach + 1, (2, count))
        elif self.crop_scale is not None and crop:
            sides = np.full(count, height), np.full(count, width)
            draws = boxes.draw_crops(rng, count)
            top, left, rows, columns = boxes.resized_crops(draws, *sides, self.crop_scale).T
        flipped = (rng.random(count) < 0.5) & self.flip
        across, down, none = columns / width, rows / height, np.zeros(count)
        across, left = (
            np.where(flipped, -across, across),
            np.where(flipped, left + columns, left),
        )
        return np.stack([across, none, left, none, down, top], axis=1).astype("float32")

    def mix_targets(self, targets: Array, draws: dict[str, Array]) -> Array:
        """Mixes targets (B, classes) like the images that `__call__` mixes in pairs."""
        return mixing.mix_targets(targets, draws["weight"]) if self.mixes else targets

    def __call__(
        self,
        images: Tensor,
        draws: dict[str, Tensor],
        mean: float | Sequence[float] = GREY,
        std: float | Sequence[float] = 64.0,
    ) -> Tensor:
        """Applies the random changes to a batch.

        Args:
            images: (B, height, width, channels) with values 0-255. Policies need 1 or 3
                channels.
            draws: the result of `draw` for the same B.
            mean: mean of the data per channel, in 0-255: the fill value of RandAugment.
            std: standard deviation likewise, for the noise of erasing.

        Returns:
            Float32 images of the same shape, with values 0-255 except for the noise.
        """
        images = ops.cast(images, "float32")
        # A padded crop shows zeros outside the image; a resized crop stays within it.
        outside = 0.0 if self.crop_padding else None
        fill = GREY if self.policy == "autoaugment" else mean
        if self.policy == "autoaugment":
            images = self._transform(images, draws, fill)
        if self.crop_padding or self.crop_scale is not None:
            images = pixels.warp(images, draws["frame"], outside)
        elif self.flip:
            flipped = ops.reshape(draws["frame"][:, 0] < 0, (-1, 1, 1, 1))
            images = ops.where(flipped, ops.flip(images, axis=2), images)
        if self.policy == "randaugment":
            images = self._transform(ops.floor(images + 0.5), draws, fill)
        if self.erasing:
            noise = pixels.normal_noise(draws["noise"], images.shape[1:])
            noise = ops.add(ops.multiply(noise, std), mean)  # both may be arrays of NumPy
            images = ops.where(pixels.inside(draws["erased"], images.shape), noise, images)
        if self.mixes:
            images = mixing.mix_images(images, draws["mixed"], draws["weight"])
        return images

    def _transform(self, images, draws, fill):
        if images.shape[-1] not in (1, 3):
            raise ValueError(
                "`policy` needs images with 1 or 3 channels. "
                f"Received: policy={self.policy!r}, channels={images.shape[-1]}"
            )
        for k in range(draws["operation"].shape[1]):
            images = pixels.transform(
                images, draws["operation"][:, k], draws["amount"][:, k], draws["warp"][:, k], fill
            )
        return images
