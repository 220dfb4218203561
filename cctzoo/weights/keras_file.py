"""Loads `.keras` files of the zoo's models, also from elsewhere: they are checked first.

Keras builds whatever the config in a file says before it looks at the weights: a wrong number there
would take all memory. So would a small file that unpacks to a large one.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import keras

from cctzoo import limits
from cctzoo.formats.hdf5 import Contents, check_hdf5
from cctzoo.formats.reading import parse_object, reading
from cctzoo.formats.zip_file import open_zip
from cctzoo.messages import printable, shown
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.committee_checks import check_committee_fields
from cctzoo.models.model import CCT
from cctzoo.models.names import check_name
from cctzoo.models.variants import Config
from cctzoo.typing import PathLike
from cctzoo.weights.description import check_members_count, check_sizes, config_of

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
WHAT = "a complete `.keras` file of a `CCT` or a `SoftCommittee`"
CLASSES = {keras.saving.get_registered_name(each): each for each in (CCT, SoftCommittee)}
MEMBER = keras.saving.get_registered_name(CCT)
FIELDS = {
    CCT: {"config", "name", "trainable", "dtype"},
    SoftCommittee: {"members", "average", "weights", "classifier_activation", "name", "trainable"},
}
MODULES = ("keras", "keras.dtype_policies")
POLICIES = {name for name in dir(keras.dtype_policies) if name.endswith(("Policy", "PolicyMap"))}
REPEATS = re.compile(r"[*+?{]")  # a regular expression without them ends soon


def load_keras_model(path: PathLike, other_models: bool = False) -> Any:
    """Loads the model in a `.keras` file, not compiled.

    The file may come from an untrusted source. No code in it is executed, no other classes than
    the two of the zoo and Keras' dtype policies are built, and a model that does not match the
    size of the file is refused before it is built.

    Args:
        path: of the file.
        other_models: whether other Keras models are loaded, too. For those, Keras' `safe_mode`
            holds and the sizes in the file are checked, but not the size of the model.

    Returns:
        A `CCT` or a `SoftCommittee`, or any Keras model with `other_models`.

    Raises:
        ValueError: if the file does not exist, is broken, or is of another model.
    """
    check_keras_file(path, other_models)
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises errors of many types
        raise ValueError(
            f"`path` must be {WHAT}. Received: path={str(path)!r}: {WEIGHTS}: "
            f"{printable(str(error))[:300]}"
        ) from error


def check_keras_file(path: PathLike, other_models: bool = False) -> None:
    """Raises ValueError, with path and entry, unless `load_keras_model` may load a file."""
    with reading(path, WHAT), open_zip(path) as archive:
        names = set(archive.namelist())
        if not {CONFIG, WEIGHTS} <= names:
            raise ValueError(f"it must have the entries {CONFIG} and {WEIGHTS}")
        with _entry(CONFIG):
            size = archive.getinfo(CONFIG).file_size
            limits.check("json_bytes", size, "The size of the config", bytes=size)
            saved = parse_object(archive.read(CONFIG))
            ours = not other_models or saved["registered_name"] in CLASSES
            configs = _configs(saved) if ours else []
        with _entry(WEIGHTS):
            contents = check_hdf5(io.BytesIO(archive.read(WEIGHTS)))
        if ours:
            if names - {METADATA, CONFIG, WEIGHTS}:
                raise ValueError(f"it must not have the entries {shown(sorted(names))}")
            with _entry(CONFIG):
                check_sizes(configs, *contents)


def check_weights_file(path: PathLike) -> Contents:
    """Raises ValueError, with the path, unless Keras may read a `.weights.h5` file."""
    with reading(path, "a complete `.weights.h5` file"):
        return check_hdf5(path)


def load_keras_weights(model: CCT | SoftCommittee, path: PathLike, grid: Any, strict: bool) -> None:
    """Loads a `.weights.h5` file, by Keras; `grid` and `strict` must have their defaults.

    Raises:
        ValueError: if the file is broken, or is of another model.
    """
    if grid is not None or not strict:
        raise ValueError(
            "`grid` and `strict` are not available for `.weights.h5` files. "
            f"Received: grid={grid!r}, strict={strict!r}"
        )
    try:
        model.load_weights(path)
    except Exception as error:  # Keras and h5py raise errors of many types for a broken file
        raise ValueError(
            f"`path` must be a `.weights.h5` file of the model {model.name!r}. "
            f"Received: path={str(path)!r}: {type(error).__name__}: {printable(str(error))[:300]}"
        ) from error


@contextlib.contextmanager
def _entry(name: str) -> Iterator[None]:
    """Adds the name of an entry to the message of an error."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{name}: it has no {shown(error.args[0])}") from error
    except (ValueError, TypeError, ArithmeticError, OSError, RuntimeError, LookupError) as error:
        raise ValueError(f"{name}: {printable(str(error))}") from error


