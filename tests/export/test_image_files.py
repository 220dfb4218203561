"""Image files as samples and calibration, their range, and the view in the metadata."""

import warnings

import keras
import numpy as np
import pytest

from cctzoo import data, models
from cctzoo.data.encoded_images import FileSource
from cctzoo.export.artifact import metadata
from cctzoo.export.calibration import calibration_batches
from cctzoo.export.report import check_samples, compare
from tests.data.pictures import picture
from tests.models.small import images, small_model

pytestmark = pytest.mark.one_backend("torch")  # nothing is converted
VIEW = data.View(crop_pct=0.7, interpolation="bilinear")


@pytest.fixture(scope="module")
def model():
    return small_model(view=VIEW)


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    for i, path in enumerate(paths):
        picture(i, 30 + i, 50 - i).save(path)
    return paths


def grey(paths):
    """Images of another size, colours and view than the model's."""
    return data.EncodedImages(FileSource(paths), (20, 20), "L")


def test_files_are_read_in_the_view_of_the_model(model, paths):
    expected = data.read_images(paths, (12, 16, 3), VIEW)
    committee = models.soft_committee([model, model])
    for each in (model, committee):
        for samples in (paths, [str(path) for path in paths], np.array(paths, str), grey(paths)):
            found, _ = check_samples(each, samples, None)
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == "float32"
    y = np.arange(6)
    dataset = data.Dataset("files", ["a"], grey(paths), y, *(grey(paths[:0]), y[:0]) * 2)
    for calibration in (paths, grey(paths), dataset):
        batches = calibration_batches(model, calibration, 2)
        assert [batch.shape for batch in batches] == [(2, 12, 16, 3)] * 3
        assert {image.tobytes() for batch in batches for image in batch} == {
            image.astype("float32").tobytes() for image in expected
        }


def test_a_model_without_view_takes_images_of_its_size(paths):
    model = small_model()
    with pytest.raises(ValueError, match="view=None"):
        check_samples(model, paths, None)
    with pytest.raises(ValueError, match=r"samples\.shape=\(6, 20, 20, 1\)"):
        check_samples(model, grey(paths), None)
    fitting = data.EncodedImages(FileSource(paths), (12, 16))
    np.testing.assert_array_equal(
        check_samples(model, fitting, None)[0], fitting.batch(slice(None))
    )


def test_what_is_not_image_files_is_refused(model, paths):
    with pytest.raises(ValueError, match=r"a sequence of paths.*Received: samples='.*0\.png'"):
        check_samples(model, paths[0], None)
    texts = np.array(["A text."], object)
    parts = (texts, np.zeros(1, "int64")) * 3
    dataset = data.Dataset("texts", ["a"], *parts, kind="texts")
    with pytest.raises(ValueError, match="dataset='texts' with texts"):
        calibration_batches(model, dataset, 1)


@pytest.mark.parametrize("committee", [False, True])
def test_scaled_samples_warn_and_scaled_calibration_is_refused(model, committee):
    if committee:
        model = models.soft_committee([model, small_model("other", mean=0.1)])
    x = images(model, 4) / 255
    with pytest.warns(UserWarning, match="takes pixels from 0 to 255") as caught:
        samples, _ = check_samples(model, x, None)
    assert len(caught) == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compare(model, lambda x: np.zeros((len(x), 5)), samples, None, real=True)
    assert not [each for each in caught if issubclass(each.category, UserWarning)]
    y = np.arange(4)
    dataset = data.Dataset("scaled", ["a"], x, y, *(x[:0], y[:0]) * 2)
    for calibration in (x, keras.ops.convert_to_tensor(x), dataset):
        with pytest.raises(ValueError, match=r"`calibration`.*Received: values from .* to 1"):
            calibration_batches(model, calibration, 2)
    with pytest.raises(ValueError, match="black images only"):
        calibration_batches(model, 0 * x, 2)
    normalised = small_model(include_preprocessing=False)
    with pytest.raises(ValueError, match=r"normalised pixels.*to 255"):
        calibration_batches(normalised, 255 * x, 2)
    assert len(calibration_batches(normalised, x, 2)) == 2


def test_the_metadata_hold_the_complete_view(model):
    view = {
        "height": 12,
        "width": 16,
        "mode": "RGB",
        "values": [0, 255],
        "orient": True,
        "crop_pct": 0.7,
        "interpolation": "bilinear",
    }
    for each in (model, models.soft_committee([model, model])):
        assert metadata(each, None)["input"]["view"] == view
    grey = small_model(view=VIEW, input_shape=(12, 16, 1))
    assert metadata(grey, None)["input"]["view"]["mode"] == "L"
    for each in (small_model(), models.soft_committee([model, small_model("other")])):
        assert metadata(each, None)["input"]["view"] is None
