"""Recipe: everything that a training run depends on."""

import dataclasses
import json
from pathlib import Path

from cctzoo.data import Augmentation, check_name, load
from cctzoo.data.names import kind_of
from cctzoo.formats.atomic import write_text
from cctzoo.models.variants import variant_config
from cctzoo.settings import setting
from cctzoo.weights.source import check_start

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
DECAYED = ("kernels", "matrices", "all")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run: AdamW, linear warm-up, cosine decay, label smoothing.

    The learning rate changes with every step, where the published recipes change it once an
    epoch.

    Args:
        dataset: a name that `data.load` knows.
        model: a name that `models.create_model` knows.
        changes: fields of `CCTConfig` or `TextConfig` that differ from the named model, e.g.
            `{"heads": 64}`; image shape, classes, pixel statistics and the words of a
            vocabulary come from the data.
        start_from: what the run starts from, see `weights.transfer`: a tag of trained
            weights, a folder of `weights.save_to_folder`, a `.keras` file, or a
            `.safetensors` file of `weights.save_weights`. The model is then theirs, with its
            pixel statistics, and `changes` are changes of that; `model` has no say but to
            complete a tag. Or a `.pth` checkpoint of `model` with its `changes`.
        word_vectors: path of a GloVe text file that a model for texts starts from, see
            `weights.load_word_vectors`.
        epochs: of warm-up and cosine, at least 1.
        cooldown_epochs: that follow, at the rate that the cosine ended with.
        batch_size: images or texts per step.
        accumulate: steps whose gradients are averaged before one change of the weights.
        learning_rate: after warm-up.
        warmup_epochs: below `epochs`; the rate rises linearly.
        warmup_rate: that it rises from.
        floor_rate: that the cosine ends with, at most `learning_rate`.
        weight_decay: per step, times the learning rate.
        decayed: `"kernels"`, `"matrices"` (kernels, position and token embeddings: all but
            what has one dimension, timm's rule) or `"all"`.
        label_smoothing: in [0, 1).
        clip_norm: largest norm of all gradients together; `None` for no clipping.
        ema: momentum of a moving average of the weights, in (0, 1), which is then what is
            validated and kept; `None` for none.
        augmentation: a `data.Augmentation`, of images.
        validation: part of the training samples held out, in [0, 1).
        train_samples, test_samples: how many, drawn evenly from the classes; `None`: all.
        image_size: side in pixels, for data whose images differ in size; `None`: 224.
        color_mode: `"rgb"` or `"grayscale"`, to convert all images of a folder.
        skip_unreadable: leave out files of a folder that cannot be read.
        seed: of weights, order, augmentation and dropout.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.

    Raises:
        ValueError: for values out of range, an unknown data set or model.
    """

    dataset: str = setting("digits", "name of a data set, as in cctzoo.data.load")
    model: str = setting("cct_2_3x2_32", "name of a model, as in cctzoo.models.list_models()")
    changes: dict = dataclasses.field(default_factory=dict)
    start_from: str | None = setting(
        None, "tag, folder or file of the trained weights that the run starts from"
    )
    word_vectors: str | None = setting(None, "GloVe text file with word vectors for a text model")
    epochs: int = setting(45, "epochs of warm-up and cosine decay")
    cooldown_epochs: int = setting(0, "further epochs at the last learning rate")
    batch_size: int = setting(64, "samples per step")
    accumulate: int = setting(1, "steps whose gradients are averaged before each update")
    learning_rate: float = setting(1e-3, "learning rate after warm-up")
    warmup_epochs: int = setting(5, "epochs of linear warm-up")
    warmup_rate: float = setting(1e-5, "learning rate at the start of warm-up")
    floor_rate: float = setting(0.0, "learning rate at the end of the cosine")
    weight_decay: float = setting(0.03, "decoupled weight decay, multiplied by the learning rate")
    decayed: str = setting("kernels", "weights that decay: kernels, matrices or all")
    label_smoothing: float = setting(0.1, "label smoothing, in [0, 1)")
    clip_norm: float | None = setting(None, "largest global norm of the gradients")
    ema: float | None = setting(
        None, "momentum of a moving average of the weights, which is then validated and kept"
    )
    augmentation: Augmentation = dataclasses.field(
        default_factory=lambda: Augmentation(crop_padding=2)
    )
    validation: float = setting(
        0.1, "part of the training samples held out for validation, in [0, 1)"
    )
    train_samples: int | None = setting(None, "training samples, evenly from all classes (all)")
    test_samples: int | None = setting(None, "test samples, evenly from all classes (all)")
    image_size: int | None = setting(None, "side in pixels, for images that differ in size (224)")
    color_mode: str | None = setting(None, "rgb or grayscale: convert all images")
    skip_unreadable: bool = setting(False, "skip image files that cannot be read")
    seed: int = setting(0, "seed of weights, order, augmentation and dropout")
    precision: str = setting("float32", "float32, mixed_bfloat16 or mixed_float16")

    def __post_init__(self):
        check_name(self.dataset)
        config = variant_config(self.model, **self.changes)
        if not isinstance(self.augmentation, Augmentation):
            raise ValueError(
                "`augmentation` must be a `data.Augmentation`. "
                f"Received: augmentation={self.augmentation!r}"
            )
        self._check_kind(config.kind == "texts")
        if self.start_from is not None:
            check_start(self.start_from, self.model)
        infinity = float("inf")
        rules = {
            "epochs": (self.epochs >= 1, "be at least 1"),
            "cooldown_epochs": (self.cooldown_epochs >= 0, "be 0 or positive"),
            "batch_size": (self.batch_size >= 1, "be at least 1"),
            "accumulate": (self.accumulate >= 1, "be at least 1"),
            "learning_rate": (0 < self.learning_rate < infinity, "be positive"),
            "warmup_epochs": (
                0 <= self.warmup_epochs < self.epochs,
                f"be from 0 to one below `epochs`, {self.epochs}",
            ),
            "warmup_rate": (
                0 <= self.warmup_rate <= self.learning_rate,
                f"be from 0 to `learning_rate`, {self.learning_rate}",
            ),
            "floor_rate": (
                0 <= self.floor_rate <= self.learning_rate,
                f"be from 0 to `learning_rate`, {self.learning_rate}",
            ),
            "weight_decay": (0 <= self.weight_decay < infinity, "be 0 or positive"),
            "decayed": (self.decayed in DECAYED, f"be one of {DECAYED}"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "be in [0, 1)"),
            "clip_norm": (self.clip_norm is None or 0 < self.clip_norm < infinity, "be positive"),
            "ema": (self.ema is None or 0 < self.ema < 1, "be in (0, 1), or None"),
            "validation": (0 <= self.validation < 1, "be in [0, 1)"),
            "seed": (0 <= self.seed < 2**32, "be from 0 to 2**32 - 1"),
            "precision": (self.precision in PRECISIONS, f"be one of {PRECISIONS}"),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise ValueError(f"`{name}` must {rule}. Received: {name}={getattr(self, name)!r}")

    def _check_kind(self, texts):
        """Raises ValueError for what is of images in a recipe of texts, or the reverse."""
        if kind_of(self.dataset) not in (None, "texts" if texts else "images"):
            raise ValueError(
                "Model and data set must both be for images, or both for texts. "
                f"Received: model={self.model!r}, dataset={self.dataset!r}"
            )
        if texts and self.augmentation != Augmentation():
            raise ValueError(
                "Only images are augmented: a recipe of texts has `augmentation=Augmentation()`. "
                f"Received: model={self.model!r}, augmentation={self.augmentation!r}"
            )
        if self.word_vectors is not None and not (texts and Path(self.word_vectors).is_file()):
            raise ValueError(
                "`word_vectors` must be a file that exists, for a model for texts. Received: "
                f"word_vectors={self.word_vectors!r}, model={self.model!r}"
            )

    @property
    def total_epochs(self):
        """With those of the cool-down."""
        return self.epochs + self.cooldown_epochs

    def load_data(self, **keywords):
        """The recipe's `Dataset`; keywords, e.g. `data_dir`, are those of `data.load`."""
        return load(
            self.dataset,
            self.validation,
            self.seed,
            image_size=self.image_size,
            train_samples=self.train_samples,
            test_samples=self.test_samples,
            color_mode=self.color_mode,
            skip_unreadable=self.skip_unreadable,
            **keywords,
        )

    def save(self, path):
        """Writes the recipe as JSON."""
        write_text(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote."""
        return cls.from_dict(json.loads(Path(path).read_text()))

    @classmethod
    def from_dict(cls, fields):
        """The recipe that `dataclasses.asdict` turned into a dict."""
        return cls(**fields | {"augmentation": Augmentation(**fields["augmentation"])})
