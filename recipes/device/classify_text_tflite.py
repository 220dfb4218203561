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

UNKNOWN, FIRST = 0, 2  # ids of an unknown word and of the first word of the vocabulary


def main():
    options = parse_arguments()
    sys.stdout.reconfigure(errors="backslashreplace")  # for a terminal without Unicode
    try:
        model = TextModel(options.model, options.threads)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(printable(f"classify_text_tflite.py: {error}"))
    for text in options.texts or lines():
        start = time.perf_counter()
        probabilities = model.graph(model.ids(text))
        milliseconds = 1e3 * (time.perf_counter() - start)
        answer = model.graph.answer(probabilities, options.top)
        print(printable(f"{text}: {answer}  ({milliseconds:.1f} ms)"))


class TextModel:
    """The graph of a .tflite file, and how it reads texts."""

    def __init__(self, path, threads):
        self.graph = Graph(path, threads)
        inputs = self.graph.inputs
        if not inputs.get("vocabulary"):
            raise ValueError(f"{path} has no vocabulary: it takes images, or ids without words")
        with complete(path):
            (self.length,) = self.graph.shape
            self.words = {word: i for i, word in enumerate(inputs["vocabulary"], start=FIRST)}
            self.word, self.padding = re.compile(inputs["word"]), int(inputs["padding"])

    def ids(self, text):
        """(length,) int32: the ids of the words, and padding."""
        words = [word.lower() for word in self.word.findall(text)][: self.length]
        ids = np.full(self.length, self.padding, "int32")
        ids[: len(words)] = [self.words.get(word, UNKNOWN) for word in words]
        return ids


def lines():
    """The lines of the standard input, in which invalid bytes become U+FFFD."""
    sys.stdin.reconfigure(errors="replace")
    return map(str.rstrip, sys.stdin)


# The rest, apart from the arguments, is the same in both scripts.


class Graph:
    """The graph of a .tflite file: a function from one sample to probabilities with names."""

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        with complete(path):
            with zipfile.ZipFile(path) as archive:
                about = json.loads(archive.read("metadata.json"))
            self.interpreter = Interpreter(str(path), num_threads=threads)
            self.interpreter.allocate_tensors()
            (self.input,) = self.interpreter.get_input_details()
            (self.output,) = self.interpreter.get_output_details()
            self.batch, *self.shape = map(int, self.input["shape"])
            count = int(self.output["shape"][-1])
            self.inputs, self.kind, self.decision = (
                about[name] for name in ("input", "output", "decision")
            )
            self.names = about["class_names"] or [f"class {i}" for i in range(count)]
            if self.inputs["shape"] != self.shape or len(self.names) != count:
                raise ValueError("the metadata are those of another graph")
            self.negative = about["negative_class_name"]
        if self.kind == "features":
            raise ValueError(f"{path} returns features: it has no classes")

    def __call__(self, sample):
        """The probabilities of the classes or labels for one sample."""
        self.interpreter.set_tensor(self.input["index"], np.stack([sample] * self.batch))
        self.interpreter.invoke()
        output = self.interpreter.get_tensor(self.output["index"])[0].astype("float64")
        if self.kind == "logits" and self.decision == "threshold":
            return 1 / (1 + np.exp(-output))
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
    """The text with escapes for control characters, line ends and invalid Unicode."""
    escaped = ("Cc", "Cs", "Zl", "Zp")
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in escaped else each
        for each in str(text)
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
        parser.exit(2, f"classify_text_tflite.py: no such file: {options.model}\n")
    return options


if __name__ == "__main__":
    main()
