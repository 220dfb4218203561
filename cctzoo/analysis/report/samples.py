"""The test samples that a report shows, and which of them each head answers to most."""

import dataclasses
import json

import numpy as np

from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.fields import COUNTS, TEXTS, Rule, check_fields, optional
from cctzoo.formats.npz_file import open_npz, read_object
from cctzoo.formats.reading import reading
from cctzoo.typing import Array, PathLike

WHAT = "a file that `ShownSamples.save` wrote"
LISTS = Rule(
    "a list of lists of texts",
    lambda value: isinstance(value, list) and all(map(TEXTS.holds, value)),
)


@dataclasses.dataclass(frozen=True, eq=False)
class HeadAnswers:
    """The samples that the heads of one block answer to most, strongest first.

    The answer of a head to a sample is the largest output of the probe with this head only,
    divided by the largest field of the head. An answer of 1 is as strong as the mean answer to
    the label that the head recognises best.

    Args:
        samples: (N, K) integers, indices into the shown samples.
        strengths: (N, K) float32; 0 for heads without a positive field.
        labels: (N, K) integers, the output that is the largest.
        maps: (N, K, T) uint8, the attention of the head over the tokens of the sample, as from
            `attention_maps`; 255 is the largest value of a map. For texts (N, K, W), over their
            words.
    """

    samples: Array
    strengths: Array
    labels: Array
    maps: Array


@dataclasses.dataclass(frozen=True, eq=False)
class ShownSamples:
    """Some test samples, and which of them each head answers to most.

    Args:
        labels, predicted: (n,) integers, the true labels and those that the model predicts.
        rollout: (n, T) float32, attention rollout; for texts (n, W), over their words.
        answers: dict from block to the answers of its heads.
        fresh_answers: the same for a model with fresh weights.
        images: (n, height, width, channels) uint8; None for texts.
        grid: rows and columns of the tokens of an image; None for texts.
        words: the words of each text; None for images.
    """

    labels: Array
    predicted: Array
    rollout: Array
    answers: dict[int, HeadAnswers]
    fresh_answers: dict[int, HeadAnswers]
    images: Array | None = None
    grid: tuple[int, int] | None = None
    words: list[list[str]] | None = None

    def saliency(self) -> list[list[tuple[str, float]]]:
        """Returns the words of each text with their shares of the rollout; [] for images."""
        pairs = zip(self.words or [], self.rollout.tolist(), strict=False)
        return [list(zip(words, shares, strict=False)) for words, shares in pairs]

    def save(self, path: PathLike) -> None:
        """Writes everything as `.npz`."""
        arrays = {"labels": self.labels, "predicted": self.predicted, "rollout": self.rollout}
        if self.images is not None:
            arrays["images"] = self.images
        for name, blocks in (("trained", self.answers), ("fresh", self.fresh_answers)):
            for block, each in blocks.items():
                for field, value in vars(each).items():
                    arrays[f"{name}/{block:02d}/{field}"] = value
        head = json.dumps({"words": self.words, "grid": self.grid})
        with atomic_file(path) as draft:
            np.savez_compressed(draft, head=head, **arrays)

    @classmethod
    def load(cls, path: PathLike) -> "ShownSamples":
        """Reads a file that `save` wrote, without running pickled code.

        Raises:
            ValueError: if the file is broken. The error names the file and the entry.
        """
        with open_npz(path, WHAT) as stored, reading(path, WHAT):
            head = read_object(stored["head"])
            check_fields(head, {"words": optional(LISTS), "grid": optional(COUNTS)})
            arrays = {name: np.asarray(each) for name, each in stored.items() if name != "head"}
            return cls(
                labels=arrays["labels"],
                predicted=arrays["predicted"],
                rollout=arrays["rollout"],
                answers=_answers(arrays, "trained"),
                fresh_answers=_answers(arrays, "fresh"),
                images=arrays.get("images"),
                grid=head["grid"] and tuple(head["grid"]),
                words=head["words"],
            )

    def __post_init__(self):
        n, (_, tokens) = len(self.labels), self.rollout.shape
        _check("labels", self.labels, (n,), "iu")
        _check("predicted", self.predicted, (n,), "iu")
        _check("rollout", self.rollout, (n, tokens), "f")
        if self.words is None:
            _check("images", self.images, (n, *self.images.shape[1:3], self.images.shape[3]), "u")
            if tuple(self.grid) != (tokens // self.grid[1], self.grid[1]):
                raise ValueError(f"`grid` must have {tokens} tokens. Received: grid={self.grid}")
        elif len(self.words) != n or max(map(len, self.words)) > tokens:
            raise ValueError(
                f"`words` must be {n} lists of at most {tokens} words. "
                f"Received: {len(self.words)} lists"
            )
        for block, each in [*self.answers.items(), *self.fresh_answers.items()]:
            shape = each.samples.shape
            _check(f"samples of block {block}", each.samples, (*shape[:1], *shape[1:2]), "iu")
            _check(f"strengths of block {block}", each.strengths, shape, "f")
            _check(f"labels of block {block}", each.labels, shape, "iu")
            _check(f"maps of block {block}", each.maps, (*shape, tokens), "u")
            if each.samples.size and not 0 <= each.samples.min() <= each.samples.max() < n:
                raise ValueError(f"The samples of block {block} must be from 0 to {n - 1}")


def _answers(arrays, name) -> dict[int, HeadAnswers]:
    """Returns a dict from block to the arrays named, for example, trained/03/maps."""
    blocks = sorted({key.split("/")[1] for key in arrays if key.startswith(f"{name}/")})
    fields = [field.name for field in dataclasses.fields(HeadAnswers)]
    return {
        int(block): HeadAnswers(*(arrays[f"{name}/{block}/{field}"] for field in fields))
        for block in blocks
    }


def _check(name, array, shape, kinds):
    """Raises ValueError unless an array has the shape, a kind of NumPy and finite values."""
    if array.shape != shape or array.dtype.kind not in kinds:
        raise ValueError(
            f"`{name}` must have the shape {shape} and a type of kind {kinds!r}. "
            f"Received: shape={array.shape}, dtype={array.dtype}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite numbers")
