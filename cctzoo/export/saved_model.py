"""Export to TensorFlow's SavedModel."""

import tempfile
from pathlib import Path

from cctzoo.export.convert import convert
from cctzoo.export.report import ExportReport, compare, require_parity
from cctzoo.export.runtime import SavedModelRunner


def to_saved_model(model, path, images=None):
    """Writes a model as a SavedModel, runs it, and compares it with Keras.

    The batch is dynamic. The folder appears when all checks have passed, or not at all.

    Args:
        model: a `CCT`, on any backend.
        path: of the folder; a SavedModel that is there is replaced, anything else refused.
        images: real images (n, height, width, channels) for the comparison. Default: 16 of
            seeded noise, and no top-1 agreement.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: for a wrong `path` or shape of `images`.
        ExportError: if it differs from Keras by more than 1e-4.
    """
    path = Path(path)
    if not path.parent.is_dir() or (path.exists() and not (path / "saved_model.pb").is_file()):
        raise ValueError(
            "`path` must lie in a folder that exists, and be new or a SavedModel. "
            f"Received: path={str(path)!r}"
        )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        draft = Path(folder, "new")
        convert(model, draft, "saved_model")
        report = ExportReport(
            path=str(path),
            format="saved_model",
            precision="float32",
            bytes=sum(file.stat().st_size for file in draft.rglob("*") if file.is_file()),
            **compare(model, SavedModelRunner(draft), images),
        )
        require_parity(report)
        if path.exists():
            path.rename(Path(folder, "old"))
        draft.rename(path)
    return report
