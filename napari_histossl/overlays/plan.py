"""What a run will do, decided once, shown to a person, then run unchanged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from napari_histossl.geometry import Box
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.grid import StepGrid

DTYPE = np.dtype(np.float16)
"""Of stored attention: three digits are enough for a picture."""

Normalisation = Literal["relative", "softmax", "rank"]
"""What is stored: see `MEANINGS`."""

MEANINGS: dict[Normalisation, str] = {
    "relative": (
        "attention of the class token, softmax within one tile, times the number of "
        "tokens: 1.0 is uniform attention; NaN is not computed; values of different "
        "tiles are not on one scale"
    ),
    "softmax": (
        "attention of the class token, softmax within one tile: the tokens of a tile "
        "and the class token share 1.0; NaN is not computed; values of different "
        "tiles are not on one scale"
    ),
    "rank": (
        "rank of the attention within one tile, in percent: 100 is the token that gets "
        "most, 50 the median, equal ones share their mean rank; NaN is not computed"
    ),
}
"""What the numbers of an attention overlay mean; stored with each, for colour bars."""

UNITS: dict[Normalisation, str] = {
    "relative": "attention (1 = uniform)",
    "softmax": "attention (softmax within a tile)",
    "rank": "rank within a tile (%)",
}
"""The same in a few words, beside a colour bar."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run over the tiles of a slide.

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
        Height and width in pixels at the scale of the run.
    downsample : float
        Level-0 pixels per pixel that the model gets; where it is not that of `level`,
        areas are averaged.
    mpp_yx : tuple of float
        Micrometres per pixel that the model gets.
    tiles_ij : tuple of tuple of int
        Row and column of each tile, in the order in which they are computed.
    batch : int
        Tiles computed at once.
    overwrite : bool
        Replace an overlay of the same name instead of going on with it.
    seconds : float or None
        Estimate for all tiles on this machine.
    notes : tuple of str
        What a person should know before the run.
    kind : str
        What is computed; a name in `overlays.predictor.KINDS`.
    step_px : int
        From one tile to the next; 0 for a whole tile. Where tiles overlap they are
        blended.
    block : int
        Block whose attention is taken; negative numbers count from the last.
    values : {"relative", "softmax", "rank"}
        What is stored, see `MEANINGS`.
    has_mean : bool
        Whether the mean of all heads is stored as a further channel.
    device : str
        "auto", "cpu", "cuda" or "mps".
    precision : str
        "auto" for half precision on a GPU where that is safe, or "full".
    options : tuple of (str, value)
        What further kinds of run need to know; JSON values.
    run_id : str
        With `overwrite`: names this plan, which goes on with what it has written when
        it is run again, and does not overwrite that too.
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
    kind: str = "attention"
    step_px: int = 0
    block: int = -1
    values: Normalisation = "relative"
    has_mean: bool = False
    device: str = "auto"
    precision: str = "auto"
    options: tuple[tuple[str, Any], ...] = ()
    run_id: str = ""

    @property
    def grid(self) -> StepGrid:
        """Tiles at the scale of the run; the last ones may hang over its edge."""
        tile = self.spec.tile_px
        return StepGrid(self.level_shape, tile, self.step_px or tile)

    @property
    def tile_tokens(self) -> int:
        """Edge of a tile in tokens, which are the pixels of the overlay."""
        return self.spec.tile_px // self.spec.token_px

    @property
    def is_blended(self) -> bool:
        """Whether tiles overlap."""
        return self.grid.step_px < self.spec.tile_px

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the overlay, one pixel a token."""
        rows, columns = (math.ceil(n / self.spec.token_px) for n in self.level_shape)
        return len(self.channel_names), rows, columns

    @property
    def pixel_um_yx(self) -> tuple[float, float]:
        """Size of a token in micrometres."""
        y, x = self.mpp_yx
        return y * self.spec.token_px, x * self.spec.token_px

    @property
    def channel_names(self) -> tuple[str, ...]:
        """One name a head, and one for their mean."""
        heads = tuple(f"head {head}" for head in range(self.spec.heads))
        return (*heads, "mean of heads") if self.has_mean else heads

    @property
    def stored_bytes(self) -> int:
        """Size of what the tiles give, before compression and coarser levels."""
        values = len(self.tiles_ij) * self.tile_tokens**2 * self.shape[0]
        return values * DTYPE.itemsize

    @property
    def parameters(self) -> dict[str, Any]:
        """What the numbers depend on besides slide and weights; JSON values."""
        return {
            "kind": self.kind,
            "values": MEANINGS[self.values],
            "unit": UNITS[self.values],
            "config": dict(self.spec.config),
            "block": self.block,
            "level": self.level,
            "downsample": self.downsample,
            "mpp_yx": list(self.mpp_yx),
            "tile_px": self.spec.tile_px,
            "step_px": self.grid.step_px,
            "token_px": self.spec.token_px,
            "mean": list(self.spec.mean),
            "std": list(self.spec.std),
            **dict(self.options),
            **({"run": self.run_id} if self.run_id else {}),
        }

    def bare(self) -> RunPlan:
        """Return the plan without its tiles: what a predictor needs, quick to send."""
        return replace(self, tiles_ij=(), notes=(), seconds=None)

    def tile_box(self, row: int, column: int) -> Box:
        """Return a tile in pixels at the scale of the run."""
        return self.grid.box(row, column)

    def token_box(self, row: int, column: int) -> Box:
        """Return a tile in pixels of the overlay."""
        edge, step = self.tile_tokens, self.grid.step_px // self.spec.token_px
        return Box(row * step, column * step, edge, edge)

    def summary(self) -> str:
        """Return the plan in a few lines for people."""
        return self.summary_of("overlay", f"{self.spec.heads} heads", self.stored_bytes)

    def summary_of(self, what: str, gives: str, stored_bytes: int) -> str:
        """Return the plan of any kind of run in a few lines for people.

        Parameters
        ----------
        what : str
            What is made, in at most nine letters.
        gives : str
            What the model gives, such as "6 heads".
        stored_bytes : int
            Size of all of it.
        """
        y, x = self.mpp_yx
        tiles, megabytes = len(self.tiles_ij), stored_bytes / 1e6
        is_averaged = self.downsample != 2**self.level
        averaged = f", averaged from level {self.level}" if is_averaged else ""
        lines = [
            f"{what:<9} {self.name} -> {self.out}",
            f"model     {self.spec.name}, {gives}, {self.weights}",
            f"reads     level {self.level} at {y:.3g} x {x:.3g} um/px{averaged}",
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
