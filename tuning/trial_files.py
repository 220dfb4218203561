"""Checks of the files in which KerasTuner keeps a search: oracle.json, and trial.json per trial.

A search directory may come from elsewhere. KerasTuner builds the classes that these files name,
and writes to folders that are named for the ids in them. Here everything that the files say is
compared with the search's own space and folders before KerasTuner reads it.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from cctzoo.formats.fields import (
    COUNT,
    NUMBER,
    NUMBERS,
    OBJECT,
    OBJECTS,
    TEXT,
    TEXTS,
    Rule,
    check_fields,
    optional,
)
from cctzoo.formats.reading import read_json, reading
from cctzoo.formats.stored_array import is_count
from cctzoo.messages import shown

TRIAL = "the trial.json of a trial of this search"
ORACLE = "the oracle.json of this search"
PREFIX = "trial_"  # of the name of a trial's folder; its id follows
TUNER = "tuner/"  # of the values that Hyperband adds to those of the space
STATUSES = ("RUNNING", "IDLE", "INVALID", "STOPPED", "COMPLETED", "FAILED")
DIRECTION = Rule("'min' or 'max'", lambda value: value in ("min", "max"))
# Settings of Hyperband, which its file repeats.
SETTINGS = ("hyperband_iterations", "max_epochs", "min_epochs", "factor")


def check_trial_files(
    oracle: Path,
    own: keras_tuner.HyperParameters,
    settings: Mapping[str, Any],
    last_bracket: int | None,
) -> None:
    """Checks the files of the oracle and of all trials.

    Args:
        oracle: the file `oracle.json`, next to the folders of the trials.
        own: the space of the search.
        settings: the values of `SETTINGS` that the oracle has.
        last_bracket: the largest number of a bracket of Hyperband; `None` for other oracles.

    Raises:
        ValueError: if a file is broken, or does not belong to this search. The error names the
            file.
    """
    paths = list(oracle.parent.glob(f"{PREFIX}*/trial.json"))
    ids = {path.parent.name.removeprefix(PREFIX) for path in paths}
    for path in paths:
        state = read_json(path, TRIAL)
        with reading(path, TRIAL):
            check_name(path.parent, state["trial_id"])
            _check_trial(state, own, ids)
    state = read_json(oracle, ORACLE)
    with reading(oracle, ORACLE):
        _check_oracle(state, own, ids, settings)
        if last_bracket is not None:
            _check_brackets(state, ids, last_bracket)


def check_name(folder: Path, trial: Any) -> None:
    """Raises ValueError unless a folder is named for the id of its trial."""
    if not isinstance(trial, str) or folder.name != PREFIX + trial:
        raise ValueError(
            f"the trial in {folder.name!r} must have the id of that name, not {shown(trial)}"
        )


def check_values(
    values: dict[str, Any], own: keras_tuner.HyperParameters, ids: Collection[str]
) -> None:
    """Raises ValueError unless the values of a trial are in the space."""
    for hp in own.space:
        choices = hp.get_config().get("values")
        if choices is not None and hp.name in values:
            _check_one_of(values, hp.name, choices)
    for name, value in values.items():
        if name == f"{TUNER}trial_id":
            _check_one_of(values, name, ids)
        elif name.startswith(TUNER):
            check_fields(values, {name: COUNT})
        elif not isinstance(value, str | int | float):
            raise ValueError(f"{name!r} must be a text or a number, not {shown(value)}")


def _check_one_of(values, name, known):
    value = values[name]
    if not any(type(value) is type(each) and value == each for each in known):
        raise ValueError(f"{name!r} must be one of {shown(sorted(known))}, not {shown(value)}")


def _check_space(hyperparameters, own):
    check_fields(hyperparameters, {"space": OBJECTS, "values": OBJECT})

    def in_order(space):
        return sorted(json.dumps(each, sort_keys=True) for each in space)

    if in_order(hyperparameters["space"]) != in_order(own.get_config()["space"]):
        raise ValueError("its space must be that of search.json")


def _check_trial(state, own, ids):
    status = Rule(f"one of {STATUSES}", lambda value: value in STATUSES)
    check_fields(
        state,
        {
            "hyperparameters": OBJECT,
            "metrics": OBJECT,
            "score": optional(NUMBER),
            "best_step": optional(COUNT),
            "status": status,
            "message": optional(TEXT),
        },
    )
    _check_space(state["hyperparameters"], own)
    check_values(state["hyperparameters"]["values"], own, ids)
    metrics = state["metrics"]["metrics"]
    check_fields(state["metrics"], {"metrics": OBJECT})
    for name, history in metrics.items():
        check_fields(metrics, {name: OBJECT})
        check_fields(history, {"direction": DIRECTION, "observations": OBJECTS})
        for each in history["observations"]:
            check_fields(each, {"value": NUMBERS, "step": COUNT})


def _check_oracle(state, own, ids, settings):
    objects = ("ongoing_trials", "hyperparameters", "run_times", "id_to_hash", "display")
    lists = ("start_order", "end_order", "retry_queue", "tried_so_far")
    check_fields(state, dict.fromkeys(objects, OBJECT) | dict.fromkeys(lists, TEXTS))
    check_fields(state, {"seed": COUNT, "seed_state": COUNT})
    _check_space(state["hyperparameters"], own)
    check_fields(state["run_times"], dict.fromkeys(state["run_times"], COUNT))
    named = [*state["ongoing_trials"].values(), *state["run_times"]]
    named += [each for name in ("start_order", "end_order", "retry_queue") for each in state[name]]
    for each in named:
        if each not in ids:
            raise ValueError(f"it names the trial {shown(each)}, which has no folder")
    for name, value in settings.items():
        if state[name] != value:
            raise ValueError(f"{name!r} must be {value}, not {shown(state[name])}")


def _check_brackets(state, ids, last):
    """Checks the rounds of Hyperband, each a list of trials and of those that they go on from."""
    number = Rule(f"from 0 to {last}", lambda value: is_count(value) and value <= last)
    check_fields(
        state, {"brackets": OBJECTS, "current_bracket": number, "current_iteration": COUNT}
    )
    for bracket in state["brackets"]:
        check_fields(bracket, {"bracket_num": number})
        if len(bracket["rounds"]) != bracket["bracket_num"] + 1:
            raise ValueError(f"{shown(bracket)} must have one round more than its number")
        for trials in bracket["rounds"]:
            check_fields({"round": trials}, {"round": OBJECTS})
            for trial in trials:
                check_fields(trial, {"past_id": optional(TEXT), "id": TEXT})
                if not {trial["id"], trial["past_id"] or trial["id"]} <= {*ids}:
                    raise ValueError(f"its rounds name {shown(trial)}, which have no folder")
