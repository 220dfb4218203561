"""Odd arguments of public functions: each call is refused clearly, or returns.

    python -m tests.fuzz.arguments --seed 0 --count 2000

One argument of a call that works is replaced by an odd value. Calls that would train, convert or
time a model, or use the network, have another argument that is refused last.
"""

import contextlib
import functools
import inspect
import random
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo import analysis, data, export, latency, limits, models, runs, training, weights
from cctzoo.messages import shown
from tests.fuzz.cases import Fault, Tally, described, is_clear, main, run_cases
from tests.fuzz.cases import arguments as flags
from tests.fuzz.draws import odd_values

Calls = dict[Callable, dict[str, Any]]
IMAGE = {"depth": 1, "embed_dim": 4, "heads": 1, "input_shape": (8, 8, 3), "classes": 3}
TEXT = {"depth": 1, "embed_dim": 4, "heads": 1, "word_dim": 3, "length": 5, "classes": 2}
MOST_MEMORY = 500 * 2**20  # bytes that a call may allocate
SMALL = {"array_bytes": 2**26, "layers": 20, "weights": 2**20, "positions": 2**16, "labels": 2**14}


def calls(folder: Path) -> Calls:
    """Arguments with which each function works, or is refused as the module's docstring says.

    Args:
        folder: for files that the functions read.
    """
    model = models.create_model("cct_2_3x2_32", **IMAGE)
    text = models.text_cct(vocabulary=("a", "cat"), **TEXT)
    x, y = np.zeros((6, 8, 8, 3), "uint8"), np.arange(6) % 3
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    weights.save_weights(model, folder / "own.safetensors")
    weights.save_pytorch_checkpoint(model, folder / "model.pth")
    weights.save_to_folder(model, folder / "saved")
    (folder / "glove.txt").write_text("cat 1 2 3\n")
    fields = np.random.default_rng(0).random((2, 3, 3))
    nowhere = str(folder / "none")  # a folder that does not exist
    found: Calls = {
        models.CCTConfig: IMAGE,
        models.TextConfig: TEXT,
        models.CCT: {"config": model.config, "name": "cct", "dtype": "float32"},
        models.text_cct: {"size": 2, "kernel_size": 2, **TEXT},
        models.Vocabulary: {"words": ("a", "b"), "length": 4},
        models.Vocabulary.fit: {"texts": ["a b", "a"], "size": 3, "length": 2, "least_count": 1},
        models.soft_committee: {
            **{"members": [model], "average": "logits", "weights": [1], "name": "committee"},
            "classifier_activation": None,
        },
        models.feature_extractor: {"model": model, "features": models.feature_names(model)[:1]},
        models.multiply_accumulates: {"config": model.config},
        models.list_models: {"pattern": "*", "weights": False},
        data.View: {"orient": True, "crop_pct": 0.9, "interpolation": "bicubic"},
        data.Augmentation: {"crop_padding": 0, **_defaults(data.Augmentation)},
        data.load: {
            **{"name": f"npz:{folder / 'data.npz'}", "validation": 0.2, "seed": 0},
            **{"train_samples": 6, "test_samples": 3, "image_size": None},
        },
        data.check_name: {"name": "digits", "data_dir": None},
        data.read_images: {"images": nowhere, "shape": (8, 8, 3), "view": data.View()},
        data.take: {"x": x, "indices": [0, 1]},
        data.ImageBatches: {
            **{"x": x, "y": y, "classes": 3, "batch_size": 2, "augmentation": None, "seed": 0},
            **{"epoch": 0, "workers": 1, "class_weights": None},
        },
        data.TextBatches: {
            **{"x": np.ones((6, 5), "int32"), "y": y, "classes": 3, "batch_size": 2, "seed": 0},
            **{"epoch": 0, "class_weights": None},
        },
        training.Recipe: _defaults(training.Recipe),
        training.preset: {"name": sorted(training.PRESETS)[0]},
        training.load_recipe: {"directory": nowhere},
        training.open_run: {"directory": nowhere},
        training.check_directory: {"directory": nowhere},
        training.train: {"recipe": None, "directory": nowhere, "devices": 1, "workers": 1},
        training.resume: {"directory": nowhere, "devices": 1, "workers": 1},
        training.evaluate: {"model": model, "x": x, "y": y, "batch_size": 2},
        training.predict: {"model": model, "x": x, "batch_size": 2},
        weights.describe: {"tag": "cct_2_3x2_32.digits"},
        weights.list_weights: {"pattern": "*"},
        weights.open_weights: {"weights": str(folder / "own.safetensors"), "model": None},
        weights.load_model: {"path": str(folder / "own.safetensors"), "dtype": None},
        weights.load_from_folder: {"path": str(folder / "saved"), "dtype": None},
        weights.load_weights: {"model": model, "path": str(folder / "own.safetensors")},
        weights.load_pytorch_checkpoint: {
            **{"model": model, "path": str(folder / "model.pth"), "grid": None, "strict": True}
        },
        weights.load_state_dict: {
            **{"model": model, "arrays": weights.state_dict(model), "grid": None, "strict": True}
        },
        weights.load_word_vectors: {"model": text, "path": str(folder / "glove.txt")},
        weights.save_weights: {"model": model, "path": nowhere, "dtype": "float32"},
        weights.save_pytorch_checkpoint: {"model": model, "path": nowhere},
        weights.save_to_folder: {
            **{"model": model, "path": str(folder / "saved"), "dtype": "float32", "licence": None},
            **{"dataset": None, "accuracy": None, "notes": ""},
        },
        weights.state_dict: {"model": model},
        weights.transfer: {"source": model, "target": model},
        analysis.ProbeOptions: _defaults(analysis.ProbeOptions),
        analysis.head_importance: {"model": model, "samples": x, "labels": y, "batch_size": 2},
        analysis.head_ablation: {"model": model, "samples": x, "labels": y, "blocks": 0},
        analysis.attention_entropy: {"model": model, "samples": x, "batch_size": 2},
        analysis.attention_rank: {"model": model, "samples": x, "batch_size": 2},
        analysis.head_offsets: {"model": model, "samples": x, "batch_size": 2},
        analysis.class_relevance: {"model": model, "samples": x, "labels": y, "batch_size": 2},
        analysis.class_directions: {"model": model, "samples": x, "labels": y, "steps": 2},
        analysis.prune_heads: {"model": model, "keep": {0: [0]}, "name": None},
        analysis.masked_predictions: {"model": model, "samples": x, "keep": {0: [0]}},
        analysis.word_saliency: {"model": text, "texts": ["a cat"], "batch_size": 2},
        analysis.normalise: {"fields": fields},
        analysis.unit_clusters: {"fields": fields, "threshold": 0.3, "evidence": None},
        analysis.find_clusters: {"recognised": np.eye(3, dtype=bool)},
        latency.measure: {"targets": {"none": nowhere}, "threads": 1, "runs": 1, "warmup": 0},
        limits.raised: {"layers": 20},
        runs.open_model: {"source": str(folder / "own.safetensors")},
        runs.is_run: {"path": nowhere},
        runs.is_variant: {"source": "cct_2_3x2_32"},
    }
    converted = {"model": model, "samples": x, "labels": y, "class_names": list("abc")}
    for function, suffix in (
        (export.to_litert, ".tflite"),
        (export.to_onnx, ".onnx"),
        (export.to_openvino, ".xml"),
        (export.to_saved_model, ""),
    ):
        found[function] = {**converted, "path": str(folder / "none" / f"model{suffix}")}
    found[export.to_litert] |= {"precision": "int8", "batch": 1, "least_agreement": 0.9}
    return found


