"""Classifies texts with a .tflite file that cctzoo exported.

    pip install numpy ai-edge-litert
    python classify_text_tflite.py model.tflite "First text" "Second text"
    python classify_text_tflite.py model.tflite --top 3 --threads 4 < lines.txt

The device needs only this file and the two packages, not Keras, TensorFlow or cctzoo. Without
texts on the command line, each line of the standard input is a text. The vocabulary and the class
names are read from the .tflite file.
"""

import argparse
import json
import re
import sys
import time
import zipfile
from pathlib import Path

import numpy as np

UNKNOWN, FIRST = 0, 2  # ids of an unknown word and of the first word of the vocabulary


def main():
    options = parse_arguments()
    try:
        model = Model(options.model, options.threads)
    except (ValueError, OSError) as error:
        sys.exit(f"classify_text_tflite.py: {error}")
    for text in options.texts or map(str.rstrip, sys.stdin):
        start = time.perf_counter()
        probabilities = model(text)
        milliseconds = 1e3 * (time.perf_counter() - start)
        best = np.argsort(-probabilities)[: options.top]
        words = [f"{model.class_names[i]} {probabilities[i]:.1%}" for i in best]
        print(f"{text}: {', '.join(words)}  ({milliseconds:.1f} ms)")


class Model:
    """A .tflite file as a function from a text to probabilities."""

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        try:
            with zipfile.ZipFile(path) as archive:
                self.about = json.loads(archive.read("metadata.json"))
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(
                f"{path} has no metadata: it was not exported by cctzoo, or is truncated"
            ) from error
        inputs = self.about["input"]
        if not inputs.get("vocabulary"):
            raise ValueError(f"{path} has no vocabulary: it takes images, or ids without words")
        self.ids = {word: i for i, word in enumerate(inputs["vocabulary"], start=FIRST)}
        self.word, self.padding = re.compile(inputs["word"]), inputs["padding"]
        self.interpreter = Interpreter(str(path), num_threads=threads)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]
        self.output = self.interpreter.get_output_details()[0]
        self.batch, self.length = map(int, self.input["shape"])
        count = self.output["shape"][-1]
        self.class_names = self.about["class_names"] or [f"class {i}" for i in range(count)]

    def __call__(self, text):
        words = [word.lower() for word in self.word.findall(text)][: self.length]
        ids = np.full((self.batch, self.length), self.padding, "int32")
        ids[:, : len(words)] = [self.ids.get(word, UNKNOWN) for word in words]
        self.interpreter.set_tensor(self.input["index"], ids)
        self.interpreter.invoke()
        output = self.interpreter.get_tensor(self.output["index"])[0]
        if self.about["output"] == "logits":
            output = np.exp(output - output.max())
            output /= output.sum()
        return output


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a .tflite file")
    parser.add_argument("texts", nargs="*", help="texts (default: the lines of the standard input)")
    parser.add_argument("--top", type=int, default=1, help="classes to print (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of LiteRT (default: 1)")
    options = parser.parse_intermixed_args()  # allows texts after the options
    if options.top < 1 or options.threads < 1:
        parser.exit(2, "classify_text_tflite.py: --top and --threads must be at least 1\n")
    if not options.model.is_file():
        parser.exit(2, f"classify_text_tflite.py: no such file: {options.model}\n")
    return options


if __name__ == "__main__":
    main()
