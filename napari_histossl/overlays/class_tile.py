"""What a classifier sees in one tile, and what dropout attention hides of it.

A classifier that averages its last map is linear after that map: its class activation
maps are all that its head needs. Logits are their means, and those after dropout
attention the means of their products with it. A worker computes the maps of a tile
once; the window keeps them and follows a slider alone, without torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from napari_histossl.errors import PlanError
from napari_histossl.overlays.grid import Tile


@dataclass(frozen=True, slots=True, eq=False)
class TileClasses:
    """Class activation of one tile.

    Attributes
    ----------
    tile_ij : tuple of int
        Row and column of the tile in the plan's grid.
    activation : ndarray of shape (classes, h, w) and dtype float32
        Class activation maps, of either sign: each one's mean is the logit.
    """

    tile_ij: Tile
    activation: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.activation.nbytes

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """What the classifier gives each class, (classes,), each for itself."""
        return _sigmoid(self.activation.mean((1, 2)))

    @property
    def seen(self) -> NDArray[np.float32]:
        """Class activation as dropout attention takes it, (classes, h, w), from 0."""
        return np.maximum(self.activation, 0)

    def hidden(self, mu: float) -> NDArray[np.bool_]:
        """Return what dropout attention hides of each class.

        Parameters
        ----------
        mu : float
            From 0 to 1: hidden is what is above this share of a map's maximum.

        Returns
        -------
        ndarray of shape (classes, h, w) and dtype bool
            Nothing of a class whose activation is nowhere above 0.

        Raises
        ------
        PlanError
            If `mu` is not from 0 to 1.
        """
        if not 0 <= mu <= 1:
            raise PlanError(f"mu is a share of the maximum, from 0 to 1; got {mu}")
        seen = self.seen
        hidden: NDArray[np.bool_] = seen > np.float32(mu) * seen.max(
            (1, 2), keepdims=True
        )
        return hidden

    def attention(self, mu: float, divisor: float | None = None) -> NDArray[np.float32]:
        """Return what the features are multiplied by in training.

        Parameters
        ----------
        mu : float
            As `hidden` takes it.
        divisor : float, optional
            Of the sum over classes; None for their number.

        Returns
        -------
        ndarray of shape (h, w) and dtype float32
            At least 0.

        References
        ----------
        Han et al. 2022, arXiv:2110.08048; see `models.dropout_attention`.
        """
        left = np.where(self.hidden(mu), np.float32(0), self.seen)
        summed: NDArray[np.float32] = left.sum(0)
        return summed / np.float32(divisor or len(left))

    def probabilities_after(
        self, mu: float, divisor: float | None = None
    ) -> NDArray[np.float32]:
        """Return what the classifier gives each class after dropout attention.

        Parameters
        ----------
        mu, divisor
            As `attention` takes them.

        Returns
        -------
        ndarray of shape (classes,) and dtype float32
            As the model's ``dropout_attention_logits`` gives them, as probabilities.
        """
        left = self.attention(mu, divisor)
        return _sigmoid((self.activation * left).mean((1, 2)))


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = expit(logits.astype(np.float32))
    return probabilities
