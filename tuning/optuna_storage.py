"""Where Optuna keeps the trials of a search, and how the trial of a dead worker is noticed.

In the journal of the search's directory, a worker holds a lock of the operating system on the
folder of its trial, which ends with the process: a trial that is running without a lock has lost
its worker. Optuna has no heartbeats for journals. In a database, a worker sends Optuna's
heartbeats, and a trial is lost two minutes after the last one.

Either way the lost trial ends as failed, and Optuna's `RetryHeartbeatStaleTrialCallback` puts a
copy with the same parameters and user attributes into the queue.
"""

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages._heartbeat import get_heartbeat_thread
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from cctzoo.formats.lock import LOCK, NO_LOCKS, acquire, release
from cctzoo.formats.reading import reading
from cctzoo.messages import shown
from tuning.records import trial_folder

JOURNAL = "optuna.journal"  # in the directory of the search
NAME = "search"  # of the study in a journal
DIRECTIONS = {"accuracy": "maximize", "latency_ms": "minimize"}
HEARTBEAT_SECONDS = 60
GRACE_SECONDS = 120  # without a heartbeat, after which a trial is lost
# User attributes of the trials of a study.
RECORD = "record"  # id of the trial of the search
STARTED = "started"  # the trial's own number, when its worker has shown that it is alive
REASON = "reason"  # why the model failed
ID = re.compile(r"[0-9]{0,9}", re.ASCII)

# The search has a log of its own.
optuna.logging.set_verbosity(optuna.logging.WARNING)


class TrialQueue:
    """The study of a search, and the trials that have lost their workers.

    Args:
        directory: the directory of the search.
        address: of a database, in SQLAlchemy's form. Default: the journal of the directory.
        name: the name of the study in the database.

    Raises:
        ValueError: if the journal is broken.
    """

    def __init__(self, directory: Path, address: str | None = None, name: str | None = None):
        self.directory = directory.absolute()
        self.place = self.directory / JOURNAL if address is None else f"study {name}"
        self._database = None if address is None else open_database(address)
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._database is not None:
            with self.reading():
                self.study = _open_study(self._database, name)
            return
        lock = JournalFileOpenLock(str(self.place))
        _remove_half_line(self.place, lock)
        with self.reading():
            storage = JournalStorage(JournalFileBackend(str(self.place), lock_obj=lock))
            self.study = _open_study(storage, NAME)

    def trials(self) -> dict[str, FrozenTrial]:
        """Returns the last trial of the study for each trial of the search, by its id.

        Raises:
            ValueError: if the journal is broken.
        """
        with self.reading():
            found = {}
            for trial in self.study.get_trials(deepcopy=False):
                record = trial.user_attrs.get(RECORD, "")
                if not ID.fullmatch(record):  # a folder is named for it
                    raise ValueError(f"the id of a trial must be a count, not {shown(record)}")
                if record:
                    found[record] = trial
            return found

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Errors in the block, which reads the study, are ValueErrors that name its place."""
        with reading(self.place, "the journal or the study of a search with Optuna"):
            try:
                yield
            except (AssertionError, optuna.exceptions.OptunaError) as error:
                raise ValueError(str(error)) from error

    def return_lost_trials(self) -> None:
        """Puts the trials that have lost their workers back into the queue.

        Only one process may call this at a time, and none may take a trial meanwhile.
        """
        self.trials()  # checks the ids
        with experimental():
            if self._database is not None:
                optuna.storages.fail_stale_trials(self.study)
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                record = trial.user_attrs.get(RECORD)
                # Without a lock or a heartbeat so far, its worker has died while it asked.
                started = record and trial.user_attrs.get(STARTED) == trial.number
                if not started or (self._database is None and not self._is_locked(record)):
                    self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            retry = optuna.storages.RetryHeartbeatStaleTrialCallback()
            for trial in self.trials().values():
                if trial.state == TrialState.FAIL and REASON not in trial.user_attrs:
                    retry(self.study, trial)

    @contextlib.contextmanager
    def alive(self, trial: Trial) -> Iterator[None]:
        """Shows within the block that the worker of a trial is alive."""
        with self._heartbeats(trial) if self._database else self._lock(trial):
            trial.set_user_attr(STARTED, trial.number)
            yield

    @contextlib.contextmanager
    def _heartbeats(self, trial):
        study_id = self._database.get_study_id_from_name(self.study.study_name)
        trial_id = self._database.get_trial_id_from_study_id_trial_number(study_id, trial.number)
        self._database.record_heartbeat(trial_id)  # not a moment later, in the thread
        with get_heartbeat_thread(trial_id, self._database):
            yield

    @contextlib.contextmanager
    def _lock(self, trial):
        path = trial_folder(self.directory, trial.user_attrs[RECORD]) / LOCK
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = acquire(path)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            file = None
        try:
            yield
        finally:
            if file is not None:
                release(path, file)

    def _is_locked(self, record):
        """Whether a worker runs a trial; always true on a file system without locks."""
        path = trial_folder(self.directory, record) / LOCK
        try:
            file = acquire(path, create=False)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            return True
        if file is None:
            return True
        release(path, file)
        return False


@contextlib.contextmanager
def experimental() -> Iterator[None]:
    """Hides Optuna's warnings about experimental functions within the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Studies that are asked have heartbeats here by `TrialQueue.alive`.
        warnings.filterwarnings("ignore", message="Heartbeat of storage", category=UserWarning)
        yield


def open_database(address: str) -> RDBStorage:
    """Opens a database, and creates Optuna's tables in it.

    Args:
        address: in SQLAlchemy's form.

    Raises:
        ValueError: if that is not possible.
    """
    try:
        with experimental():
            return RDBStorage(
                address, heartbeat_interval=HEARTBEAT_SECONDS, grace_period=GRACE_SECONDS
            )
    except (ImportError, RuntimeError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            "`storage` must be the address of a database that SQLAlchemy can open, e.g. "
            f"sqlite:///search.db. Received: storage=... ({reason})"
        ) from error


def _open_study(storage, name):
    """Opens the study, and creates it if there is none."""
    study = optuna.create_study(
        storage=storage, study_name=name, directions=[*DIRECTIONS.values()], load_if_exists=True
    )
    found = [each.name.lower() for each in study.directions]
    if found != [*DIRECTIONS.values()]:
        raise ValueError(f"its study must {' and '.join(DIRECTIONS.values())}, not {shown(found)}")
    with experimental():
        if study.metric_names != [*DIRECTIONS]:
            study.set_metric_names([*DIRECTIONS])
    return study


def _remove_half_line(path: Path, lock: JournalFileOpenLock) -> None:
    """Removes the end of a line that a full disk has cut; Optuna would refuse the journal."""
    if not path.exists():
        return
    lock.acquire()
    try:
        with path.open("rb+") as file:
            lines = file.read()
            whole = lines.rfind(b"\n") + 1
            if whole < len(lines):
                file.truncate(whole)
                os.fsync(file.fileno())
    finally:
        lock.release()
