"""Recipe: everything that a training run depends on."""

import dataclasses
from pathlib import Path
from typing import Any

from cctzoo.data import Augmentation, Dataset, check_name, load
from cctzoo.data.image_size import ImageSize, height_width
from cctzoo.data.label_file import check_label_file
from cctzoo.data.names import kind_of
from cctzoo.data.sources import SOURCES
from cctzoo.formats.atomic import write_json
from cctzoo.formats.fields import from_fields
from cctzoo.formats.reading import read_json, reading
from cctzoo.messages import received
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.models.variants import variant_config
from cctzoo.plain_values import make_plain
from cctzoo.settings import setting
from cctzoo.training.recipe_checks import check_fields, path_text, sources_text, weights_of
from cctzoo.typing import PathLike
from cctzoo.weights.address import without_download
from cctzoo.weights.source import locate_weights

DATA_OPTIONS = (
    *("fold", "labels", "train_samples", "test_samples", "image_size", "color_mode"),
    *("skip_unreadable", "data_dir", "manual_dir"),
)
DATASET_NAMES = ", ".join(source.form for source in SOURCES)
PATHS = ("start_from", "word_vectors", "labels", "data_dir", "manual_dir")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that a training run depends on: data, model, optimisation and augmentation.

    A run uses AdamW or Muon, linear warm-up, cosine decay and label smoothing. The learning rate
    changes at every step; in the published recipes it changes once per epoch.

    Args:
        dataset: name of a data set, see `data.load`.
        model: name of a model, see `models.list_models`.
        changes: config fields that differ from the named model, e.g. `{"heads": 64}`. Input
            shape, classes, pixel statistics and the vocabulary come from the data.
        start_from: trained weights that the run starts from, see `weights.transfer`: a tag, a
            folder of `weights.save_to_folder` or its address, a `.keras` file, or a
            `.safetensors` file of `weights.save_weights`. These also fix the model and its pixel
            statistics: `changes` then apply to that model, and `model` is used only to complete
            a tag. A `.pth` checkpoint holds weights of `model` with its `changes`.
        word_vectors: path of a GloVe text file for a text model, see
            `weights.load_word_vectors`.
        epochs: epochs of warm-up and cosine decay together, at least 1.
        cooldown_epochs: further epochs at the last learning rate of the cosine.
        batch_size: samples per step.
        accumulate: steps whose gradients are averaged before each update of the weights.
        optimizer: `"adamw"`, or `"muon"`: the updates of the kernels of dense layers and
            convolutions are orthogonal matrices, of the size that AdamW's updates have; AdamW
            trains all other weights, among them those of the classifier.
        learning_rate: learning rate after warm-up.
        warmup_epochs: epochs of linear warm-up, fewer than `epochs`.
        warmup_rate: learning rate at the start of warm-up.
        floor_rate: learning rate at the end of the cosine, at most `learning_rate`.
        weight_decay: decoupled weight decay per step, multiplied by the learning rate.
        decayed: weights that decay: `"kernels"`, `"matrices"` (every weight with more than one
            dimension, which is timm's rule: kernels, position and token embeddings) or `"all"`.
        label_smoothing: in [0, 1).
        teacher: trained models whose outputs are targets too (distillation): one or several tags,
            addresses, files or run directories. The mean of the probabilities of several teachers,
            their committee, is learned. They must take the same samples and know the same classes.
        teacher_weight: weight of the teachers in the loss, from 0 to 1; the labels have the rest.
        teacher_temperature: softens the outputs of teachers and student, arXiv 1503.02531.
        class_weights: `"balanced"` weights the loss of each sample by n / (classes * samples of
            its class), so that rare classes count as much as frequent ones; a mixed image has
            the mixture of the weights. Default: every sample counts the same.
        best_by: validation figure whose highest value chooses the epoch of `best.keras`:
            `"accuracy"`, or `"mean_class_accuracy"`, the mean of the accuracies of the classes.
        clip_norm: largest global norm of the gradients. Default: no clipping.
        ema: momentum, in (0, 1), of a moving average of the weights. The average is then
            validated and saved. Default: no average.
        augmentation: augmentation of images. The recipe of a text model keeps the default
            `Augmentation()`.
        validation: part of the training samples held out for validation, in [0, 1).
        fold: fold of a cross-validation that is held out in place of `validation`: `"2/5"` is the
            second of five.
        labels: CSV file with other labels for some training samples, see `data.load`.
        train_samples, test_samples: number of samples, drawn evenly from the classes.
            Default: all.
        image_size: side, or (height, width), in pixels, for images that differ in size. Default:
            that of the model that the run starts from, or else of `model`.
        color_mode: `"rgb"` or `"grayscale"`: convert all images of a folder or a TFDS set.
            Default: that of the model that the run starts from, or else no conversion.
        skip_unreadable: skip image files of a folder that cannot be read.
        data_dir: folder in which TensorFlow Datasets keeps its data. Default: the one of TFDS.
        manual_dir: folder with archives of a TFDS set that were downloaded by hand.
        seed: seed of weights, order, augmentation and dropout.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.

    Raises:
        ValueError: if a value is out of range or of another type, the model is unknown or exceeds
            one of the `limits`, or values contradict each other. Whether the data and the files
            exist is checked by `check_sources`.
    """

    dataset: str = setting("digits", f"{DATASET_NAMES}, or a name of TensorFlow Datasets")
    model: str = setting("cct_2_3x2_32", "name of a model, as in `cctzoo list`")
    changes: dict = dataclasses.field(default_factory=dict)
    start_from: PathLike | None = setting(
        None, "tag, folder, address or file of the trained weights that the run starts from"
    )
    word_vectors: PathLike | None = setting(
        None, "GloVe text file with word vectors for a text model"
    )
    epochs: int = setting(45, "epochs of warm-up and cosine decay")
    cooldown_epochs: int = setting(0, "further epochs at the last learning rate")
    batch_size: int = setting(64, "samples per step")
    accumulate: int = setting(1, "steps whose gradients are averaged before each update")
    optimizer: str = setting("adamw", "adamw, or muon: orthogonal updates of the kernels")
    learning_rate: float = setting(1e-3, "learning rate after warm-up")
    warmup_epochs: int = setting(5, "epochs of linear warm-up")
    warmup_rate: float = setting(1e-5, "learning rate at the start of warm-up")
    floor_rate: float = setting(0.0, "learning rate at the end of the cosine")
    weight_decay: float = setting(0.03, "decoupled weight decay, multiplied by the learning rate")
    decayed: str = setting("kernels", "weights that decay: kernels, matrices or all")
    label_smoothing: float = setting(0.1, "label smoothing, in [0, 1)")
    teacher: tuple[str, ...] | None = setting(
        None, "trained models to learn from: tags, addresses, files or run directories"
    )
    teacher_weight: float = setting(0.5, "weight of the teachers in the loss, from 0 to 1")
    teacher_temperature: float = setting(2.0, "softens the outputs of teachers and student")
    class_weights: str | None = setting(
        None, "balanced: rare classes count as much in the loss as frequent ones"
    )
    best_by: str = setting(
        "accuracy", "figure that chooses the best epoch: accuracy or mean_class_accuracy"
    )
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
    fold: str | None = setting(None, "hold out this fold, e.g. 2/5, in place of --validation")
    labels: PathLike | None = setting(None, "CSV file of check-labels with other labels")
    train_samples: int | None = setting(None, "training samples, evenly from all classes (all)")
    test_samples: int | None = setting(None, "test samples, evenly from all classes (all)")
    image_size: ImageSize | None = setting(
        None, "side, or height and width, in pixels, for images that differ in size (the model's)"
    )
    color_mode: str | None = setting(None, "rgb or grayscale: convert all images")
    skip_unreadable: bool = setting(False, "skip image files that cannot be read")
    data_dir: PathLike | None = setting(
        None, "folder in which TensorFlow Datasets keeps its data (that of TFDS)"
    )
    manual_dir: PathLike | None = setting(
        None, "folder with archives of a TFDS set that were downloaded by hand"
    )
    seed: int = setting(0, "seed of weights, order, augmentation and dropout")
    precision: str = setting("float32", "float32, mixed_bfloat16 or mixed_float16")

    def __post_init__(self) -> None:
        make_plain(self)
        for name in PATHS:
            object.__setattr__(self, name, path_text(name, getattr(self, name)))
        object.__setattr__(self, "teacher", sources_text("teacher", self.teacher))
        for name in ("dataset", "model"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(
                    f"`{name}` must be a str. {received(**{name: getattr(self, name)})}"
                )
        if self.image_size is not None:
            height, width = height_width(self.image_size)
            size = height if height == width else (height, width)  # JSON has lists for tuples
            object.__setattr__(self, "image_size", size)
        if not isinstance(self.augmentation, Augmentation):
            raise ValueError(
                "`augmentation` must be a `data.Augmentation`. "
                f"{received(augmentation=self.augmentation)}"
            )
        check_fields(self)
        self._check_changes()
        self._check_kind(self.config().kind)

    def _check_changes(self) -> None:
        """Raises ValueError if `changes` contradict the data, or ask for an untrained output."""
        if not isinstance(self.changes, dict):
            raise ValueError(
                "`changes` must be a dict of fields of the model's config. "
                f"{received(changes=self.changes)}"
            )
        if "view" in self.changes:
            raise ValueError(
                f"The view of a model is that of its data set. {received(changes=self.changes)}"
            )
        wanted = {"classifier_activation": None, "include_top": True}
        for name, value in wanted.items():
            if self.changes.get(name, value) is not value:
                raise ValueError(
                    "A run trains a classifier that returns logits of classes that exclude each "
                    "other; train binary and multi-label models by Keras' `fit`. "
                    f"{received(changes=self.changes)}"
                )

    def _check_kind(self, kind: str) -> None:
        """Raises ValueError if a field is for the other kind of data than the model."""
        if kind_of(self.dataset) not in (None, kind):  # None: known after loading
            raise ValueError(
                "A model and its data set must be of the same kind. "
                f"{received(model=self.model, dataset=self.dataset)}"
            )
        if kind == "texts" and self.augmentation != Augmentation():
            raise ValueError(
                "`augmentation` must be `Augmentation()` for a text model: only images are "
                f"augmented. Received: model={self.model!r}, augmentation={self.augmentation!r}"
            )
        if self.word_vectors is not None and kind != "texts":
            raise ValueError(
                "`word_vectors` must be None unless the model is a text model. "
                f"{received(word_vectors=self.word_vectors, model=self.model)}"
            )

    def check_sources(self) -> None:
        """Raises ValueError unless the data set, the trained weights and `word_vectors` exist.

        `train` and `resume` call it first. A recipe is valid without its sources, so that a
        finished run can be opened on a machine where they are absent.
        """
        check_name(self.dataset, self.data_dir)
        if self.labels is not None:
            check_label_file(self.labels)
        if self.start_from is not None:
            locate_weights(self.start_from, self.model, argument="start_from")
        for source in self.teacher or ():
            locate_weights(weights_of(source), argument="teacher")
        if self.word_vectors is not None and not Path(self.word_vectors).is_file():
            raise ValueError(
                "`word_vectors` must be a file that exists. "
                f"Received: word_vectors={self.word_vectors!r}"
            )

    def config(self) -> CCTConfig | TextConfig:
        """Returns the config of `model` with its `changes`, before the data complete it."""
        return variant_config(self.model, **self.changes)

    @property
    def total_epochs(self) -> int:
        """All epochs, those of the cool-down included."""
        return self.epochs + self.cooldown_epochs

    def with_epochs(self, epochs: int) -> "Recipe":
        """Returns a recipe with another number of epochs and its warm-up in proportion."""
        warmup_epochs = self.warmup_epochs * epochs // self.epochs
        return dataclasses.replace(self, epochs=epochs, warmup_epochs=warmup_epochs)

    def load_data(self) -> Dataset:
        """Loads the data set with all data options of the recipe."""
        options = {name: getattr(self, name) for name in DATA_OPTIONS}
        return load(self.dataset, self.validation, self.seed, **options)

    def save(self, path: PathLike) -> None:
        """Writes the recipe as JSON."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: PathLike) -> "Recipe":
        """Reads a file of `save`.

        Raises:
            ValueError: if the file is broken, or not a recipe. The error names the file.
        """
        what = "a recipe that `Recipe.save` wrote"
        fields = read_json(path, what)
        with reading(path, what):
            return cls.from_dict(fields)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Recipe":
        """Returns the recipe of a dict that `dataclasses.asdict` made, e.g. from a file.

        If `start_from` or a teacher is the address of a model, only a copy in the cache is used:
        `cached:` is put in front of it. An address that is given as an argument, e.g. to
        `dataclasses.replace`, is downloaded.

        Args:
            fields: the fields, `augmentation` as a dict; others may be missing.

        Raises:
            ValueError: if a field is unknown, or has a wrong type or value.
        """
        if not isinstance(fields, dict):
            raise ValueError(f"A recipe must be an object. {received(recipe=fields)}")
        policy = from_fields(Augmentation, fields.get("augmentation"))
        recipe = from_fields(cls, fields | {"augmentation": policy})
        teacher = recipe.teacher and tuple(map(without_download, recipe.teacher))
        start_from = without_download(recipe.start_from)
        return dataclasses.replace(recipe, start_from=start_from, teacher=teacher)