def _configs(saved: dict[str, Any]) -> list[Config]:
    """The checked configs of the model that Keras would build, or of its members."""
    kind = CLASSES.get(saved["registered_name"])
    if kind is None or saved["class_name"] != kind.__name__:
        raise ValueError(
            f"the class must be one of {', '.join(CLASSES)}, not "
            f"{shown(saved['registered_name'])} ({shown(saved['class_name'])})"
        )
    fields = _fields(kind, saved["config"])
    if kind is CCT:
        return [_member(fields)]
    members = fields["members"]
    if not isinstance(members, list) or not all(
        isinstance(each, list) and len(each) == 2 and each[0] == MEMBER for each in members
    ):
        raise ValueError(f"`members` must be pairs of {MEMBER!r} and a config")
    check_members_count(members)
    configs = [_member(_fields(CCT, member)) for _, member in members]
    names = [member["name"] for _, member in members]
    check_committee_fields(fields, names, configs)
    return configs


def _member(fields):
    _check_policy(fields.get("dtype"))
    return config_of(fields)


def _fields(kind, fields):
    """The arguments of a model's `from_config`."""
    if not isinstance(fields, dict) or not fields.keys() <= FIELDS[kind]:
        raise ValueError(
            f"the config of a {kind.__name__} must be an object with the fields "
            f"{', '.join(sorted(FIELDS[kind]))}, not {shown(fields)}"
        )
    check_name(fields["name"])
    if not isinstance(fields.get("trainable", True), bool):
        raise ValueError(f"`trainable` must be true or false, not {shown(fields['trainable'])}")
    return fields


def _check_policy(policy, inside=False):
    """Refuses everything but a dtype policy of Keras: Keras would build any registered class."""
    if policy is None or isinstance(policy, str):
        return
    name = policy.get("class_name") if isinstance(policy, dict) else None
    known = (
        isinstance(name, str)
        and name in POLICIES
        and policy.get("module") in MODULES
        and policy.get("registered_name") in (None, name)
        and isinstance(policy.get("config"), dict)
    )
    if not known or (inside and name == "DTypePolicyMap"):
        raise ValueError(f"`dtype` must be a dtype policy of Keras, not {shown(policy)}")
    config = policy["config"]
    if name != "DTypePolicyMap":
        if any(isinstance(each, dict | list) for each in config.values()):
            raise ValueError(f"`dtype` must be a dtype policy of Keras, not {shown(policy)}")
        return
    policies = config.get("policy_map")
    if not isinstance(policies, dict):
        raise ValueError(f"`policy_map` must be an object, not {shown(policies)}")
    _check_policy(config.get("default_policy"), inside=True)
    for place, each in policies.items():
        if REPEATS.search(place):  # Keras takes it for a regular expression
            raise ValueError(f"a name in `policy_map` must be that of a layer, not {shown(place)}")
        _check_policy(each, inside=True)
