"""Training: from a recipe to a run directory."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras

from cctzoo.arguments import checked_arguments
from cctzoo.data import Dataset
from cctzoo.data.batches import check_batch_size
from cctzoo.data.names import check_prepared
from cctzoo.data.worker_processes import in_processes
from cctzoo.formats.atomic import atomic_file, write_json
from cctzoo.formats.lock import HIDDEN, locked
from cctzoo.optional_packages import require
from cctzoo.training import evaluation, plots
from cctzoo.training.build import build_model, compile_model, training_model
from cctzoo.training.callbacks import RunRecorder
from cctzoo.training.devices import check_batch_parts, use_devices
from cctzoo.training.figures import run_figures
from cctzoo.training.fine_tuning import with_model_input
from cctzoo.training.fit import decoding_workers, fit
from cctzoo.training.loss_note import loss_note
from cctzoo.training.prediction import PartPredictor
from cctzoo.training.processes import Processes, join_processes
from cctzoo.training.progress import report_left_out, show_plan
from cctzoo.training.recipe import Recipe
from cctzoo.training.report import write_run_page
from cctzoo.training.run import DATA, Run, check_unchanged, load_recipe
from cctzoo.typing import PathLike


@checked_arguments
def train(
    recipe: Recipe,
    directory: PathLike,
    *,
    devices: int = 1,
    tensorboard: bool = False,
    workers: int | None = None,
    worker_processes: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Trains a model and writes a run directory.

    The directory holds `recipe.json`, `data.json` (what identifies the data, see
    `data.Dataset.fingerprint`), `history.csv`, `checkpoint.npz` (the whole state after the last
    finished epoch), `best.keras` (the model with the highest validation accuracy), `model.keras`
    (the model after the last epoch), `curves.png`, `confusion.png`, `report.json` (test
    accuracy, top-5 accuracy, accuracy per class and their mean, seconds, samples per second and
    per epoch) and `report.html`, a page that shows all of it, with the test samples that the
    model confuses.

    The order of the samples changes with every epoch. The last, incomplete batch is left out, so
    that all steps have one shape: `samples_per_epoch` in `report.json` is the number of
    samples that an epoch trains on.

    If Ctrl-C, SIGTERM or SIGKILL stops the training, only the current epoch is lost: `resume`
    continues after the last finished one.

    If a launcher has started several processes (`torchrun`, or see `join_processes`), each trains
    on its part of every batch, with the result of a single process. They must see the same
    data and the same run directory, which the first process writes.

    The directory is locked while the run lasts: a second process, or thread, that would write it is
    refused.

    Args:
        recipe: the recipe.
        directory: the run directory, new or empty.
        devices: number of devices of this machine that share each batch, see `use_devices`.
        tensorboard: write TensorBoard events to `tensorboard/` in the directory.
        workers: threads that decode images ahead. Default: one per processor.
        worker_processes: decode in processes instead of threads, which is faster for small
            images. A script needs `if __name__ == "__main__":` around its code then.
        callbacks: further Keras callbacks.

    Raises:
        ValueError: if the directory is not empty, another process is writing it, or data, model
            and devices do not fit together. Nothing is written then.
        TrainingDiverged: at the first step with a loss that is not finite.

    Example:
        ```python
        from cctzoo import training

        recipe = training.preset(
            "digits", epochs=1, warmup_epochs=0, train_samples=100, changes={"embed_dim": 32}
        )
        run = training.train(recipe, "runs/example")
        print(run.figures["test_accuracy"])
        ```
    """
    processes = join_processes()
    if processes.first:
        check_directory(directory)
    recipe.check_sources()
    recipe = with_model_input(recipe)
    with _locked(directory, processes):
        if processes.first:
            check_directory(directory)  # another process may have filled it since
        return _run(
            recipe, Path(directory), devices, tensorboard, workers, worker_processes, callbacks
        )


def train_on_data(
    recipe: Recipe,
    dataset: Dataset,
    directory: PathLike,
    *,
    devices: int = 1,
    tensorboard: bool = False,
    workers: int | None = None,
    worker_processes: bool = False,
) -> Run:
    """Trains as `train` does, on the data set that `recipe.load_data()` has returned."""
    processes = join_processes()
    with _locked(directory, processes):
        if processes.first:
            check_directory(directory)
        return _run(
            recipe, Path(directory), devices, tensorboard, workers, worker_processes, (), dataset
        )


