"""Export to a static folder: a page that runs a model in the browser."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.export import artifact
from cctzoo.export.convert import check_converter, convert, in_float32
from cctzoo.export.graphs import to_onnx
from cctzoo.export.litert import to_litert
from cctzoo.export.report import FLOAT_TOLERANCE, ExportError, ExportReport, check_samples
from cctzoo.export.web_runtime import (
    Runtime,
    check_runtime,
    find_tarballs,
    runtime_title,
    unpack,
)
from cctzoo.formats.atomic import atomic_folder
from cctzoo.layers.functional import stride_and_padding
from cctzoo.models.head_maps import block_heads, head_maps
from cctzoo.runtimes import load_runner
from cctzoo.typing import PathLike

PAGE = Path(__file__).parent / "page"
SUFFIXES = {"litert": ".tflite", "onnx": ".onnx"}
MAP_SAMPLES = 4  # inputs on which the attention maps are compared with Keras'


@checked_arguments
def to_web(
    model: keras.Model,
    path: PathLike,
    runtime: Runtime = "litert",
    samples: Any = None,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    heads: bool = True,
    runtime_files: PathLike | None = None,
) -> ExportReport:
    """Writes a folder with a page that classifies pictures, or texts, in the browser.

    The folder is static and complete: any web server can send it, and the page asks no other
    host. It holds the page, the model in float32, its description `model.json`, the files of
    the runtime, and `heads` for the page's view of what each head looks at. `cctzoo serve`
    shows it on this machine. The folder appears only if all checks pass.

    Args:
        model: a `CCT` or a `SoftCommittee` with a classifier; a text model needs a vocabulary.
        path: path of the folder; an existing page is replaced.
        runtime: `"litert"` (LiteRT.js, a `.tflite` file) or `"onnx"` (ONNX Runtime Web).
        samples, labels, class_names: as in `to_litert`.
        heads: whether to write a second graph, which returns the attention maps. Committees
            have none.
        runtime_files: a folder with the npm packages of the runtime, for a machine without
            internet access. Default: Keras' cache, with a download from registry.npmjs.org of
            what is missing there.

    Returns:
        The report of the model's file, with the format `"web"`, and the path and the bytes of
        the folder.

    Raises:
        ValueError: if an argument is invalid, the model cannot classify pictures or texts, or
            `path` exists and is not such a page.
        PermissionError: if the folder is not writable.
        OSError: if the files of the runtime cannot be downloaded.
        ExportError: as in `to_litert` and `to_onnx`, or if the attention maps differ from
            Keras'.
    """
    path = Path(path)
    check_runtime(runtime)
    if not path.parent.is_dir() or (path.exists() and not is_page(path)):
        raise ValueError(
            "`path` must be new or a page of `to_web`, in an existing folder. "
            f"Received: path={str(path)!r}"
        )
    artifact.check_writable(path.parent)
    model = in_float32(model)
    check_classifies(model)
    metadata = artifact.metadata(model, class_names)
    check_samples(model, samples, labels)
    check_converter(runtime)
    tarballs = find_tarballs(runtime, runtime_files)
    with atomic_folder(path) as draft:
        _copy_page(draft)
        (draft / "runtime").mkdir()
        unpack(tarballs, draft / "runtime")
        file = draft / f"model{SUFFIXES[runtime]}"
        known = {"samples": samples, "labels": labels, "class_names": class_names}
        report = (to_litert if runtime == "litert" else to_onnx)(model, file, **known)
        Path(f"{file}.json").unlink()  # its content is in `model.json`
        blocks = block_heads(model) if heads else {}
        if blocks:
            _write_heads(model, draft / f"heads{SUFFIXES[runtime]}", runtime)
        report = dataclasses.replace(report, path=str(path), format="web")
        page = page_description(model.config, runtime, blocks)
        artifact.write_metadata(draft / "model.json", metadata | {"page": page}, report)
        files = [each for each in draft.rglob("*") if each.is_file()]
        report = dataclasses.replace(report, bytes=sum(each.stat().st_size for each in files))
    return report


def is_page(path: PathLike) -> bool:
    """Whether a folder is a page of `to_web`."""
    return Path(path, "model.json").is_file() and Path(path, "js", "main.js").is_file()


def check_classifies(model: keras.Model) -> None:
    """Raises ValueError unless a page can show what a model returns."""
    config = model.config
    if not config.include_top:
        raise ValueError(
            "A page needs a model of the zoo with a classifier: it shows classes. "
            f"Received: model.name={model.name!r}, without a classifier of the zoo"
        )
    if config.kind == "texts" and config.vocabulary is None:
        raise ValueError(
            "A page needs a text model that was built with a `vocabulary=`: it turns texts into "
            f"ids. Received: model.name={model.name!r}, vocabulary=None"
        )
    if config.kind == "images" and config.input_shape[2] not in (1, 3):
        raise ValueError(
            "A page needs a model whose pictures have 1 or 3 channels. "
            f"Received: input_shape={config.input_shape}"
        )


def page_description(config: Any, runtime: str, blocks: dict[str, int]) -> dict[str, Any]:
    """What the page needs to know in addition to the metadata of an export.

    Args:
        config: the config of the model.
        runtime: one of `web_runtime.RUNTIMES`.
        blocks: the blocks whose attention maps are shown, and their numbers of heads.
    """
    suffix = SUFFIXES[runtime]
    return {
        "runtime": runtime,
        "runtime_name": runtime_title(runtime),
        "model": f"model{suffix}",
        "heads": f"heads{suffix}" if blocks else None,
        "blocks": [
            {"name": f"Block {int(name.removeprefix('block'))}", "heads": heads}
            for name, heads in blocks.items()
        ],
        "grid": list(config.grid) if blocks else None,
        "pooling": config.token_pooling if blocks else None,
        "words": _words(config) if config.kind == "texts" else None,
    }


def _words(config):
    """How the tokens of a text model cover its words, as `analysis.word_windows` reads it."""
    config = getattr(config, "members", [config])[0]
    stride, padding = stride_and_padding(config.kernel_size)
    return {
        "family": config.family,
        "kernel": config.kernel_size,
        "stride": stride,
        "padding": padding,
        "pools": sum(block in config.block_pool for block in range(config.conv_prefix)),
    }


def _copy_page(folder):
    """Copies the page without the permissions of an installed package."""
    for source in PAGE.rglob("*"):
        if source.is_file():
            target = folder / source.relative_to(PAGE)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)


def _write_heads(model, path, runtime):
    """Writes the graph of the attention maps, and compares it with Keras."""
    convert(model, path, runtime, 1, maps=True)
    inputs, _ = check_samples(model, None, None)
    inputs = inputs[:MAP_SAMPLES]
    expected = np.asarray(head_maps(model).predict(inputs, verbose=0))
    got = load_runner(path)(inputs)
    difference = float(np.abs(expected - got).max())
    if not difference <= FLOAT_TOLERANCE:  # this form refuses NaN as well
        raise ExportError(
            f"The exported attention maps must stay within {FLOAT_TOLERANCE} of Keras'. "
            f"Received: a difference of {difference:.3g}, path={str(path)!r}"
        )
