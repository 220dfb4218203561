"""Export to TensorFlow's SavedModel."""

from pathlib import Path

from cctzoo.export import artifact
from cctzoo.export.convert import convert, in_float32
from cctzoo.export.report import ExportReport, check_images, compare, require_parity
from cctzoo.export.runtime import SavedModelRunner


def to_saved_model(model, path, images=None, labels=None, class_names=None):
    """Writes a model as a SavedModel, runs it, and compares it with Keras.

    The batch is dynamic. The signature `serving_default` takes uint8 images and `serve`
    float32 ones; a model without its preprocessing has float32 only, under both names. Class
    names, preprocessing and report are in `assets.extra/cctzoo.json`. The folder appears
    when all checks have passed, or not at all.

    Args:
        model: a `CCT` or `SoftCommittee`, on any backend.
        path: of the folder; a SavedModel that is there is replaced, anything else refused.
        images, labels, class_names: as in `to_litert`.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: for a wrong argument.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, or it differs from Keras by more than 1e-4.
    """
    path = Path(path)
    if not path.parent.is_dir() or (path.exists() and not (path / "saved_model.pb").is_file()):
        raise ValueError(
            "`path` must lie in a folder that exists, and be new or a SavedModel. "
            f"Received: path={str(path)!r}"
        )
    artifact.check_writable(path.parent)
    model = in_float32(model)
    description = artifact.describe(model, class_names)
    x, y = check_images(model, images, labels)
    with artifact.written_whole(path) as draft:
        convert(model, draft, "saved_model")
        report = ExportReport(
            path=str(path),
            format="saved_model",
            precision="float32",
            bytes=sum(file.stat().st_size for file in draft.rglob("*") if file.is_file()),
            **compare(model, SavedModelRunner(draft), x, y, real=images is not None),
        )
        require_parity(report)
        extra = draft / "assets.extra"
        extra.mkdir()
        artifact.write_description(extra / "cctzoo.json", description, report)
    return report
