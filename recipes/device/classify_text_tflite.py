"""Classifies texts with a .tflite file that cctzoo exported.

    pip install numpy ai-edge-litert
    python classify_text_tflite.py model.tflite "First text" "Second text"
    python classify_text_tflite.py model.tflite --top 3 --threads 4 < lines.txt

The device needs this file, tflite_graph.py next to it and the two packages, but not Keras,
TensorFlow or cctzoo. Without
texts on the command line, each line of the standard input is a text. The vocabulary and the class
names are read from the .tflite file.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import numpy as np
from tflite_graph import Graph, check, complete, is_texts, printable

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
