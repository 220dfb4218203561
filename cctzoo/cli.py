"""Command-line arguments of the training recipes: one for each field of a `Recipe`."""

import argparse
import contextlib
import dataclasses
import json
import time
import types
import typing
from pathlib import Path

from cctzoo.data import Augmentation
from cctzoo.models import TextConfig
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.settings import help_texts
from cctzoo.training.callbacks import TrainingDiverged
from cctzoo.training.presets import PRESETS
from cctzoo.training.recipe import Recipe
from cctzoo.training.train import check_directory, resume, train

DIGITS = Recipe()
MODEL_CHANGES = ("heads", "head_dim", "conv_prefix", "depth", "embed_dim")
TEXT_CHANGES = ("length", "vocabulary_size", "kernel_size")
LOADING = ("data_dir", "manual_dir")
FIELDS = {field.name for field in dataclasses.fields(Recipe)} - {"changes"}
POLICY = {field.name for field in dataclasses.fields(Augmentation)}


def recipe_parser(description, preset="digits"):
    """A parser that knows the fields of `Recipe` and `Augmentation`, and how to run one.

    Args:
        description: shown by `--help`.
        preset: that is taken unless `--preset` names another.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--directory", type=Path, help="of the run, new or empty (default: runs/MODEL-TIME)")
    add("--resume", type=Path, metavar="DIRECTORY", help="go on with this run; no recipe then")
    add("--devices", type=int, default=1, help="that share each batch (JAX, TensorFlow)")
    add("--workers", type=int, help="threads that decode images (default: one per processor)")
    add("--tensorboard", action="store_true", help="write events")
    add_recipe_arguments(parser, preset)
    texts = help_texts(EncoderConfig) | help_texts(TextConfig)
    group = parser.add_argument_group("model (default: the recipe's)")
    for name in (*MODEL_CHANGES, *TEXT_CHANGES):
        group.add_argument(flag(name), type=json.loads, metavar="JSON", help=texts[name])
    return parser


def add_recipe_arguments(parser, preset="digits"):
    """Adds what `recipe_from` reads: the preset, and one flag for each field of its recipe."""
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument(
        "--manual-dir", help="where downloaded archives lie, for machines without internet"
    )
    group = parser.add_argument_group("recipe")
    group.add_argument(
        "--preset", choices=PRESETS, default=preset, help=f"which has the defaults ({preset})"
    )
    group.add_argument(
        "--changes", type=json.loads, metavar="JSON", help='more of CCTConfig: {"dropout": 0.1}'
    )
    for kind in (Recipe, Augmentation):
        texts = help_texts(kind)
        for name, hint in typing.get_type_hints(kind).items():
            if name not in ("changes", "augmentation"):
                group.add_argument(
                    flag(name), help=texts[name], default=argparse.SUPPRESS, **_options(hint)
                )


def parse(parser, **defaults):
    """Reads the command line.

    `defaults` take the place of arguments that are not given, e.g. `heads=64`. Whatever is
    wrong with the arguments ends the program with one line and exit code 2.

    Returns:
        (the parsed arguments, recipe, directory, keywords of `train`). With `--resume` the
        recipe is `None`, and the directory is that of the run that goes on.
    """
    options = parser.parse_args()
    try:
        return options, *_parse_run(vars(options), defaults)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


@contextlib.contextmanager
def exit_on_error(parser, directory):
    """Ends the program with one line where data or training fail, or at Ctrl-C."""
    try:
        yield
    except (ValueError, OSError, ImportError, TrainingDiverged) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: interrupted; go on with --resume {directory}\n")


def run_recipe(parser, **defaults):
    """Does what the command line says, and prints the test accuracy.

    Returns:
        (`Run`, the parsed arguments). Errors end the program, see `parse`.
    """
    options, recipe, directory, keywords = parse(parser, **defaults)
    with exit_on_error(parser, directory):
        if recipe is None:
            done = resume(directory, **keywords)
        else:
            done = train(recipe, directory, **keywords)
    report = done.report
    noun = done.dataset.kind
    print(
        f"\ntest accuracy {report['test_accuracy']:.2%} on {report['test_samples']} {noun}, "
        f"trained in {report['training_seconds']:.0f} s "
        f"({report['samples_per_second']:.0f} {noun}/s, {report['backend']}): {directory}\n"
    )
    return done, options


def recipe_from(values, **defaults):
    """The `Recipe` that arguments say.

    Args:
        values: dict of parsed arguments, with those of `add_recipe_arguments`.
        defaults: that take the place of arguments which are not given.

    Returns:
        (the recipe, keywords of `data.load` that are none of its fields).

    Raises:
        ValueError: as `Recipe` does.
    """
    given = defaults | _given(values)
    base = {field.name: getattr(DIGITS, field.name) for field in dataclasses.fields(Recipe)}
    base |= PRESETS[given["preset"]]
    if "warmup_epochs" not in given and "epochs" in given:
        # A shorter run warms up for the same part of it.
        given["warmup_epochs"] = given["epochs"] * base["warmup_epochs"] // base["epochs"]
    start = given.get("start_from")
    if start is not None and not start.endswith((".pth", ".pt")):
        base["changes"] = {}  # of another model: the start says what model it is
    changes = {name: given[name] for name in (*MODEL_CHANGES, *TEXT_CHANGES) if name in given}
    base |= {name: given[name] for name in FIELDS & set(given)}
    base["changes"] = base["changes"] | given.get("changes", {}) | changes
    base["augmentation"] = dataclasses.replace(
        base["augmentation"], **{name: given[name] for name in POLICY & set(given)}
    )
    return Recipe(**base), {name: given[name] for name in LOADING if name in given}


def _given(values):
    """Without what is absent. (None is also what a field was set to by "none".)"""
    return {
        name: value
        for name, value in values.items()
        if value is not None or name in FIELDS | POLICY
    }


def _parse_run(values, defaults):
    given = _given(values)
    keywords = {
        name: given[name]
        for name in ("devices", "workers", "tensorboard", *LOADING)
        if name in given
    }
    if "resume" in given:
        odd = (FIELDS | POLICY | {*MODEL_CHANGES, *TEXT_CHANGES, "changes", "directory"}) & set(
            given
        )
        if odd:
            raise ValueError(
                "A run that goes on has its recipe. "
                f"Received: --resume with {', '.join(flag(name) for name in sorted(odd))}"
            )
        return None, given["resume"], keywords
    recipe, _ = recipe_from(values, **defaults)
    directory = given.get("directory") or Path(
        "runs", f"{recipe.model}-{time.strftime('%Y%m%d-%H%M%S')}"
    )
    check_directory(directory)
    return recipe, directory, keywords


def flag(name):
    """The command-line flag of a name."""
    return f"--{name.replace('_', '-')}"


def _options(hint):
    """Keywords of `add_argument` for a field's type; "none" sets a field to None."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if not isinstance(hint, types.UnionType):
        return {"type": hint, "metavar": hint.__name__.upper()}
    kind = next(each for each in typing.get_args(hint) if each is not type(None))
    if typing.get_origin(kind) is tuple:
        return {"action": _Several, "nargs": "+", "metavar": "FLOAT"}

    def convert(text):
        return None if text == "none" else kind(text)

    convert.__name__ = kind.__name__  # argparse's messages name it
    return {"type": convert, "metavar": f"{kind.__name__.upper()}|none"}


class _Several(argparse.Action):
    """Numbers, or the word none."""

    def __call__(self, parser, namespace, values, option_string=None):
        try:
            numbers = None if values == ["none"] else tuple(map(float, values))
        except ValueError:
            raise argparse.ArgumentError(self, f"not numbers: {' '.join(values)!r}") from None
        setattr(namespace, self.dest, numbers)
