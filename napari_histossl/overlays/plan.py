"""What a run will do, decided once, shown to a person, then run unchanged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_histossl.geometry import Box, TileGrid
from napari_histossl.models.registry import ModelSpec

DTYPE = np.dtype(np.float16)
"""Of stored attention: three digits are enough for a picture."""

VALUES = (
    "attention of the class token, softmax within one tile, times the number of "
    "tokens: 1.0 is uniform attention; NaN is not computed; values of different "
    "tiles are not on one scale"
)
"""What the numbers of an attention overlay mean; stored with each."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """An attention run over the tiles of a slide.

    Attributes
    ----------
    name : str
        Of the overlay.
    out : str
        Folder of the OME-Zarr to be written.
    spec : ModelSpec
        Model, tile, token, normalisation.
    weights, weights_sha256 : str
        File of the weights and its hash; another content is refused.
    slide_name, slide_fingerprint : str
        The slide the plan was made for.
    level : int
        Virtual level that is read.
    level_shape : tuple of int
        Its height and width in pixels.
    downsample : float
        Level-0 pixels per pixel of the level.
    mpp_yx : tuple of float
        Micrometres per pixel of the level.
    tiles_ij : tuple of tuple of int
        Row and column of each tile, in the order in which they are computed.
    batch : int
        Tiles computed at once.
    overwrite : bool
        Replace an overlay of the same name instead of going on with it.
    seconds : float or None
        Rough estimate for all tiles on this machine.
    notes : tuple of str
        What a person should know before the run.
    """

    name: str
    out: str
    spec: ModelSpec
    weights: str
    weights_sha256: str
    slide_name: str
    slide_fingerprint: str
    level: int
    level_shape: tuple[int, int]
    downsample: float
    mpp_yx: tuple[float, float]
    tiles_ij: tuple[tuple[int, int], ...]
    batch: int = 16
    overwrite: bool = False
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def grid(self) -> TileGrid:
        """Tiles of the level that is read; the last ones may hang over its edge."""
        return TileGrid(self.level_shape, self.spec.tile_px)

    @property
    def tile_tokens(self) -> int:
        """Edge of a tile in tokens, which are the pixels of the overlay."""
        return self.spec.tile_px // self.spec.token_px

    @property
    def shape(self) -> tuple[int, int, int]:
        """Heads, rows and columns of the overlay, one pixel a token."""
        rows, columns = (math.ceil(n / self.spec.token_px) for n in self.level_shape)
        return self.spec.heads, rows, columns

    @property
    def pixel_um_yx(self) -> tuple[float, float]:
        """Size of a token in micrometres."""
        y, x = self.mpp_yx
        return y * self.spec.token_px, x * self.spec.token_px

    @property
    def channel_names(self) -> tuple[str, ...]:
        """One name a head."""
        return tuple(f"head {head}" for head in range(self.spec.heads))

    @property
    def stored_bytes(self) -> int:
        """Size of what the tiles give, before compression and coarser levels."""
        values = len(self.tiles_ij) * self.tile_tokens**2 * self.spec.heads
        return values * DTYPE.itemsize

    @property
    def parameters(self) -> dict[str, Any]:
        """What the numbers depend on besides slide and weights; JSON values."""
        return {
            "kind": "attention",
            "values": VALUES,
            "config": dict(self.spec.config),
            "level": self.level,
            "downsample": self.downsample,
            "mpp_yx": list(self.mpp_yx),
            "tile_px": self.spec.tile_px,
            "token_px": self.spec.token_px,
            "mean": list(self.spec.mean),
            "std": list(self.spec.std),
        }

    def tile_box(self, row: int, column: int) -> Box:
        """Return a tile in pixels of the level that is read."""
        return self.grid.box(row, column)

    def token_box(self, row: int, column: int) -> Box:
        """Return a tile in pixels of the overlay."""
        edge = self.tile_tokens
        return Box(row * edge, column * edge, edge, edge)

    def summary(self) -> str:
        """Return the plan in a few lines for people."""
        y, x = self.mpp_yx
        tiles, megabytes = len(self.tiles_ij), self.stored_bytes / 1e6
        lines = [
            f"overlay   {self.name} -> {self.out}",
            f"model     {self.spec.name}, {self.spec.heads} heads, {self.weights}",
            f"reads     level {self.level} at {y:.3g} x {x:.3g} um/px",
            f"tiles     {tiles:,} of {self.spec.tile_px} px, {megabytes:,.1f} MB",
        ]
        if self.seconds is not None:
            lines.append(f"time      about {_duration(self.seconds)}")
        return "\n".join([*lines, *(f"note      {note}" for note in self.notes)])


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
