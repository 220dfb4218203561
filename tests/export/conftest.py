"""Fixtures of the export tests, each made once per process."""

import functools

import pytest

from cctzoo import export
from tests.export.sample import CLASSES, NAMES, convert_once, sample_images, sample_model


@pytest.fixture(scope="session")
def model():
    return sample_model()


@pytest.fixture(scope="session")
def images():
    return sample_images()


@pytest.fixture(scope="session")
def labels(model, images):
    """The model's predictions, except for the first six samples."""
    labels = model.predict(images, verbose=0).argmax(-1)
    labels[:6] = (labels[:6] + 1) % CLASSES
    return labels


@pytest.fixture(scope="session")
def litert(model, images, labels, tmp_path_factory):
    """Precision -> report of an export in a new folder; all share one conversion."""
    graph = tmp_path_factory.mktemp("graph") / "model.tflite"

    @functools.cache
    def exported(precision):
        with pytest.MonkeyPatch.context() as patch:
            convert_once(patch, graph)
            return export.to_litert(
                model,
                tmp_path_factory.mktemp(precision) / "model.tflite",
                precision,
                batch=2,
                samples=images,
                labels=labels,
                calibration=images,
                class_names=NAMES,
                least_agreement=0.9,
            )

    return exported
