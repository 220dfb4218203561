"""Classifies texts with a .tflite file that cctzoo exported.

    pip install numpy ai-edge-litert
    python classify_text_tflite.py model.tflite "First text" "Second text"
    python classify_text_tflite.py model.tflite --top 3 --threads 4 < lines.txt

The device needs only this file and the two packages, not Keras, TensorFlow or cctzoo. Without
texts on the command line, each line of the standard input is a text. The vocabulary and the class
names are read from the .tflite file.
"""

import argparse
import contextlib
import json
import re
import sys
import time
import unicodedata
import zipfile
from pathlib import Path

import numpy as np

UNKNOWN, PADDING, FIRST = 0, 1, 2  # ids: unknown word, padding, first word of the vocabulary

# The words of a text, as in cctzoo.
SEPARATORS = (
    r"\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xa0\xa1\xa7\xab\xb6\xb7\xbb\xbf"
    "\u05be\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f"
    "\u3000-\u3003\u3008-\u3011\u3014-\u301f\u30fb\ufe00-\ufe0f\ufeff"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufffc\ufffd"
)
SINGLES = (
    "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
    "\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff"
)
WORD = re.compile(f"[{SINGLES}]|[^{SEPARATORS}{SINGLES}]+")


def main():
    options = parse_arguments()
    sys.stdout.reconfigure(errors="backslashreplace")  # for a terminal without Unicode
    try:
        model = TextModel(options.model, options.threads)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(printable(f"classify_text_tflite.py: {error}"))
    failed = 0
    for text in options.texts or lines():
        start = time.perf_counter()
        try:
            probabilities = model.graph(model.ids(text))
        except ValueError as error:
            failed += 1
            print(printable(f"{text}: {error}"), file=sys.stderr)
            continue
        milliseconds = 1e3 * (time.perf_counter() - start)
        answer = model.graph.answer(probabilities, options.top)
        print(printable(f"{text}: {answer}  ({milliseconds:.1f} ms)"))
    sys.exit(1 if failed else 0)


class TextModel:
    """The graph of a .tflite file, and how it reads texts."""

    def __init__(self, path, threads):
        self.graph = Graph(path, threads)
        inputs = self.graph.inputs
        if not inputs.get("vocabulary"):
            raise ValueError(f"{path} has no vocabulary: it takes images, or ids without words")
        with complete(path):
            (self.length,) = self.graph.shape
            if self.graph.input["dtype"] != np.int32:
                raise ValueError("its input is not ids")
            check(inputs, "vocabulary", is_texts)
            check(inputs, "padding", (PADDING,))
            # A pattern from a file is not run: one can take hours for a short text.
            check(inputs, "word", (WORD.pattern,))
            self.words = {word: i for i, word in enumerate(inputs["vocabulary"], start=FIRST)}

    def ids(self, text):
        """(length,) int32: the ids of the words, and padding."""
        words = [word.lower() for word in WORD.findall(text)][: self.length]
        ids = np.full(self.length, PADDING, "int32")
        ids[: len(words)] = [self.words.get(word, UNKNOWN) for word in words]
        return ids


def lines():
    """The lines of the standard input, in which invalid bytes become U+FFFD."""
    sys.stdin.reconfigure(errors="replace")
    return map(str.rstrip, sys.stdin)


# The rest, apart from the arguments, is the same in both scripts.

LARGEST = 2**24  # bytes of the metadata; a vocabulary of 100,000 words has 2 MB


