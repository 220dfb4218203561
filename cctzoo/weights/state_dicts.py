"""Finds a model's weights in the checkpoint of any trainer: in which dict, under which prefix."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cctzoo.formats.pickle_values import Placeholder
from cctzoo.formats.stored_array import is_floating
from cctzoo.messages import printable
from cctzoo.weights.match import Arrays

logger = logging.getLogger(__name__)

# Names under which training scripts store a state dict. If several state dicts fit a model, the
# first name decides. As in timm, averaged weights come first: their accuracy is what is reported.
KNOWN = (
    "state_dict_ema",
    "model_ema",
    "state_dict",
    "model",
    "model_state_dict",
    "model_state",
    "net",
    "weights",
)
MAX_DEPTH = 20  # of containers in a checkpoint that are searched
MAX_KEY = 300  # letters of a key that can have a prefix
MAX_LISTED = 10  # names in a message


class StateDict(NamedTuple):
    """A dict of tensors in a checkpoint.

    Args:
        place: the keys that lead to it, e.g. `("models", "student")`.
        entries: its values by key, among which others than tensors can be.
    """

    place: tuple[str, ...]
    entries: Mapping[Any, Any]

    def __str__(self) -> str:
        return repr(".".join(self.place)[:100]) if self.place else "the top of the file"


class _Fit(NamedTuple):
    """How many of a model's keys a state dict has, by the prefix that comes before them."""

    state: StateDict
    prefixes: dict[str, int]


def find_state_dicts(values: Any) -> tuple[StateDict, ...]:
    """All dicts with at least one tensor by name in a checkpoint, in the order of the file.

    Args:
        values: what `open_torch_file` yields, or a dict of arrays.

    Raises:
        ValueError: if there is none; the message says what the checkpoint holds instead.
    """
    others = {}  # an ordered set of the names of objects that were not built
    found = tuple(
        StateDict(place, value)
        for place, value in _walk(values, (), set(), others)
        if any(type(key) is str and _is_tensor(each) for key, each in value.items())
    )
    if not found:
        listed = ", ".join(map(repr, list(others)[:MAX_LISTED]))
        raise ValueError(
            "A checkpoint must hold a dict of tensors by name. If it holds a whole model, write "
            "its tensors in PyTorch by torch.save(model.state_dict(), path). Received: a file "
            f"without such a dict{listed and f', with objects of {listed}'}"
        )
    return found


def choose_arrays(
    states: Sequence[StateDict], wanted: Collection[str], strict: bool = True
) -> Arrays:
    """The arrays of a model in a checkpoint by the model's keys.

    Of several state dicts, those that have all of the model's keys are considered, or, if there
    is none, those that have some. Among them, the names in `KNOWN` decide; otherwise only one
    may be left. Then a prefix that comes before all of the model's keys is removed.

    Args:
        states: see `find_state_dicts`.
        wanted: the keys of the model.
        strict: whether every entry must be an array, see `load_pytorch_checkpoint`.

    Raises:
        ValueError: if several state dicts or prefixes are possible; the message names them. Or
            if a tensor of the model cannot be read, or `strict` is False and no key is known.
    """
    fits = [_Fit(state, _count_by_prefix(state.entries, wanted)) for state in states]
    whole = [fit for fit in fits if len(wanted) in fit.prefixes.values()]
    possible = whole or [fit for fit in fits if fit.prefixes] or fits
    chosen = _most_known(possible)
    if not chosen.prefixes and not strict:
        raise ValueError(
            f"The file must have some of the model's weights. Received: {chosen.state}, without "
            "any of the model's keys"
        )
    if len(whole) > 1:
        others = ", ".join(str(fit.state) for fit in whole if fit is not chosen)
        logger.info("weights: %s is loaded; the file also holds %s", chosen.state, others[:300])
    entries = {key: value for key, value in chosen.state.entries.items() if type(key) is str}
    return _read_entries(_without_prefix(entries, chosen.prefixes, len(wanted)), wanted, strict)


