"""Recipe: everything that a training run depends on."""

import dataclasses
import json
from pathlib import Path

from cctzoo.data.datasets import check_name
from cctzoo.models.variants import variant_config

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run: AdamW, linear warm-up and cosine decay, label smoothing.

    Args:
        dataset: a name that `data.load` knows.
        model: a name that `models.create_model` knows.
        changes: fields of `CCTConfig` that differ from the named model, e.g.
            `{"heads": 64}`; image shape, classes and pixel statistics come from the data.
        epochs: at least 1.
        batch_size: images per step.
        learning_rate: after warm-up.
        warmup_epochs: below `epochs`; the rate rises linearly from a hundredth.
        weight_decay: of kernels; norms, biases and positions have none.
        label_smoothing: in [0, 1).
        crop_padding: pixels by which a random crop may shift an image; 0 for none.
        flip: mirror images left to right at random.
        validation: part of the training images held out, in (0, 1).
        seed: of weights, order, augmentation and dropout.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.

    Raises:
        ValueError: for values out of range, an unknown data set or model.
    """

    dataset: str = "digits"
    model: str = "cct_2_3x2_32"
    changes: dict = dataclasses.field(default_factory=dict)
    epochs: int = 45
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup_epochs: int = 5
    weight_decay: float = 0.03
    label_smoothing: float = 0.1
    crop_padding: int = 2
    flip: bool = False
    validation: float = 0.1
    seed: int = 0
    precision: str = "float32"

    def __post_init__(self):
        check_name(self.dataset)
        variant_config(self.model, **self.changes)
        rules = {
            "epochs": (self.epochs >= 1, "be at least 1"),
            "batch_size": (self.batch_size >= 1, "be at least 1"),
            "learning_rate": (0 < self.learning_rate < float("inf"), "be positive"),
            "warmup_epochs": (
                0 <= self.warmup_epochs < self.epochs,
                f"be from 0 to one below `epochs`, {self.epochs}",
            ),
            "weight_decay": (0 <= self.weight_decay < float("inf"), "be 0 or positive"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "be in [0, 1)"),
            "crop_padding": (self.crop_padding >= 0, "be 0 or positive"),
            "validation": (0 < self.validation < 1, "be in (0, 1)"),
            "seed": (0 <= self.seed < 2**32, "be from 0 to 2**32 - 1"),
            "precision": (self.precision in PRECISIONS, f"be one of {PRECISIONS}"),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise ValueError(f"`{name}` must {rule}. Received: {name}={getattr(self, name)!r}")

    def save(self, path):
        """Writes the recipe as JSON."""
        Path(path).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote."""
        return cls(**json.loads(Path(path).read_text()))
