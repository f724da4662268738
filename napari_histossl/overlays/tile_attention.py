"""All attention within one tile: what any token attends to is a look-up, without torch.

A worker computes a tile once; the window keeps it and follows the cursor alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import GeometryError
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.normalise import normalise
from napari_histossl.overlays.plan import Normalisation, RunPlan

_LIMIT_QUANTILE = 0.995
"""Values above this quantile saturate: a token that attends to itself is not all."""

_LIMIT_ROWS = 64
"""Tokens whose attention the limits are taken from; enough, and quick."""


@dataclass(frozen=True, slots=True, eq=False)
class TileAttention:
    """What every token of a tile gives to every other.

    Attributes
    ----------
    tile_ij : tuple of int
        Row and column of the tile in the plan's grid.
    relative : ndarray of shape (heads, N, N) and dtype float16
        Softmax weights from one token (second axis) to another (third), times the
        number of tokens with the class token: half precision loses nothing then.
    """

    tile_ij: Tile
    relative: NDArray[np.float16]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.relative.nbytes

    @property
    def heads(self) -> int:
        """Number of heads."""
        return int(self.relative.shape[0])

    @property
    def edge(self) -> int:
        """Edge of the tile in tokens."""
        return round(float(np.sqrt(self.relative.shape[1])))

    def given_by(
        self,
        token_ij: tuple[int, int],
        head: int | None = None,
        values: Normalisation = "relative",
    ) -> NDArray[np.float32]:
        """Return what one token gives to each token of its tile.

        Parameters
        ----------
        token_ij : tuple of int
            Row and column of the token in the tile.
        head : int, optional
            From 0; by default the mean of all heads.
        values : {"relative", "softmax", "rank"}, optional
            See `overlays.plan.MEANINGS`.

        Returns
        -------
        ndarray of shape (edge, edge) and dtype float32
            As `values` says.
        """
        token = token_ij[0] * self.edge + token_ij[1]
        given = self._of_head(self.relative[:, token], head)
        if values == "relative":
            return given.reshape(self.edge, self.edge)
        weights = (given / np.float32(given.size + 1)).reshape(
            1, 1, self.edge, self.edge
        )
        numbers: NDArray[np.float32] = normalise(weights, values)[0, 0]
        return numbers.astype(np.float32)

    def limit(self, head: int | None = None) -> float:
        """Return the relative value above which colours saturate, two digits."""
        step = max(self.relative.shape[1] // _LIMIT_ROWS, 1)
        given = self._of_head(self.relative[:, ::step], head)
        return float(f"{np.quantile(given, _LIMIT_QUANTILE):.2g}") or 1.0

    def _of_head(
        self, relative: NDArray[np.float16], head: int | None
    ) -> NDArray[np.float32]:
        mean_or_one: NDArray[np.float32] = (
            relative.mean(0, dtype=np.float32)
            if head is None
            else relative[head].astype(np.float32)
        )
        return mean_or_one


def locate(plan: RunPlan, y_px0: float, x_px0: float) -> tuple[Tile, tuple[int, int]]:
    """Return the tile and the token in it that a point of the slide lies on.

    Parameters
    ----------
    plan : RunPlan
        An attention run.
    y_px0, x_px0 : float
        In level-0 pixels.

    Returns
    -------
    tile_ij : tuple of int
        Where tiles overlap, the one in whose middle the point lies most.
    token_ij : tuple of int
        Row and column of the token in the tile.

    Raises
    ------
    GeometryError
        If the point is not on the slide.
    """
    y_px, x_px = y_px0 / plan.downsample, x_px0 / plan.downsample
    grid = plan.grid
    height, width = grid.shape
    if not (0 <= y_px < height and 0 <= x_px < width):
        raise GeometryError(
            f"the point at row {y_px0:.0f}, column {x_px0:.0f} is not on "
            f"{plan.slide_name}"
        )
    rows, columns = grid.shape_ij
    margin = (grid.tile_px - grid.step_px) / 2
    tile = (
        min(max(int((y_px - margin) // grid.step_px), 0), rows - 1),
        min(max(int((x_px - margin) // grid.step_px), 0), columns - 1),
    )
    box, token_px = plan.tile_box(*tile), plan.spec.token_px
    return tile, (int((y_px - box.y) // token_px), int((x_px - box.x) // token_px))