class Graph:
    """The graph of a .tflite file: a function from one sample to probabilities with names."""

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        with complete(path):
            about = metadata(path)
            self.interpreter = Interpreter(str(path), num_threads=threads)
            self.interpreter.allocate_tensors()
            (self.input,) = self.interpreter.get_input_details()
            (self.output,) = self.interpreter.get_output_details()
            self.batch, *self.shape = map(int, self.input["shape"])
            self.count = int(self.output["shape"][-1])
            check(about, "input", lambda value: isinstance(value, dict))
            check(about, "output", ("logits", "probabilities", "features"))
            check(about, "decision", ("top1", "threshold", None))
            check(about, "class_names", lambda value: value is None or is_texts(value, self.count))
            one = self.count == 1
            check(about, "negative_class_name", lambda x: x is None or (one and type(x) is str))
            check(about["input"], "shape", lambda value: value == self.shape)
            self.inputs, self.kind, self.decision = (
                about[name] for name in ("input", "output", "decision")
            )
            self.negative = about["negative_class_name"]
        if self.kind == "features":
            raise ValueError(f"{path} returns features: it has no classes")
        self.names = about["class_names"] or [f"class {i}" for i in range(self.count)]

    def __call__(self, sample):
        """The probabilities of the classes or labels for one sample; ValueError if it fails."""
        try:
            self.interpreter.set_tensor(self.input["index"], np.stack([sample] * self.batch))
            self.interpreter.invoke()
        except RuntimeError as error:
            raise ValueError(f"the graph fails ({error})") from error
        output = self.interpreter.get_tensor(self.output["index"])[0].astype("float64")
        if output.shape != (self.count,):
            raise ValueError(f"the graph returns {output.shape} and not {self.count} numbers")
        if self.kind == "logits" and self.decision == "threshold":
            return 1 / (1 + np.exp(-np.clip(output, -700, 700)))  # exp(710) overflows
        if self.kind == "logits":
            output = np.exp(output - output.max())
            output /= output.sum()
        return output

    def answer(self, probabilities, top):
        """The `top` most probable classes; of independent labels, by default all above 50 %."""
        names = self.names
        if self.negative is not None:  # of a model with one output
            names, probabilities = [self.negative, *names], [1 - probabilities[0], probabilities[0]]
        elif self.decision == "threshold" and top is None:
            top = max(np.count_nonzero(probabilities > 0.5), len(names) == 1)
        best = np.argsort(-np.asarray(probabilities), kind="stable")[: 1 if top is None else top]
        return ", ".join(f"{names[i]} {probabilities[i]:.1%}" for i in best) or "no label"


def metadata(path):
    """The JSON object in a .tflite file; its size is checked before it is unpacked."""
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("metadata.json")
        # The other methods can unpack a few bytes into gigabytes at once.
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("metadata.json is compressed in another way than cctzoo does")
        if entry.file_size > LARGEST:
            raise ValueError(f"metadata.json has {entry.file_size} bytes, at most {LARGEST}")
        about = json.loads(archive.read(entry))
    if not isinstance(about, dict):
        raise ValueError("metadata.json is not an object")
    return about


def check(values, name, known):
    """ValueError if an entry of the metadata is not among `known` values, or `known` says no."""
    value = values[name]
    if not (known(value) if callable(known) else value in known):
        raise ValueError(f"{name!r} in metadata.json is {repr(value)[:80]}")


def is_texts(value, count=None):
    """Whether a value is a list of texts, of a certain length if a count is given."""
    texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return texts and count in (None, len(value))


def is_number(value):
    """Whether a value is an integer or a float, neither a Boolean nor infinite."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


@contextlib.contextmanager
def complete(path):
    """Turns every error of the block, on a file that is not as it should be, into one line."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} was not exported by this version of cctzoo, or is damaged "
            f"({type(error).__name__}: {error})"
        ) from error


def printable(text):
    """The text with escapes for control characters, line ends and invalid Unicode.

    Among them are the marks that reverse the direction of all that follows.
    """
    categories = ("Cc", "Cs", "Zl", "Zp")
    directions = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")

    def escaped(each):
        category, direction = unicodedata.category(each), unicodedata.bidirectional(each)
        return category in categories or direction in directions

    return "".join(
        each.encode("unicode_escape").decode() if escaped(each) else each for each in str(text)
    )


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a .tflite file")
    parser.add_argument("texts", nargs="*", help="texts (default: the lines of the standard input)")
    parser.add_argument("--top", type=int, help="classes to print (1, or the labels over 50%%)")
    parser.add_argument("--threads", type=int, default=1, help="threads of LiteRT (1)")
    options = parser.parse_intermixed_args()  # allows texts after the options
    if min(options.threads, 1 if options.top is None else options.top) < 1:
        parser.exit(2, "classify_text_tflite.py: --top and --threads must be at least 1\n")
    if not options.model.is_file():
        parser.exit(2, printable(f"classify_text_tflite.py: no such file: {options.model}") + "\n")
    return options


if __name__ == "__main__":
    main()
