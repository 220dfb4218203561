"""SearchPlan: everything that a search depends on, saved as `search.json`."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

from cctzoo.formats.atomic import write_json
from cctzoo.formats.fields import OBJECT, TEXT, check_fields, from_fields, optional
from cctzoo.formats.reading import read_json, reading
from cctzoo.messages import received
from cctzoo.models import CCTConfig, TextConfig, variant_config
from cctzoo.optional_packages import require
from cctzoo.plain_values import check_types, is_one_of, make_plain
from cctzoo.settings import setting
from cctzoo.training import Recipe
from cctzoo.typing import PathLike
from tuning.engine import ORACLES
from tuning.latency import LATENCY_CACHE, EdgeLatency
from tuning.space import CONFIG_FIELDS, SearchSpace, point_config

PROXY_TEST_SAMPLES = 100  # the search ignores the test part: it is for the final models


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatencyObjective:
    """The score of a model from its accuracy and latency, and the largest latency allowed.

    The score is accuracy * (latency / target) ** -weight. Without a target, or with weight 0, the
    score is the accuracy.

    Args:
        target_ms: latency without a penalty, in milliseconds.
        weight: weight of the latency; at 0.07, 5 % more accuracy (relative) compensates twice the
            latency.
        budget_ms: largest latency of a model that is trained, in milliseconds. Slower models have
            a negative score.

    Raises:
        ValueError: if a latency is not positive, or the weight is negative.

    Reference: Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    arXiv 1807.11626, equation 2.
    """

    target_ms: float | None = setting(None, "latency without a penalty, in milliseconds")
    weight: float = setting(
        0.07, "weight of latency: at 0.07, doubled latency costs 5 percent of accuracy"
    )
    budget_ms: float | None = setting(
        None, "models slower than this are not trained, in milliseconds"
    )

    def __post_init__(self) -> None:
        make_plain(self)
        milliseconds = ("target_ms", "budget_ms")
        check_types(self, numbers=(*milliseconds, "weight"), optional=milliseconds)
        for name in milliseconds:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(
                    f"`{name}` must be a positive number of milliseconds. Received: {name}={value}"
                )
        if self.weight < 0:
            raise ValueError(f"`weight` must be 0 or positive. Received: weight={self.weight}")

    def within_budget(self, latency_ms: float) -> bool:
        """Whether a model with this latency is trained."""
        return self.budget_ms is None or latency_ms <= self.budget_ms

    def score(self, accuracy: float | None, latency_ms: float) -> float:
        """Returns the number that the search maximises.

        Over the budget, the score is 0 minus the relative excess, so that a search learns which
        models are faster. The accuracy is ignored then: `None` for a model that was not trained.
        """
        if not self.within_budget(latency_ms):
            return 1 - latency_ms / self.budget_ms
        if self.target_ms is None:
            return accuracy
        return accuracy * (latency_ms / self.target_ms) ** -self.weight


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """Everything that a search over architectures depends on.

    Args:
        recipe: the recipe of the final, full training. Its model fixes everything that the space
            does not contain.
        space: the search space.
        objective: the score to maximise.
        latency: how latency is measured.
        data_fields: fields of the model's config that depend on the data, see
            `training.build.config_from_data`. Text models have only the size of the vocabulary
            here: each training finds the words.
        proxy_epochs: training epochs of each trial; with Hyperband, of the longest training.
        proxy_samples: training samples of each trial, validation part included, evenly from all
            classes. Default: all.
        engine: the library that proposes the trials, `"keras_tuner"` or `"optuna"`.
        oracle: how trials are proposed, one of the engine's `engine.ORACLES`. Default: the first
            of them.
        study: with Optuna, the name of the search in the database at `storage`. Default: the
            search is in the journal of its directory.
        storage: with Optuna, the address of a database in SQLAlchemy's form. It is not saved,
            because it may have a password.
        trials: largest number of trials.
        final: number of best models that are trained in full.
        seed: random seed of the oracle.

    Raises:
        ValueError: if a value is out of range, the recipe has no validation part or starts from
            trained weights, or the space has no model.
    """

    recipe: Recipe
    space: SearchSpace
    objective: LatencyObjective
    latency: EdgeLatency
    data_fields: dict[str, Any]
    proxy_epochs: int = dataclasses.field(metadata={"help": "training epochs of each trial"})
    proxy_samples: int | None = setting(None, "training samples of each trial (all)")
    engine: str = setting("keras_tuner", "the library that proposes the trials")
    oracle: str | None = setting(None, "how trials are proposed (pareto; with optuna: tpe)")
    study: str | None = None
    storage: str | None = setting(
        None, "with optuna: address of a database, e.g. postgresql://..., in place of a journal"
    )
    trials: int = setting(10, "largest number of trials")
    final: int = setting(1, "number of best models that are trained in full")
    seed: int = 0

    def __post_init__(self) -> None:
        make_plain(self)
        parts = {
            "recipe": Recipe,
            "space": SearchSpace,
            "objective": LatencyObjective,
            "latency": EdgeLatency,
            "data_fields": dict,
        }
        for name, kind in parts.items():
            if not isinstance(getattr(self, name), kind):
                raise ValueError(
                    f"`{name}` must be a {kind.__name__}. {received(**{name: getattr(self, name)})}"
                )
        counts = ("proxy_epochs", "proxy_samples", "trials", "final", "seed")
        check_types(self, integers=counts, optional=("proxy_samples",))
        for name, least in {"proxy_epochs": 1, "trials": 1, "final": 0, "seed": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. {received(**{name: getattr(self, name)})}"
                )
        self._check_engine()
        if not self.recipe.validation:
            raise ValueError(
                "A search needs validation samples, because the test part is for the final "
                f"models. Received: validation={self.recipe.validation}"
            )
        if self.recipe.start_from:
            raise ValueError(
                "A search trains from random weights. "
                f"Received: start_from={self.recipe.start_from!r}"
            )
        check_trials(self)

    def _check_engine(self) -> None:
        if not is_one_of(self.engine, ORACLES):
            raise ValueError(
                f"`engine` must be one of {tuple(ORACLES)}. {received(engine=self.engine)}"
            )
        oracles = ORACLES[self.engine]
        if self.oracle is None:
            object.__setattr__(self, "oracle", oracles[0])
        if not is_one_of(self.oracle, oracles):
            raise ValueError(
                f"`oracle` must be one of {oracles} with the engine {self.engine!r}. "
                f"{received(oracle=self.oracle)}"
            )
        for name in ("study", "storage"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"`{name}` must be a text or None. Received: {name}=...")
        if (self.study is None) != (self.storage is None) or (
            self.study is not None and self.engine != "optuna"
        ):
            raise ValueError(
                "A database needs the engine 'optuna', its address `storage` and the name `study` "
                f"of the search in it. {received(engine=self.engine, study=self.study)}, and "
                f"storage is {'not ' if self.storage is None else ''}given"
            )
        if self.engine == "optuna":
            require("optuna", extra="tune", purpose="The engine optuna of a search")

    @functools.cached_property
    def base(self) -> CCTConfig | TextConfig:
        """The config of the recipe's own model; it returns logits, as all models in training."""
        return variant_config(self.recipe.model, **self.recipe.changes | self.data_fields)

    def config(self, values: dict[str, Any]) -> CCTConfig | TextConfig:
        """Returns the config of a point, see `point_config`."""
        return point_config(values, self.base)

    def full_recipe(self, values: dict[str, Any]) -> Recipe:
        """Returns the recipe of the full training of a point's model."""
        config = self.config(values)
        changes = {name: getattr(config, name) for name in CONFIG_FIELDS}
        return dataclasses.replace(self.recipe, changes=self.recipe.changes | changes)

    def proxy(self, recipe: Recipe) -> Recipe:
        """Returns the recipe of a trial: fewer epochs, with the warm-up in proportion."""
        return dataclasses.replace(
            recipe.with_epochs(self.proxy_epochs),
            cooldown_epochs=0,
            train_samples=self.proxy_samples or recipe.train_samples,
            test_samples=PROXY_TEST_SAMPLES,
        )

    def save(self, directory: PathLike) -> None:
        """Writes `search.json`, without the latency cache and the address of the database."""
        fields = dataclasses.asdict(self)
        del fields["latency"]["cache"], fields["storage"]
        write_json(Path(directory, "search.json"), fields)

    @classmethod
    def load(
        cls,
        directory: PathLike,
        *,
        latency_command: str | None = None,
        latency_cache: PathLike = LATENCY_CACHE,
        storage: str | None = None,
    ) -> "SearchPlan":
        """Reads `search.json`.

        The file may come from an untrusted source. It can therefore not choose a program to run
        or a place to write to: they are arguments.

        Args:
            directory: the directory of the search.
            latency_command: the latency command of the search, which must equal the stored one.
            latency_cache: the folder of measured latencies, see `EdgeLatency`.
            storage: the address of the database of the search, if it has one.

        Raises:
            ValueError: if the directory has no `search.json`, the file is broken, the search has
                another latency command, or `storage` is missing or not needed.
        """
        path = Path(directory, "search.json")
        if not path.is_file():
            raise ValueError(
                "The directory must be that of a search, which contains search.json. "
                f"Received: {str(directory)!r}"
            )
        what = "the search.json of a search"
        fields = read_json(path, what)
        with reading(path, what):
            names = ("recipe", "space", "objective", "latency", "data_fields")
            check_fields(fields, dict.fromkeys(names, OBJECT))
            check_fields({"study": None} | fields, {"study": optional(TEXT)})
        stored = fields["latency"].get("command")
        if stored != latency_command:
            raise ValueError(
                "The latency command of a search is run only if the same command is given again "
                f"with --latency-command. Received: latency_command={latency_command!r}, but "
                f"{str(path)!r} has {stored!r}"
            )
        if (fields.get("study") is None) != (storage is None):
            raise ValueError(
                "`storage` must be given again with --storage if the search is in a database, and "
                f"only then. Received: path={str(path)!r}, which names "
                f"{'no study' if storage else 'a study'} in a database, and "
                f"{'an' if storage else 'no'} address of a database"
            )
        fields["latency"] |= {"cache": str(Path(latency_cache).absolute())}
        fields["storage"] = storage
        parts = {"space": SearchSpace, "objective": LatencyObjective, "latency": EdgeLatency}
        with reading(path, what):
            fields |= {name: from_fields(part, fields[name]) for name, part in parts.items()}
            fields["recipe"] = Recipe.from_dict(fields["recipe"])
            return from_fields(cls, fields)


def check_trials(plan: SearchPlan) -> None:
    """Raises ValueError if no trial of a plan is possible."""
    plan.proxy(plan.recipe)
    plan.space.check_has_model(plan.base)
