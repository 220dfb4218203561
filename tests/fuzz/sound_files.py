"""A sound file of every kind that the package reads, and the function that reads it."""

import dataclasses
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from cctzoo import data, models, runs, training, weights
from cctzoo.analysis import BlockPerformance, HeadScores, Performance
from cctzoo.analysis.recognition.probe import Probe
from cctzoo.analysis.report.explorer import explorer_page
from cctzoo.analysis.report.saved import read_analysis
from cctzoo.data.sources.records import TFRecords
from cctzoo.export.artifact import embed_in_litert, metadata
from cctzoo.training import checkpoint
from tests.analysis.report.sample_report import sample_report
from tests.fuzz.scripts import load_script, run_script
from tuning.latency import EdgeLatency
from tuning.optuna_sampler import distributions
from tuning.optuna_storage import JOURNAL, RECORD, TrialQueue
from tuning.plan import LatencyObjective, SearchPlan
from tuning.records import Record
from tuning.space import SearchSpace

CORPUS = Path(__file__).parent / "corpus"
WORDS = ("a", "cat", "dog", "the")
IMAGE = {
    **{"depth": 1, "embed_dim": 4, "heads": 1, "mlp_ratio": 1, "conv_layers": 1, "classes": 3},
    **{"input_shape": (8, 8, 3), "view": data.View()},
}
TEXT = {
    **{"depth": 1, "embed_dim": 4, "heads": 1, "mlp_ratio": 1, "classes": 2, "word_dim": 3},
    **{"length": 5, "vocabulary": WORDS},
}
SCRIPT = "tflite.py: "  # the scripts for devices print one line in their own words
SEARCH_RECIPE = {"changes": {"conv_layers": 1, "depth": 1}, "dataset": "digits"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        path: of the file to tamper with, relative to a folder that has its other files as well.
        read: reads the file, given the folder.
        word: what the message of a refusal contains.
    """

    path: str
    read: Callable[[Path], Any]
    word: str = "Received"


class SoundFiles:
    """Writes sound files, and reads files of the same kinds.

    Args:
        folder: where the sound files are written, one folder per kind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keras.utils.set_random_seed(0)
        self.model = models.create_model("cct_2_3x2_32", **IMAGE)
        self.texts = models.text_cct(**TEXT)
        self.committee = models.soft_committee([self.model, self.model])
        self.optimizer = keras.optimizers.AdamW()
        self.optimizer.build(self.model.trainable_variables)
        names = ("classify_tflite", "classify_text_tflite")
        self.scripts = [load_script(name) for name in names]
        self.kinds = self._weights() | self._runs() | self._analysis() | self._data()
        self.kinds |= self._device()
        self._write()

    def copy(self, name: str, folder: Path) -> Path:
        """Copies the files of a kind; returns the path of the one to tamper with."""
        shutil.copytree(self.folder / name, folder, dirs_exist_ok=True)
        return folder / self.kinds[name].path

    def _weights(self):
        def build(name):
            def read(folder):
                with weights.open_weights(folder / name) as source:
                    return source.build()

            return read

        def fill(name):
            return lambda folder: models.create_model(
                "cct_2_3x2_32", weights=folder / name, **IMAGE
            )

        def load(folder):
            weights.load_weights(self.model, folder / "own.safetensors")

        return {
            "keras": Kind("model.keras", build("model.keras")),
            "keras opened": Kind("model.keras", lambda x: runs.open_model(x / "model.keras")),
            "committee": Kind("committee.keras", build("committee.keras")),
            "committee's folder": Kind("saved/config.json", build("saved")),
            "keras weights": Kind("model.weights.h5", fill("model.weights.h5")),
            "safetensors": Kind("own.safetensors", build("own.safetensors")),
            "safetensors loaded": Kind("own.safetensors", load),
            "authors' safetensors": Kind("authors.safetensors", build("authors.safetensors")),
            "text safetensors": Kind("text.safetensors", build("text.safetensors")),
            "folder's config": Kind("saved/config.json", build("saved")),
            "folder's weights": Kind("saved/model.safetensors", build("saved")),
            "pytorch": Kind("model.pth", fill("model.pth")),
            "word vectors": Kind(
                "glove.txt", lambda x: weights.load_word_vectors(self.texts, x / "glove.txt")
            ),
        }

    def _runs(self):
        def resume(folder):
            return checkpoint.load(folder / "checkpoint.npz", self.model, self.optimizer)

        return {
            "recipe": Kind("recipe.json", training.load_recipe),
            "report": Kind("report.json", training.open_run),
            "history": Kind("history.csv", training.open_run),
            "fingerprint": Kind("data.json", lambda folder: training.open_run(folder).fingerprint),
            "model of a run": Kind("model.keras", lambda folder: training.open_run(folder).model),
            "checkpoint": Kind("checkpoint.npz", resume),
            "search": Kind("search.json", SearchPlan.load),
            "trial": Kind("trial_0/record.json", lambda x: Record.load(x / "trial_0")),
            "journal": Kind(JOURNAL, lambda folder: TrialQueue(folder).return_lost_trials()),
        }

    def _analysis(self):
        return {
            "performance": Kind("heads.npz", lambda x: Performance.load(x / "heads.npz")),
            "scores": Kind("scores.json", lambda x: HeadScores.load(x / "scores.json")),
            "samples": Kind("samples.npz", lambda x: explorer_page([read_analysis(x)])),
            "roles": Kind("roles.npz", lambda x: explorer_page([read_analysis(x)])),
            "figures": Kind("figures.json", lambda x: explorer_page([read_analysis(x)])),
        }

    def _data(self):
        def records(folder):
            source = TFRecords([folder / "data.tfrecord"])
            return [source[i] for i in range(len(source))]

        return {
            "npz": Kind("data.npz", lambda folder: data.load(f"npz:{folder / 'data.npz'}")),
            "csv": Kind("data.csv", lambda folder: data.load(f"csv:{folder / 'data.csv'}")),
            "jsonl": Kind("data.jsonl", lambda folder: data.load(f"jsonl:{folder / 'data.jsonl'}")),
            "tfrecord": Kind("data.tfrecord", records),
            "picture": Kind("cat.png", lambda x: self.model.read_images(x / "cat.png")),
        }

    def _device(self):
        images, texts = self.scripts

        def classify(folder):
            return run_script(images, [str(folder / "image.tflite"), str(folder / "cat.png")])

        def read(folder):
            return run_script(texts, [str(folder / "text.tflite"), "a" * 40 + "!", "a cat"])

        return {
            "tflite": Kind("image.tflite", classify, SCRIPT),
            "tflite's picture": Kind("cat.png", classify, "cat.png: "),
            "text tflite": Kind("text.tflite", read, SCRIPT),
        }

    def _write(self):
        for name, kind in self.kinds.items():
            folder = self.folder / name
            folder.mkdir(parents=True)
            self._write_weights(folder, kind.path)
            if name in ("recipe", "report", "history", "fingerprint", "model of a run"):
                self._write_run(folder)
        _write_data(self.folder)
        for name, file, model, names in (
            ("tflite", "image", self.model, ["cat", "dog", "owl"]),
            ("tflite's picture", "image", self.model, ["cat", "dog", "owl"]),
            ("text tflite", "text", self.texts, ["bad", "good"]),
        ):
            path = self.folder / name / f"{file}.tflite"
            shutil.copy(CORPUS / f"{file}.tflite", path)
            embed_in_litert(path, metadata(model, names))
        for name in ("tflite", "tflite's picture", "picture"):
            pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 3), "uint8")
            Image.fromarray(pixels).save(self.folder / name / "cat.png")
        self._write_others()

    def _write_weights(self, folder, name):
        model = self.texts if name == "text.safetensors" else self.model
        if name == "model.keras":
            model.save(folder / name)
        elif name == "committee.keras":
            self.committee.save(folder / name)
        elif name == "model.weights.h5":
            model.save_weights(folder / name)
        elif name in ("own.safetensors", "text.safetensors"):
            weights.save_weights(model, folder / name)
        elif name in ("authors.safetensors", "model.pth"):
            weights.save_pytorch_checkpoint(model, folder / name)
        elif name.startswith("saved/"):
            saved = self.committee if "committee" in folder.name else model
            weights.save_to_folder(saved, folder / "saved")
        elif name == "glove.txt":
            lines = [f"{word} 0.1 -0.25 {i}" for i, word in enumerate(WORDS)]
            (folder / name).write_text("\n".join(lines) + "\n")

    def _write_run(self, folder):
        training.Recipe(changes={"depth": 1}).save(folder / "recipe.json")
        figures = {"test_accuracy": 0.5, "test_samples": 9, "last_validation_accuracy": 0.5}
        figures |= {"training_seconds": 2.0, "samples_per_second": 3.5, "backend": "jax"}
        (folder / "report.json").write_text(json.dumps(figures))
        (folder / "history.csv").write_text("epoch,loss,seconds\n1,0.5,0.25\n2,0.4,0.5\n")
        parts = {part: {"samples": 9, "sha256": "00ff"} for part in ("train", "validation", "test")}
        fingerprint = {"name": "x", "classes": ["a", "b"], "shape": [8, 8, 3], "parts": parts}
        (folder / "data.json").write_text(json.dumps(fingerprint))
        if not (folder / "model.keras").exists():
            self.model.save(folder / "model.keras")

    def _write_others(self):
        history = [{"epoch": 1, "loss": 0.5, "seconds": 0.1}]
        path = self.folder / "checkpoint" / "checkpoint.npz"
        checkpoint.save(path, self.model, self.optimizer, history, 0.5)
        plan = SearchPlan(
            recipe=training.Recipe(**SEARCH_RECIPE),
            space=SearchSpace(depth=(1,), heads=(4,), conv_prefix=(0,)),
            objective=LatencyObjective(target_ms=1.0),
            latency=EdgeLatency(cache=str(self.folder)),
            data_fields={"input_shape": (16, 16, 1), "classes": 10},
            proxy_epochs=1,
        )
        plan.save(self.folder / "search")
        queue = TrialQueue(self.folder / "journal")
        trial = queue.study.ask(distributions({"depth": (1, 2)}))
        trial.set_user_attr(RECORD, "0")
        queue.study.tell(trial, [0.5, 1.0])
        folder = self.folder / "trial" / "trial_0"
        folder.mkdir()
        Record("0", next(iter(plan.space.points()))).save(folder)
        fields = np.random.default_rng(0).random((2, 3, 3))
        probe = Probe(np.ones((4, 3)), np.zeros(3), np.ones(4))
        block = BlockPerformance(0, probe, fields, np.zeros((2, 3)), 0.5, 0.5, 0.3, None)
        options = {"threshold": 0.3}
        Performance("head", (block,), options).save(self.folder / "performance" / "heads.npz")
        scores = HeadScores({"importance": {0: np.array([0.1, 0.2])}}, {"seed": 0})
        scores.save(self.folder / "scores" / "scores.json")
        for name in ("samples", "roles", "figures"):
            sample_report(blocks=(0,)).save(self.folder / name, pictures=False)


def _write_data(folder):
    x, y = np.zeros((6, 8, 8, 3), "uint8"), np.arange(6) % 2
    np.savez_compressed(
        folder / "npz" / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y, names=["a", "b"]
    )
    rows = [(f"text {i} of a cat", "ab"[i % 2], "test" if i > 7 else "train") for i in range(12)]
    lines = ["text,label,split", *(",".join(row) for row in rows)]
    (folder / "csv" / "data.csv").write_text("\n".join(lines) + "\n")
    lines = [json.dumps(dict(zip(("text", "label", "split"), row, strict=True))) for row in rows]
    (folder / "jsonl" / "data.jsonl").write_text("\n".join(lines) + "\n")
    records = [struct.pack("<QI", len(each), 0) + each + bytes(4) for each in (b"one", b"two")]
    (folder / "tfrecord" / "data.tfrecord").write_bytes(b"".join(records))
