"""A folder with a model, as on the Hugging Face Hub: writes it, and recognises its config."""

from pathlib import Path

from cctzoo.arguments import checked_arguments
from cctzoo.formats.atomic import atomic_folder, write_json, write_text
from cctzoo.formats.reading import read_json
from cctzoo.messages import shown
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.typing import PathLike
from cctzoo.weights.card import model_card
from cctzoo.weights.description import describe_model
from cctzoo.weights.native import save_weights

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
LIBRARY = "cctzoo"  # in the config; other libraries have files of these names too


@checked_arguments
def save_to_folder(
    model: CCT | SoftCommittee,
    path: PathLike,
    *,
    dtype: str = "float32",
    licence: str | None = None,
    dataset: str | None = None,
    accuracy: float | None = None,
    notes: str = "",
) -> None:
    """Writes `config.json`, `model.safetensors` and a model card, `README.md`.

    The front matter of the card is for the Hub; arguments that are not given are left out of
    it. An existing folder is not changed.

    Args:
        model: any model of the zoo, committees included.
        path: of the folder, which must not exist yet; the write is atomic.
        dtype: of the weights, `"float32"` or `"float16"`.
        licence: an identifier of the Hub, e.g. `"apache-2.0"`.
        dataset: an identifier of a data set on the Hub, e.g. `"cifar10"`, `"ag_news"`.
        accuracy: top-1 on the test part of the data set, in [0, 1].
        notes: Markdown for the card: data and its caveats, recipe, limits.

    Raises:
        ValueError: if the path exists, also if another process has written it in the meantime,
            or an argument is invalid.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(f"`path` must not exist yet. Received: path={str(path)!r}")
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise ValueError(f"`accuracy` must be in [0, 1]. Received: accuracy={accuracy!r}")
    if accuracy is not None and dataset is None:
        raise ValueError(
            f"`accuracy` must come with a `dataset`. Received: accuracy={accuracy!r}, dataset=None"
        )
    description = {"library": LIBRARY, **describe_model(model)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(path, replace=False) as draft:
        write_json(draft / CONFIG, description)
        save_weights(model, draft / WEIGHTS, dtype)
        write_text(draft / CARD, model_card(model, licence, dataset, accuracy, notes))


def check_config(path: Path) -> None:
    """Raises ValueError unless a file is the config of a folder of `save_to_folder`.

    Called before the weights next to it are downloaded, which can be large.
    """
    found = read_json(path, f"the {CONFIG} of a folder of `save_to_folder`")
    if found.get("library") != LIBRARY:
        raise ValueError(
            f"A {CONFIG} must be one of `cctzoo.weights.save_to_folder`. "
            f"Received: a config with library={shown(found.get('library'))}"
        )
