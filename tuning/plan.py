"""Search: everything that a search depends on, as one object that is saved beside it."""

import dataclasses
import functools
import json
from pathlib import Path

from cctzoo import training
from cctzoo.formats.atomic import write_json
from cctzoo.settings import setting
from tuning.hypermodel import CCTHyperModel
from tuning.latency import EdgeLatency
from tuning.objective import LatencyObjective
from tuning.oracles import ORACLES, make_oracle
from tuning.space import SearchSpace

PROXY_TEST_IMAGES = 100  # the test part has no say in a search: it is for the final models


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """A search over architectures.

    Args:
        recipe: of the final, full training; its model has all that the space leaves open.
        space: what is searched.
        objective: what is maximised.
        latency: how latency is measured.
        given: fields of the model's config that the data decide, see
            `training.build.config_from_data`; of a vocabulary its size alone.
        proxy_epochs: of each trial's training; Hyperband's longest.
        proxy_images: training images of each trial, drawn evenly from the classes, the
            validation part included; `None`: all.
        oracle: `"pareto"`, `"random"`, `"bayesian"` or `"hyperband"`.
        trials: at most.
        final: how many of the best models are trained in full.
        seed: of the proposals.

    Raises:
        ValueError: for values out of range, a recipe that holds nothing out for validation,
            or a space without a model.
    """

    recipe: training.Recipe
    space: SearchSpace
    objective: LatencyObjective
    latency: EdgeLatency
    given: dict
    proxy_epochs: int = dataclasses.field(metadata={"help": "training epochs of each trial"})
    proxy_images: int | None = setting(None, "training samples of each trial (all)")
    oracle: str = "pareto"
    trials: int = setting(10, "largest number of trials")
    final: int = setting(1, "number of best models that are trained in full")
    seed: int = 0

    def __post_init__(self):
        for name, least in {"proxy_epochs": 1, "trials": 1, "final": 0, "seed": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {name}={getattr(self, name)}"
                )
        if self.oracle not in ORACLES:
            raise ValueError(f"`oracle` must be one of {ORACLES}. Received: oracle={self.oracle!r}")
        if not self.recipe.validation:
            raise ValueError(
                "A search needs validation images: the test part is for its end. "
                f"Received: validation={self.recipe.validation}"
            )
        if self.recipe.start_from:
            raise ValueError(
                "A search trains from random weights. "
                f"Received: start_from={self.recipe.start_from!r}"
            )
        given = json.loads(json.dumps(self.given))  # lists for tuples, as search.json has them
        object.__setattr__(self, "given", given)
        _ = self.proxy, self.hypermodel  # raise what they have to raise

    @functools.cached_property
    def hypermodel(self):
        """The `CCTHyperModel`, with logits as output, as all training has it."""
        return CCTHyperModel(self.space, self.recipe.model, **self.recipe.changes | self.given)

    @property
    def proxy(self):
        """The recipe of the trials, its warm-up the same part of fewer epochs."""
        return dataclasses.replace(
            self.recipe.with_epochs(self.proxy_epochs),
            cooldown_epochs=0,
            train_samples=self.proxy_images or self.recipe.train_samples,
            test_samples=PROXY_TEST_IMAGES,
        )

    def full_recipe(self, changes):
        """The recipe of the full training of a model with these changes."""
        return dataclasses.replace(self.recipe, changes=self.recipe.changes | changes)

    def make_oracle(self):
        """The oracle of `oracles.make_oracle`."""
        return make_oracle(self.oracle, self.hypermodel, self.trials, self.proxy_epochs, self.seed)

    def save(self, directory):
        """Writes `search.json`."""
        write_json(Path(directory, "search.json"), dataclasses.asdict(self))

    @classmethod
    def load(cls, directory):
        """Reads what `save` wrote; ValueError where there is none."""
        path = Path(directory, "search.json")
        if not path.is_file():
            raise ValueError(
                "The directory must be that of a search, with its search.json. "
                f"Received: {str(directory)!r}"
            )
        fields = json.loads(path.read_text())
        parts = {"space": SearchSpace, "objective": LatencyObjective, "latency": EdgeLatency}
        fields |= {name: part(**fields[name]) for name, part in parts.items()}
        fields["recipe"] = training.Recipe.from_dict(fields["recipe"])
        return cls(**fields)
