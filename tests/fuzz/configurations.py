"""Random configurations: each is refused clearly, or its model predicts, saves, loads and exports.

    python -m tests.fuzz.configurations --seed 0 --count 1000
    python -m tests.fuzz.configurations --seconds 3600
    python -m tests.fuzz.configurations --seed 0 --first 17 --count 1      # case 17 alone

Half of the configurations are valid, some of them in NumPy's numbers, a few as a committee; the
others have one or two values that are wrong for most fields. The backend is that of KERAS_BACKEND.
"""

import dataclasses
import functools
import json
import random
import warnings
from pathlib import Path

import keras

from cctzoo import limits, models
from cctzoo.models import soft_committee
from cctzoo.models.variants import variant_config
from tests.fuzz import draws, exports, round_trips
from tests.fuzz.cases import Fault, arguments, described, is_clear, main

NAMES = (*draws.IMAGE_FIELDS, *draws.TEXT_FIELDS, "variant", "dtype", "keyword", "weights")
# Far below the default limits: what a case builds stays small, and each limit is exercised.
SMALL = {"layers": 20, "weights": 2**20, "positions": 2**16, "labels": 2**14}


def check_case(numbers: random.Random, folder: Path, export_share: float = 0.0) -> str:
    """Draws one configuration and tries everything; returns the outcome.

    Raises:
        Fault: if the outcome is neither a clear refusal nor a sound model.
    """
    kind = numbers.choices(("valid", "numpy", "wrong", "committee"), (45, 15, 36, 4))[0]
    draw = draws.valid(numbers)
    keras.utils.set_random_seed(numbers.randrange(2**31))
    with limits.raised(**SMALL), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a softmax over axis")  # of one token
        warnings.filterwarnings("ignore", "Explicitly requested dtype float64")  # JAX has none
        if kind == "committee":
            return _check_committee(numbers, folder, export_share)
        if kind == "numpy":
            plain, draw = draw, draws.in_numpy(numbers, draw)
            _check_same_config(plain, draw)
        if kind == "wrong":
            draw = draws.wrong(numbers, draw)
        state = numbers.getstate()

        def outcome(tried, inner):
            numbers.setstate(state)
            inner.mkdir()
            return _outcome(numbers, tried, kind == "wrong", inner, export_share)

        try:
            return f"{kind}: {outcome(draw, folder / 'case')}"
        except Exception as error:
            smallest = _smallest(draw, type(error), outcome, folder)
            raise Fault(f"{smallest}: {described(error)}") from error


def _outcome(numbers, draw, may_refuse, folder, export_share):
    try:
        model = models.create_model(draw.variant, dtype=draw.dtype, **draw.fields)
    except Exception as error:
        if not is_clear(error, NAMES):
            raise Fault(f"not a clear refusal: {described(error)}") from error
        if not may_refuse:
            raise Fault(f"refused: {described(error)}") from error
        return "refused"
    round_trips.check_calls(numbers, model)
    round_trips.check_saving(numbers, model, folder, functools.partial(_again, draw))
    if numbers.random() < export_share:
        exports.check_export(numbers, model, folder)
        return "sound, exported"
    return "sound"


def _again(draw, path):
    """The same model with the weights of a file."""
    return models.create_model(draw.variant, weights=path, dtype=draw.dtype, **draw.fields)


def _check_committee(numbers, folder, export_share):
    shape, classes = (16, 16, numbers.choice((1, 3))), numbers.choice(draws.CLASSES)
    members = []
    for i in range(numbers.choice((1, 2, 3))):
        draw = draws.images(
            numbers,
            include_top=True,
            include_preprocessing=True,
            input_shape=shape,
            classes=classes,
            classifier_activation=numbers.choice(("softmax", None)),
        )
        dtype = numbers.choice((None, None, *draws.POLICIES))
        fields = {name: value for name, value in draw.fields.items() if name != "view"}
        members.append(models.create_model(draw.variant, name=f"m{i}", dtype=dtype, **fields))
    committee = soft_committee(
        members,
        average=numbers.choice(("probabilities", "logits")),
        weights=numbers.choice((None, [1 + i for i in range(len(members))])),
        classifier_activation=numbers.choice(("softmax", None)),
    )
    round_trips.check_calls(numbers, committee)
    round_trips.check_saving(numbers, committee, folder)
    if numbers.random() < export_share:
        exports.check_export(numbers, committee, folder)
        return "committee: sound, exported"
    return "committee: sound"


def _check_same_config(plain, spelled):
    """NumPy's numbers give the same config as Python's, of plain values."""
    try:
        expected = variant_config(plain.variant, **plain.fields)
        found = variant_config(spelled.variant, **spelled.fields)
        if found != expected:
            raise Fault(f"differs from the config in Python's numbers: {found}")
        json.dumps(dataclasses.asdict(found))
    except Exception as error:
        raise Fault(f"{spelled}: {described(error)}") from error


def _smallest(draw, kind, outcome, folder):
    """The draw without the fields that the failure does not need."""
    for i, name in enumerate(sorted(draw.fields)):
        fields = {field: value for field, value in draw.fields.items() if field != name}
        fewer = dataclasses.replace(draw, fields=fields)
        try:
            outcome(fewer, folder / f"fewer{i}")
        except kind:
            draw = fewer
        except Exception:  # another failure
            continue
    return draw


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument(
        "--exports", type=float, default=0.0, help="share of the models that are exported (0)"
    )
    options = parser.parse_args()
    main(functools.partial(check_case, export_share=options.exports), options)
