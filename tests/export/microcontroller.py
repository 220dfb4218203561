"""Exports three models for microcontrollers, compiles the C++ sources, and runs them on 100 images.

    python -m tests.export.microcontroller --cifar10 cifar10.npz
    python -m tests.export.microcontroller --designs

Needs the extras `export`, `recipes` and `micro`, and g++. Prints a table in Markdown. The programs
are compiled against the declarations in tests/export/tflm and linked with the library in the
package tflite-micro, which holds TensorFlow Lite Micro itself: the sources of TensorFlow Lite Micro
are not in any package. So the interpreter and the kernels that run are the real ones, for x86-64.

With --designs, prints the memory of models of several designs, with random weights, instead.
"""

import argparse
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import keras
import numpy as np

from cctzoo import data, export, models
from cctzoo.export.inputs import randomise_vectors
from cctzoo.models import multiply_accumulates
from cctzoo.runtimes import LiteRTRunner

DECLARATIONS = Path(__file__).parent / "tflm"
SOURCES = ("classifier.cc", "model.cc")
FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{DECLARATIONS}")
QUICK = {"activation": "quick_gelu"}
# Tag of trained weights, the changes of their model, and the precision.
MODELS = (
    ("cct_2_3x2_32.digits", QUICK, "float32"),
    ("cct_2_3x2_32.digits", QUICK, "full_int8"),
    ("cct_2_3x2_32.cifar10", QUICK, "float32"),
    ("cct_2_3x2_32.cifar10", QUICK, "full_int8"),
    ("cct_conv.cifar10_10k", QUICK, "full_int8"),
    ("cct_conv.cifar10_10k", {**QUICK, "attention": "polynomial"}, "float32"),
)
DESIGNS = (
    ("cct_2_3x2_32", {}),
    ("cct_2_3x2_32", {"input_shape": (24, 24, 3)}),
    ("cct_2_3x2_32", {"embed_dim": 64}),
    ("cct_2_3x2_32", {"heads": 8}),
    ("cct_2_3x2_32", {"heads": 32, "attention": "polynomial"}),
    ("cct_2_3x2_32", {"conv_prefix": 1}),
    ("cvt_2_4_32", {}),
    ("vit_2_4_32", {}),
    ("cct_7_3x1_32", {}),
)
IMAGES = 100


def library() -> Path:
    """The library of TensorFlow Lite Micro in the package tflite-micro."""
    from tflite_micro.python.tflite_micro import _runtime

    return Path(_runtime.__file__)


def build(folder: Path, main: Path, program: Path, sources: tuple[str, ...] = SOURCES) -> None:
    """Compiles a program with the sources of an export, and links it with the library."""
    python = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LDLIBRARY")
    libraries = [str(library()), str(Path(*python))]  # the former is an extension of Python
    paths = [f"-Wl,-rpath,{Path(path).parent}" for path in libraries]
    files = [main, *(folder / name for name in sources)]
    command = ["g++", *FLAGS, f"-I{folder}", *map(str, files), "-Wl,--no-as-needed", *libraries]
    subprocess.run([*command, *paths, "-o", str(program)], check=True)


def run_example(folder: Path) -> str:
    """Compiles and runs main.cc of an export; returns what it prints."""
    with tempfile.TemporaryDirectory() as place:
        program = Path(place, "main")
        build(folder, folder / "main.cc", program, (*SOURCES, "sample.cc"))
        return subprocess.run([program], check=True, capture_output=True, text=True).stderr


def run_images(folder: Path, images: np.ndarray) -> np.ndarray:
    """The outputs that the compiled classifier of an export computes for images."""
    with tempfile.TemporaryDirectory() as place:
        program = Path(place, "images")
        build(folder, DECLARATIONS / "images.cc", program)
        child = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True)
    return np.frombuffer(child.stdout, "float32").reshape(len(images), -1)


def main(cifar10: str | None, folder: Path) -> None:
    print(
        "| model | precision | flash: model | arena | operators: kinds, nodes | MACs | "
        "TFLM from LiteRT | "
        "C++ from LiteRT | same class | accuracy: GELU, export |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    printed = {}
    for tag, changes, precision in MODELS:
        source = "digits" if tag.endswith(".digits") else cifar10 and f"npz:{cifar10}"
        if source is None:
            print(f"| `{tag}` | needs --cifar10 |")
            continue
        dataset = data.load(source)
        name, weights = tag.split(".")
        original = models.create_model(name, weights=weights)
        model = models.create_model(name, weights=weights, **changes)
        accuracies = [accuracy(each, dataset) for each in (original, model)]
        some = np.random.default_rng(0).permutation(len(dataset.x_test))[:IMAGES]
        x = np.asarray(dataset.x_test[some], "uint8")
        place = folder / f"{tag}.{precision}"
        report = export.to_microcontroller(
            model,
            place,
            precision,
            samples=x,
            labels=dataset.y_test[some],
            calibration=dataset,
        )
        expected = LiteRTRunner(place / "model.tflite")(x)
        outputs = run_images(place, x)
        same = (outputs.argmax(-1) == expected.argmax(-1)).sum()
        operators = report.litert.operators
        changed = ", ".join(f"{key}={value}" for key, value in changes.items())
        print(
            f"| `{tag}`, {changed} | {precision} | {report.flash_bytes / 1e3:,.0f} kB | "
            f"{report.arena_bytes / 1e3:,.0f} kB | {len(operators)}, {sum(operators.values())} | "
            f"{multiply_accumulates(model.config) / 1e6:.1f} M | {report.max_difference:.1e} | "
            f"{np.abs(outputs - expected).max():.1e} | {same} of {len(x)} | "
            f"{accuracies[0]:.2%}, {accuracies[1]:.2%} |",
            flush=True,
        )
        printed[place.name] = run_example(place).strip()
    for name, line in printed.items():
        print(f"main.cc of {name}: {line}")


def main_of_designs(folder: Path) -> None:
    print("| model | tokens | flash: model | arena |")
    print("|---|---|---|---|")
    for i, (name, changes) in enumerate(DESIGNS):
        model = models.create_model(name, classes=10, **QUICK, **changes)
        randomise_vectors(model)
        report = export.to_microcontroller(model, folder / str(i))
        changed = "".join(f", {key}={value}" for key, value in changes.items())
        print(
            f"| `{name}`{changed} | {model.config.tokens} | {report.flash_bytes / 1e3:,.0f} kB | "
            f"{report.arena_bytes / 1e3:,.0f} kB |",
            flush=True,
        )


def accuracy(model: keras.Model, dataset: data.Dataset) -> float:
    outputs = model.predict(np.asarray(dataset.x_test), batch_size=64, verbose=0)
    return float((outputs.argmax(-1) == dataset.y_test).mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", help="path of a .npz file with the images of CIFAR-10")
    parser.add_argument("--designs", action="store_true", help="memory of designs, random weights")
    parser.add_argument("--to", type=Path, help="keep the folders here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = options.to or Path(temporary)
        if options.designs:
            main_of_designs(place)
        else:
            main(options.cifar10, place)
