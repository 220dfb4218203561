"""Checks of data set names."""

from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Kind
from cctzoo.data.sources import FORMS, TFDS, find_source
from cctzoo.data.sources.tfds_names import check_tfds_name
from cctzoo.typing import PathLike


@checked_arguments
def check_name(name: str, data_dir: PathLike | None = None) -> None:
    """Raises ValueError unless `data.load` knows the name and its file or folder exists.

    For a TFDS name, the name of the set is looked up in TFDS' own list and among the sets
    prepared in `data_dir`. This takes half a second, and neither TensorFlow nor a network. The
    configuration and the version are checked by `data.load`.
    """
    source, arguments = find_source(name)
    if source is TFDS:
        check_tfds_name(name, data_dir, FORMS)
    elif source.path:
        (path,) = arguments
        exists = path.is_dir() if source.path == "folder" else path.is_file()
        if name == source.form.removesuffix("PATH") or not exists:
            raise ValueError(
                f"{source.form!r} must name a {source.path} that exists. Received: name={name!r}"
            )


def check_prepared(name: str, data_dir: PathLike | None) -> None:
    """Raises ValueError if `data.load` would download a TFDS set to a folder.

    For folders that a file from elsewhere names: such a file may choose what is read, but not
    where is written.
    """
    check_name(name, data_dir)
    source, _ = find_source(name)
    if source is TFDS and data_dir is not None:
        from cctzoo.data.sources import tfds  # lazily: TFDS is optional and slow to import

        tfds.check_prepared(name, data_dir)


def kind_of(name: str) -> Kind | None:
    """Returns what the samples of a data set are; None for TFDS, where only the data tell."""
    return find_source(name)[0].kind


def image_options(name: str, data_dir: PathLike | None = None) -> tuple[str, ...]:
    """Returns which of `image_size` and `color_mode` convert the images of a data set.

    Arrays of one size are not resized. For a TFDS name, the features of the set are read.

    Raises:
        ValueError: if TFDS does not know the name, or the set is not a classification set.
    """
    source, _ = find_source(name)
    if source is TFDS:
        from cctzoo.data.sources import tfds  # lazily: TFDS is optional and slow to import

        return tfds.image_options(name, data_dir)
    return ("image_size", "color_mode") if source.path == "folder" else ()
