"""The graph and the metadata of a .tflite file; both scripts of this folder import it.

The metadata may come from elsewhere: every entry is checked before it is used.
"""

import contextlib
import json
import sys
import unicodedata
import zipfile

import numpy as np

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
            check(about, "output", ("logits", "probabilities", "features", "custom"))
            check(about, "decision", ("top1", "threshold", None))
            check(about, "class_names", lambda value: value is None or is_texts(value, self.count))
            one = self.count == 1
            check(about, "negative_class_name", lambda x: x is None or (one and type(x) is str))
            check(about["input"], "shape", lambda value: value == self.shape)
            self.inputs, self.kind, self.decision = (
                about[name] for name in ("input", "output", "decision")
            )
            self.negative = about["negative_class_name"]
        if self.kind == "custom":
            raise ValueError(f"{path} has a head of its own: what its outputs mean is not known")
        if self.kind == "features":
            raise ValueError(f"{path} returns features: it has no classes")
        self.names = about["class_names"] or [f"class {i}" for i in range(self.count)]

    def __call__(self, sample):
        """The probabilities of the classes or labels for one sample; ValueError if it fails."""
        sample = stored(np.asarray(sample), self.input)
        try:
            self.interpreter.set_tensor(self.input["index"], np.stack([sample] * self.batch))
            self.interpreter.invoke()
        except RuntimeError as error:
            raise ValueError(f"the graph fails ({error})") from error
        output = self.interpreter.get_tensor(self.output["index"])[0].astype("float64")
        scale, zero = self.output["quantization"]
        if scale > 0:
            output = (output - zero) * scale
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


def stored(sample, tensor):
    """A sample as the input of the graph: one of integers holds value / scale + zero point."""
    scale, zero = tensor["quantization"]
    if scale > 0:
        bounds = np.iinfo(tensor["dtype"])
        sample = np.clip(np.rint(sample / scale) + zero, bounds.min, bounds.max)
    return sample.astype(tensor["dtype"])


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
