"""Muon under PyTorch: all weights of one shape in one operation."""

from collections import defaultdict
from collections.abc import Sequence

import keras
import torch

from cctzoo.training import muon
from cctzoo.training.adamw_torch import apply_weight_decay, update_by_adamw
from cctzoo.typing import Tensor


class Muon(muon.Muon):
    """`muon.Muon` with few operations, where Keras' own makes dozens for each weight.

    Matrices of one shape are orthogonalised together, the other weights updated by PyTorch's
    fused AdamW. The moving average of the weights stays Keras'.
    """

    @torch.no_grad()
    def _backend_update_step(
        self,
        grads: Sequence[Tensor],
        trainable_variables: Sequence[keras.Variable],
        learning_rate: Tensor,
    ) -> None:
        rate = float(learning_rate)
        by_adamw, by_shape = [], defaultdict(list)
        for variable, gradient in zip(trainable_variables, grads, strict=True):
            place = self._get_variable_index(variable)
            moment, square = self.momentums[place], self.adam_velocities[place]
            if square is not None:
                by_adamw.append((variable, gradient, moment, square))
            else:
                by_shape[variable.shape].append((variable.value, gradient, moment.value))
        if by_adamw:
            update_by_adamw(
                *zip(*by_adamw, strict=True),
                int(self.iterations),
                rate=rate * self.adam_lr_ratio,
                betas=(self.adam_beta_1, self.adam_beta_2),
                epsilon=self.epsilon,
            )
        for rows in by_shape.values():
            self._update_matrices(*map(list, zip(*rows, strict=True)), rate)

    def _update_matrices(self, values, gradients, moments, rate):
        torch._foreach_mul_(moments, self.momentum)
        torch._foreach_add_(moments, gradients)
        if self.nesterov:
            gradients = torch._foreach_add(gradients, moments, alpha=self.momentum)
        else:
            gradients = moments
        matrices = torch.stack([x.reshape(-1, x.shape[-1]) for x in gradients])
        updates = self._orthogonal(matrices).to(matrices.dtype).view(-1, *values[0].shape)
        scale = self.rms_rate * max(matrices.shape[1:]) ** 0.5
        torch._foreach_add_(values, list(updates.unbind()), alpha=-rate * scale)

    def _orthogonal(self, x):
        """The orthogonal matrices next to those of `x` (n, rows, columns)."""
        if self.precision:
            x = x.to(getattr(torch, self.precision))
        tall = x.shape[1] > x.shape[2]
        x = x.mT if tall else x
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.mT
            factor = torch.baddbmm(square, square, square, beta=self.muon_b, alpha=self.muon_c)
            x = torch.baddbmm(x, factor, x, beta=self.muon_a)
        return (x.mT if tall else x).contiguous()

    def _apply_weight_decay(self, variables):
        apply_weight_decay(self, variables)
