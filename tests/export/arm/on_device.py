"""Runs on the ARM machine and on this one, with NumPy, Pillow, LiteRT and the scripts for devices.

    python on_device.py answers TASKS.json      # prints a line of JSON for each
    python on_device.py count MODEL.tflite...   # asks for the counts around one inference of each

TASKS.json holds a list of `[script, model, samples]`: the name of a script of `recipes/device`, a
.tflite file, and the arguments after it: texts, or a folder of images.
"""

import contextlib
import io
import json
import os
import re
import runpy
import sys
from pathlib import Path
from unittest import mock

import numpy as np


def main():
    task, *arguments = sys.argv[1:]
    if task == "count":
        for path in arguments:
            count(path)
        return
    tasks = json.loads(Path(*arguments).read_text())
    for each in tasks:
        print(json.dumps(answer(*each)), flush=True)


def answer(script, model, samples):
    """What a script prints from its command line, and the probabilities that it had."""
    import tflite_graph  # `recipes/device` is in PYTHONPATH

    probabilities, classify = [], tflite_graph.Graph.__call__

    def recorded(graph, sample):
        probabilities.append(classify(graph, sample))
        return probabilities[-1]

    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    file = Path(tflite_graph.__file__).with_name(f"{script}.py")
    with (
        contextlib.redirect_stdout(output),
        mock.patch("sys.argv", [script, model, *samples]),
        mock.patch.object(tflite_graph.Graph, "__call__", recorded),
        contextlib.suppress(SystemExit),  # a failure leaves a sample without an answer
    ):
        runpy.run_path(str(file), run_name="__main__")
    output.seek(0)
    return {
        # Without the path or the text, and without the time.
        "printed": [
            re.sub(r"  \([\d.]+ ms\)$", "", line.rpartition(": ")[2])
            for line in output.read().splitlines()
        ],
        "probabilities": [each.tolist() for each in probabilities],
    }


def count(path):
    """Has the plugin print its counts before and after the second inference.

    The first one prepares; the second one does what all later ones do.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    (details,) = interpreter.get_input_details()
    pixels = np.random.default_rng(0).integers(0, 256, details["shape"])
    interpreter.set_tensor(details["index"], pixels.astype(details["dtype"]))
    interpreter.invoke()
    os.getppid()
    interpreter.invoke()
    os.getppid()


if __name__ == "__main__":
    main()