def _walk(value, place, seen, others) -> Iterator[tuple[tuple[str, ...], dict[Any, Any]]]:
    """Yields (place, dict) of each dict, outer ones first; adds to `seen` and `others`."""
    if isinstance(value, Placeholder):
        others[value.name] = None
    if not isinstance(value, dict | list | tuple) or not value or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        yield place, value
    if len(place) < MAX_DEPTH:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            yield from _walk(each, (*place, str(key)[:50]), seen, others)


def _is_tensor(value):
    if isinstance(value, Placeholder):
        return value.is_tensor
    return isinstance(getattr(value, "shape", None), tuple)


def _count_by_prefix(entries, wanted):
    """How many of the model's keys follow each prefix, e.g. {"model.": 27}."""
    counts = {}
    for key in entries:
        if type(key) is not str or len(key) > MAX_KEY:
            continue
        start = 0  # of a part of the key
        while start >= 0:
            if key[start:] in wanted:
                counts[key[:start]] = counts.get(key[:start], 0) + 1
            start = key.find(".", start) + 1 or -1
    return counts


def _most_known(fits):
    """The only one, or the one with the first of the known names, outer ones before inner ones."""

    def rank(fit):
        place = fit.state.place
        if not place:
            return (0, 0) if fit.prefixes else None
        return (len(place), KNOWN.index(place[-1])) if place[-1] in KNOWN else None

    if len(fits) == 1:
        return fits[0]
    ranks = sorted(filter(None, map(rank, fits)))
    if not ranks or ranks[1:2] == ranks[:1]:
        listed = ", ".join(str(fit.state) for fit in fits[:MAX_LISTED])
        more = f" and {len(fits) - MAX_LISTED} more" if len(fits) > MAX_LISTED else ""
        raise ValueError(
            "The file must have one state dict for the model. Write it in PyTorch by "
            f"torch.save(state_dict, path). Received: {listed}{more}"
        )
    return next(fit for fit in fits if rank(fit) == ranks[0])


def _without_prefix(entries, prefixes, count):
    """The entries, without the prefix of the model's keys."""
    whole = [prefix for prefix in prefixes if prefixes[prefix] == count]
    possible = whole or list(prefixes)
    if prefixes.get("", 0) == max(prefixes.values(), default=0):
        return entries
    if len(possible) > 1:
        listed = ", ".join(f"{prefix!r} ({prefixes[prefix]} keys)" for prefix in possible)
        raise ValueError(
            "The keys of the model must have one prefix. Write the state dict of one of the "
            f"modules in PyTorch by torch.save(module.state_dict(), path). Received: {listed:.500}"
        )
    (prefix,) = possible
    inside = {
        key.removeprefix(prefix): each for key, each in entries.items() if key.startswith(prefix)
    }
    outside = {key: each for key, each in entries.items() if not key.startswith(prefix)}
    twice = [key for key in outside if key in inside]
    if twice:
        raise ValueError(
            f"A key must occur once. Received: {twice[0][:100]!r} and {prefix + twice[0][:100]!r}"
        )
    return inside | outside


def _read_entries(entries, wanted, strict):
    """The arrays among the entries; counters and values that are no tensors are left out."""
    arrays, ignored = {}, []
    for key, value in entries.items():
        readable = _is_tensor(value) and not isinstance(value, Placeholder)
        if readable and (key in wanted or value.shape or is_floating(value.dtype)):
            arrays[key] = value
        elif key in wanted or (strict and not readable and _is_tensor(value)):
            kind = value.name if isinstance(value, Placeholder) else type(value).__name__
            raise ValueError(
                "Every weight must be a dense tensor of a plain type. Received: "
                f"{key[:100]!r}, which is of {kind!r}"
            )
        else:
            ignored.append(key[:100])
    if ignored:
        more = f" and {len(ignored) - MAX_LISTED} more" if len(ignored) > MAX_LISTED else ""
        logger.info(
            "weights: not weights, ignored: %s%s", printable(", ".join(ignored[:MAX_LISTED])), more
        )
    return arrays
