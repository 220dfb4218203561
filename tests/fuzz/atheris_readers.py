"""Coverage-guided fuzzing of the readers of metadata, by atheris (`pip install cctzoo[fuzz]`).

    python -m tests.fuzz.atheris_readers pickle --seconds 600
    python -m tests.fuzz.atheris_readers image --seconds 600 --keep 20

It starts from the inputs in `corpus/`, and ends with an error at the first input that is not
refused clearly, takes 10 seconds or 2 GB more. That input stands in a file named `crash-...` or
`timeout-...` in the current folder. `--keep N` adds to the corpus up to N small inputs that reach
new places in the code.
"""

import argparse
import functools
import hashlib
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

INSTRUMENTED = [
    "cctzoo.formats",
    "cctzoo.weights",
    "json",
    "classify_tflite",
    "classify_text_tflite",
    "tflite_graph",
]
with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz.readers import CORPUS, Readers

MOST = 4096  # bytes of an input
SMALL = 1500  # bytes of an input that is kept


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=("pickle", "safetensors", "image", "text"))
    parser.add_argument("--seconds", type=int, default=60, help="time (60)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the inputs (1)")
    parser.add_argument("--keep", type=int, default=0, help="inputs to add to the corpus (0)")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        fuzz(options)
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "tests.fuzz.atheris_readers", *sys.argv[1:]]
        status = subprocess.run([*command, "--work", work])  # libFuzzer ends its process
        if options.keep:
            keep(Path(work, "found"), options.target, options.keep)
    sys.exit(status.returncode)


def fuzz(options: argparse.Namespace) -> None:
    """Runs libFuzzer, which does not return."""
    warnings.simplefilter("ignore")
    logging.disable()
    with atheris.instrument_imports(include=INSTRUMENTED):
        readers = Readers(options.work)
    found = options.work / "found"
    found.mkdir()
    (found / "sound").write_bytes(readers.sound_input(options.target))
    flags = [f"-seed={options.seed}", f"-max_total_time={options.seconds}", f"-max_len={MOST}"]
    flags += ["-timeout=10", "-rss_limit_mb=4096", f"-artifact_prefix={Path.cwd()}/"]
    folders = [str(found), str(CORPUS / options.target)]
    one = functools.partial(readers.check, options.target)
    atheris.Setup([sys.argv[0], *flags, *folders], one)
    atheris.Fuzz()


def keep(found: Path, target: str, most: int) -> None:
    """Copies the shortest inputs that libFuzzer has found to the corpus."""
    inputs = sorted((path.read_bytes() for path in found.iterdir()), key=len)
    for data in [each for each in inputs if 0 < len(each) <= SMALL][:most]:
        (CORPUS / target / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


if __name__ == "__main__":
    main()
