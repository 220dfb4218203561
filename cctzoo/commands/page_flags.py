"""The flags of a page for the browser, which two commands have."""

import argparse
from pathlib import Path
from typing import Any

from cctzoo.export.web_runtime import RUNTIMES


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of a page, as `export.to_web` takes them."""
    group = parser.add_argument_group("page")
    text = "LiteRT.js with a .tflite file, or ONNX Runtime Web with an .onnx file (litert)"
    group.add_argument("--runtime", choices=RUNTIMES, default="litert", help=text)
    text = "folder with the runtime's npm packages (Keras' cache, with a download)"
    group.add_argument("--runtime-files", type=Path, metavar="FOLDER", help=text)
    group.add_argument("--no-heads", action="store_true", help="without what each head looks at")


def page_options(options: argparse.Namespace) -> dict[str, Any]:
    """The flags of `add_page_arguments` as keywords of `export.to_web`."""
    return {
        "runtime": options.runtime,
        "runtime_files": options.runtime_files,
        "heads": not options.no_heads,
    }
