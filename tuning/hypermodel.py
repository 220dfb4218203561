"""The zoo as a KerasTuner hypermodel."""

import keras_tuner

from cctzoo.models import CCT, variant_config
from tuning.space import HYPERPARAMETERS


class CCTHyperModel(keras_tuner.HyperModel):
    """Builds the model of a point of a `SearchSpace`, for any tuner of KerasTuner.

    Args:
        space: a `SearchSpace`.
        model: name of the model that has all which the space leaves open.
        changes: fields of `CCTConfig` or `TextConfig` that differ from it, e.g. `classes=10`.

    Raises:
        ValueError: for an unknown model, changes that are no fields, or a space without a
            model.
    """

    def __init__(self, space, model, **changes):
        super().__init__(name=model)
        self.space = space
        self.base = variant_config(model, **changes)
        self.models = space.check(self.base)
        self._configs = {}

    def config(self, values):
        """The config of a point, given as a dict; ValueError if it is no model."""
        key = tuple(values[name] for name in HYPERPARAMETERS)
        if key not in self._configs:  # oracles ask for those of all trials at each proposal
            self._configs[key] = self.space.config(values, self.base)
        return self._configs[key]

    def build(self, hp):
        """The model, not compiled; a point that is none fails the trial at once."""
        try:
            config = self.config(self.space.declare(hp))
        except ValueError as error:
            raise keras_tuner.errors.FailedTrialError(str(error)) from error
        return CCT(config, name=self.name)