@checked_arguments
def resume(
    directory: PathLike,
    *,
    dataset: str | None = None,
    labels: PathLike | None = None,
    data_dir: PathLike | None = None,
    manual_dir: PathLike | None = None,
    devices: int = 1,
    tensorboard: bool = False,
    workers: int | None = None,
    worker_processes: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Resumes a training run after its last finished epoch.

    The remaining epochs are the same as in a run without interruption. A finished run is only
    evaluated again. Data that have changed since the run was started are refused. Other
    arguments, the result and errors are those of `train`.

    Args:
        directory: the run directory.
        dataset, labels, data_dir, manual_dir: the new place of the same data, e.g. on another
            machine, see `Recipe`. Default: those of the run; a set of TFDS must then be prepared
            in the run's `data_dir`.
    """
    places = {"dataset": dataset, "labels": labels, "data_dir": data_dir, "manual_dir": manual_dir}
    recipe = load_recipe(directory, **places)
    recipe.check_sources()
    if data_dir is None:
        check_prepared(recipe.dataset, recipe.data_dir)
    with _locked(directory, join_processes()):
        return _run(
            recipe, Path(directory), devices, tensorboard, workers, worker_processes, callbacks
        )


def _run(
    recipe: Recipe,
    directory: Path,
    devices: int,
    tensorboard: bool,
    workers: int | None,
    worker_processes: bool,
    callbacks: Sequence[keras.callbacks.Callback],
    dataset: Dataset | None = None,
) -> Run:
    _check_packages(tensorboard)
    processes = join_processes()
    with processes.first_goes_ahead():  # it may have to download the data
        dataset = dataset or recipe.load_data()
    fingerprint = check_unchanged(directory, dataset)
    check_batch_size(recipe.batch_size, len(dataset.x_train), recipe.augmentation)
    if recipe.best_by != "accuracy" and not len(dataset.x_validation):
        raise ValueError(
            "`best_by` chooses by the validation part, which must not be empty. "
            f"Received: best_by={recipe.best_by!r}, validation={recipe.validation}"
        )
    check_batch_parts(devices, recipe.batch_size, processes)
    workers = decoding_workers(dataset.x_train, devices, workers, worker_processes)
    if processes.first:
        report_left_out(len(dataset.x_train), recipe, devices * processes.count)
    keras.utils.set_random_seed(recipe.seed)
    with use_devices(devices, processes):
        model = build_model(recipe, dataset)
        samples = dataset.for_model(model)  # texts as token ids: the vocabulary is the model's
        trained = training_model(model, recipe, samples, processes)
        steps = len(dataset.x_train) // recipe.batch_size
        compile_model(trained, recipe, steps)
        trained.optimizer.build(trained.trainable_variables)
        if processes.first:
            recipe.save(directory / "recipe.json")
            write_json(directory / DATA, fingerprint)
        predict = PartPredictor(model, recipe.batch_size, processes)
        validate = _validation(predict, trained, samples)
        recorder = RunRecorder(directory, model, validate, tensorboard, recipe.best_by, processes)
        recorder.restore(trained.optimizer)
        if processes.first:
            show_plan(recipe, model, dataset, directory, len(recorder.history))
        batches = samples.batches(
            recipe.batch_size,
            recipe.augmentation,
            seed=recipe.seed,
            epoch=len(recorder.history),
            workers=workers,
            class_weights=recipe.class_weights,
            part=(processes.rank, processes.count),
        )
        with contextlib.ExitStack() as stack:
            if worker_processes:
                batches = stack.enter_context(in_processes(batches, workers))
            fit(trained, batches, recipe.total_epochs, recorder, callbacks, processes)
        if processes.first:
            with atomic_file(directory / "model.keras") as draft:
                model.save(draft)
        outputs = predict(model, samples.x_test)
    matrix = evaluation.confusion(outputs, samples.y_test)
    figures = run_figures(model, samples, outputs, matrix, recipe.batch_size, recorder)
    run = Run(directory, recipe, figures, recorder.history, model, dataset, test_outputs=outputs)
    if not processes.first:
        return run
    write_json(directory / "report.json", figures)
    plots.plot_curves(
        recorder.history,
        directory / "curves.png",
        title=f"{model.name} on {dataset.name}: loss and accuracy by epoch",
        note=loss_note(recipe),
    )
    plots.plot_confusion(matrix, dataset.classes, directory / "confusion.png")
    write_run_page(run)
    return run


@contextlib.contextmanager
def _locked(directory: PathLike, processes: Processes) -> Iterator[None]:
    """Within the block, the directory is locked by the first process, which writes it."""
    with locked(directory) if processes.first else contextlib.nullcontext():
        yield


@checked_arguments
def check_directory(directory: PathLike) -> None:
    """Raises ValueError unless the directory is new or empty.

    Locks and drafts do not count: a process that was killed at its start has left them.
    """
    directory = Path(directory)
    if directory.exists() and not (directory.is_dir() and _is_empty(directory)):
        raise ValueError(
            f"`directory` must be new or an empty folder. Received: directory={str(directory)!r}"
        )


def _is_empty(directory: Path) -> bool:
    return all(path.name.startswith(HIDDEN) for path in directory.iterdir())


def _check_packages(tensorboard: bool) -> None:
    """Raises ModuleNotFoundError if a run could not write all its files at its end."""
    require("matplotlib", extra="recipes", purpose="A training run, for its plots,")
    if tensorboard:
        require("tensorboard", extra="tune", purpose="Writing TensorBoard events")


def _validation(
    predict: PartPredictor, trained: keras.Model, dataset: Dataset
) -> Callable[[], dict[str, float]] | None:
    """Returns a function that evaluates on the validation part; `None` if that is empty."""
    if not len(dataset.x_validation):
        return None

    def validate():
        # The compiled model that trains: to compile its inner model too would take longer.
        outputs = predict(trained, dataset.x_validation)
        found = evaluation.figures(outputs, dataset.y_validation, predict.model.config)
        names = ("accuracy", "loss", "mean_class_accuracy")
        return {f"val_{name}": found[name] for name in names}

    return validate
