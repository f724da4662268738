"""Steps whose length follows that of the weights, for large batches.

References
----------
You et al. 2017, "Large Batch Training of Convolutional Networks", arXiv:1708.03888, as
SimCLR uses it (Chen et al. 2020, arXiv:2002.05709): biases and batch norms, which are
vectors, take plain momentum steps without decay. Written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Lars(torch.optim.Optimizer):
    """Momentum with a rate of its own for each matrix or kernel.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        What is learned, or groups of it.
    lr : float
        Learning rate.
    momentum : float
        Share of the old step that is kept.
    weight_decay : float
        Share of the weights that is added to their gradient.
    trust : float
        Length of a step over that of the weights, at a learning rate of 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.0,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "trust": trust,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._move(weights, group)
        return loss

    def _move(self, weights: Tensor, group: dict[str, Any]) -> None:
        slope = weights.grad
        if slope is None:
            return
        if weights.ndim > 1:
            slope = slope + group["weight_decay"] * weights
            slope = slope * _trust(weights, slope, group["trust"])
        state = self.state[weights]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weights)
        state["momentum"].mul_(group["momentum"]).add_(slope)
        weights.sub_(group["lr"] * state["momentum"])


def _trust(weights: Tensor, slope: Tensor, trust: float) -> Tensor:
    """Return the rate of one matrix; 1 where either length is 0."""
    length, steepness = weights.norm(), slope.norm()
    usable = (length > 0) & (steepness > 0)
    return torch.where(usable, trust * length / steepness.clamp(min=1e-12), 1.0)