def _defaults(function):
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, int | float | str | tuple | None)
    }


def check_case(numbers: random.Random, folder: Path, known: Calls) -> str:
    """Calls a function with an odd argument; returns the outcome.

    Raises:
        Fault: for an exception that is no clear refusal.
    """
    function = numbers.choice(sorted(known, key=lambda each: each.__qualname__))
    name = numbers.choice(sorted(known[function]))
    value = numbers.choice(odd_values())
    given = known[function] | {name: value}
    error = _refusal(function, given, folder)
    if error is None:
        return "returned"
    # A function that passes the value on may have another name for it.
    named = is_clear(error, (*given, shown(value), "variant", "path"))
    # What is missing on disk is an error of the system, which names the path itself.
    clear = named or (isinstance(error, OSError) and error.filename)
    if clear or str(error) == str(_refusal(function, known[function], folder)):
        return "refused"
    call = f"{function.__module__}.{function.__qualname__}({name}={value!r:.100})"
    raise Fault(f"{call}: not a clear refusal: {described(error)}") from error


def _refusal(function, given, folder):
    """The exception of a call, or None."""
    try:
        with limits.raised(**SMALL), warnings.catch_warnings(), contextlib.chdir(folder):
            warnings.simplefilter("ignore")
            result = function(**given)
            if hasattr(result, "__enter__"):
                with result:
                    pass
    except Exception as error:
        return error
    return None


def check_arguments(seed: int, count: int) -> Tally:
    """Runs cases of a seed."""
    with tempfile.TemporaryDirectory() as folder:
        case = functools.partial(check_case, known=calls(Path(folder)))
        return run_cases(case, seed, count, most_memory=MOST_MEMORY)


if __name__ == "__main__":
    options = flags(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as place:
        main(functools.partial(check_case, known=calls(Path(place))), options, MOST_MEMORY)
