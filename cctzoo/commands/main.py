"""The command `cctzoo`: finds the module of a command and runs it.

Help is printed from the files in `help/`, which hold what the parsers print: building a parser
imports Keras, which takes seconds.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import cctzoo
from cctzoo.exit_codes import BROKEN_PIPE, INTERRUPTED
from cctzoo.installation import chosen_backend, import_models, select_installed_backend
from cctzoo.messages import did_you_mean, shown
from cctzoo.quiet import import_tensorflow

HELP = Path(__file__).with_name("help")
COMMANDS = {
    "list": ("list_models", "list models, or trained weights"),
    "describe": ("describe", "describe a model, trained weights or a file"),
    "train": ("train", "train a model, export it and time the exported files"),
    "fine-tune": ("fine_tune", "fine-tune a trained model on other data"),
    "committee": ("committee", "train models that differ in their heads, and average them"),
    "queue": ("queue", "train the recipes of a plan, and compare their accuracies"),
    "check-labels": ("check_labels", "find wrong labels of a data set by cross-validation"),
    "evaluate": ("evaluate", "accuracy of a trained model on a test part"),
    "predict": ("predict", "classify images or texts"),
    "export": ("export", "export a model to LiteRT, SavedModel, ONNX, OpenVINO or a web page"),
    "serve": ("serve", "show a page that runs a model in the browser"),
    "latency": ("latency", "time models and exported files alternately"),
    "search": ("search", "search models that are accurate and fast"),
    "analyse": ("analyse", "analyse what each head of a model has learned"),
    "prune": ("prune", "remove heads of a trained model"),
    "doctor": ("doctor", "show what is installed, and what is missing"),
}
WITHOUT_KERAS = ("doctor",)
WITHOUT_MODELS = ("list",)
HELP_FLAGS = ("-h", "--help")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command.

    Args:
        arguments: the words after `cctzoo`. Default: those of the command line.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in (*HELP_FLAGS, "help"):
        print(overview())
        return
    name, *rest = words
    if name in ("-V", "--version"):
        print(f"cctzoo {cctzoo.__version__}")
        return
    if name not in COMMANDS:
        _end(
            "The first word must be a command; `cctzoo --help` lists them."
            f"{did_you_mean(name, COMMANDS)} Received: {shown(name)}"
        )
    if set(rest) & set(HELP_FLAGS):
        print((HELP / f"{name}.txt").read_text(encoding="utf-8"), end="")
        return
    sys.argv = [f"cctzoo {name}", *rest]
    if name not in WITHOUT_KERAS:
        if notice := select_installed_backend():
            print(notice, file=sys.stderr)
        if name not in WITHOUT_MODELS or chosen_backend()[0] == "tensorflow":
            import_tensorflow()
        try:
            import_models()
        except ModuleNotFoundError as error:
            _end(str(error))
    importlib.import_module(f"cctzoo.commands.{COMMANDS[name][0]}").main()


def program() -> None:
    """The console command: `main`, which Ctrl-C and a closed output end without a traceback."""
    try:
        main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes at its end
        sys.exit(BROKEN_PIPE)


def overview() -> str:
    """The help of `cctzoo` itself."""
    width = max(map(len, COMMANDS))
    lines = [
        "usage: cctzoo COMMAND [...]",
        "",
        "Compact convolutional transformers with many heads, for Keras 3.",
        "",
        *(f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()),
        "",
        "`cctzoo COMMAND --help` describes a command. For example:",
        "",
        "  cctzoo predict cct_2_3x2_32.cifar10 photos/ --top 3",
        "  cctzoo train --dataset folder:photos --directory runs/photos",
        "  cctzoo export runs/photos --formats dynamic_int8",
        "",
        "The Keras backend is that of KERAS_BACKEND: jax, tensorflow or torch.",
    ]
    return "\n".join(lines)


def _end(message: str) -> NoReturn:
    print(f"cctzoo: {message}", file=sys.stderr)
    sys.exit(2)
