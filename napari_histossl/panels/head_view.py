"""What is shown of an overlay: a head or their mean, raw or ranked, all or the most.

An overlay stores one number a token and head. What a person sees follows from that
here: as tiles for a window, as boxes for a figure, as small pictures to choose from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box, Level
from napari_histossl.overlays.hierarchy_view import KIND as HIERARCHY
from napari_histossl.overlays.plan import MEANINGS, UNITS
from napari_histossl.overlays.ranks import average_ranks
from napari_histossl.overlays.threshold import mass_mask
from napari_histossl.slide.tiles import PlaneTileSource, TileKey, TileSource
from napari_histossl.store import Pyramid

MEAN = -1
"""In the place of a head: the mean of all heads."""

_HIGH_QUANTILE = 0.995
"""Values above this quantile saturate, so that one token does not darken the rest."""


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """What a person wants to see of an overlay.

    Attributes
    ----------
    head : int
        Channel of the overlay, or `MEAN`.
    ranked : bool
        Show the rank of each token within its tile, in percent.
    mass : float
        Show in each tile the fewest tokens that hold this share of its attention,
        above 0 and up to 1; 1 shows all.
    """

    head: int = 0
    ranked: bool = False
    mass: float = 1.0


@dataclass(frozen=True, slots=True)
class OverlayFacts:
    """What an overlay says about itself.

    Attributes
    ----------
    channel_names : tuple of str
        One a channel.
    is_hierarchy : bool
        Whether it holds two levels of attention.
    tile_tokens : int or None
        Edge of a tile in tokens, where each tile is a softmax of its own; None where
        tiles were blended, or values are ranks already: then there is nothing to rank
        and no share to keep.
    values, unit : str
        What the numbers mean, at length and in short.
    full_scale : float or None
        Largest value there can be; None where that is not fixed.
    model, weights : str
        What made it; empty where it does not say.
    block : int or None
        Block whose attention it is.
    mpp : float or None
        Micrometres per pixel that the model got.
    """

    channel_names: tuple[str, ...]
    is_hierarchy: bool
    tile_tokens: int | None
    values: str
    unit: str
    full_scale: float | None
    model: str
    weights: str
    block: int | None
    mpp: float | None

    @classmethod
    def of(cls, pyramid: Pyramid) -> OverlayFacts:
        """Read what an overlay says, also one that was made elsewhere."""
        said = pyramid.provenance
        told: dict[str, Any] = said.get("parameters") or {}
        count = pyramid.arrays[0].shape[0] if len(pyramid.axes) == 3 else 1
        names = pyramid.channel_names or tuple(f"channel {i}" for i in range(count))
        mpp = told.get("mpp_yx")
        return cls(
            channel_names=names,
            is_hierarchy=told.get("kind") == HIERARCHY,
            tile_tokens=_tile_tokens(told),
            values=str(told.get("values") or ""),
            unit=str(told.get("unit") or "value"),
            full_scale=_full_scale(told),
            model=str(said.get("model") or ""),
            weights=str(said.get("weights_sha256") or ""),
            block=told.get("block"),
            mpp=float(np.sqrt(mpp[0] * mpp[1])) if mpp else None,
        )

    @property
    def heads(self) -> tuple[int, ...]:
        """Channels that are heads, of which a mean makes sense; else none."""
        if self.is_hierarchy:
            return ()
        names = enumerate(self.channel_names)
        return tuple(index for index, name in names if name.startswith("head "))

    def name_of(self, head: int) -> str:
        """Return what a channel, or `MEAN`, is called."""
        return "mean of heads" if head == MEAN else self.channel_names[head]

    def meaning(self, choice: HeadChoice) -> str:
        """Return what the numbers on the screen mean, at length."""
        return MEANINGS["rank"] if choice.ranked else self.values

    def unit_of(self, choice: HeadChoice) -> str:
        """Return what the numbers on the screen are, in a few words."""
        return UNITS["rank"] if choice.ranked else self.unit


def _tile_tokens(told: dict[str, Any]) -> int | None:
    if told.get("kind") != "attention" or told.get("values") == MEANINGS["rank"]:
        return None
    tile_px, token_px = int(told["tile_px"]), int(told["token_px"])
    is_blended = int(told.get("step_px", tile_px)) != tile_px
    return None if is_blended else tile_px // token_px


def _full_scale(told: dict[str, Any]) -> float | None:
    if told.get("kind") == HIERARCHY:
        return 1.0
    return 100.0 if told.get("values") == MEANINGS["rank"] else None


class HeadView:
    """An overlay, read the way a person wants to see it.

    Parameters
    ----------
    pyramid : Pyramid
        Axes (c, y, x) or (y, x).
    choice : HeadChoice
        What of it.

    Raises
    ------
    PlanError
        If there is no such head, or the overlay has nothing to rank or to keep.
    """

    def __init__(self, pyramid: Pyramid, choice: HeadChoice) -> None:
        self.pyramid, self.choice = pyramid, choice
        self.facts = OverlayFacts.of(pyramid)
        _refuse(choice, self.facts, pyramid)

    @property
    def is_plain(self) -> bool:
        """Whether stored levels are shown as they are."""
        return not self.choice.ranked and self.choice.mass >= 1

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels that `read` knows: what is ranked or cut is so at the finest one."""
        return self.pyramid.levels if self.is_plain else self.pyramid.levels[:1]

    def read(self, box: Box, level: int = 0) -> NDArray[np.float32]:
        """Return what is shown of a box.

        Parameters
        ----------
        box : Box
            In pixels of the level.
        level : int, optional
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width) and dtype float32
            NaN where nothing has been computed, and where nothing is to be shown.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        tokens = self.facts.tile_tokens
        if self.is_plain or tokens is None:
            return self._plane(box, level)
        whole = _whole_tiles(box, tokens)
        values = self._plane(whole, 0)
        kept = mass_mask(values, tokens, self.choice.mass)
        if self.choice.ranked:
            values = rank_tiles(values, tokens)
        values[~kept] = np.nan
        return values[box.shifted(-whole.y, -whole.x).slices]

    def _plane(self, box: Box, level: int) -> NDArray[np.float32]:
        values = self.pyramid.read(box, level)
        if values.ndim == 2:
            return values.astype(np.float32)
        if self.choice.head == MEAN:
            heads: NDArray[np.float32] = values[list(self.facts.heads)].mean(
                0, dtype=np.float32
            )
            return heads
        plane: NDArray[np.float32] = values[self.choice.head].astype(np.float32)
        return plane

    def tiles(self, name: str) -> PlaneTileSource:
        """Return it as tiles; levels that are not stored are means."""
        return PlaneTileSource(
            self.levels,
            name=name,
            dtype=np.float32,
            read_box=lambda level, box: self.read(box, level),
        )


def _refuse(choice: HeadChoice, facts: OverlayFacts, pyramid: Pyramid) -> None:
    channels = len(facts.channel_names)
    is_mean = choice.head == MEAN and bool(facts.heads)
    if not (is_mean or 0 <= choice.head < channels):
        raise PlanError(
            f"{pyramid.path.name} has {channels} channels, the first one is 0; got "
            f"{choice.head}"
        )
    if not 0 < choice.mass <= 1:
        raise PlanError(
            f"the share of attention that is kept is above 0 and up to 1; got "
            f"{choice.mass}"
        )
    if facts.tile_tokens is None and (choice.ranked or choice.mass < 1):
        raise PlanError(
            f"{pyramid.path.name} holds no attention of single tiles, so there is "
            f"nothing to rank or to keep a share of; show its values as they are"
        )


def _whole_tiles(box: Box, tokens: int) -> Box:
    """Return the smallest box of whole tiles around a box."""
    y, x = box.y // tokens * tokens, box.x // tokens * tokens
    y1, x1 = -(-box.y1 // tokens) * tokens, -(-box.x1 // tokens) * tokens
    return Box(y, x, y1 - y, x1 - x)


def rank_tiles(values: NDArray[np.floating], tokens: int) -> NDArray[np.float32]:
    """Return the rank of each token within its tile, in percent.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        Whole tiles; NaN where nothing has been computed.
    tokens : int
        Edge of a tile.

    Returns
    -------
    ndarray of shape (height, width) and dtype float32
        Above 0 and up to 100, among the tokens that have a value; equal ones share
        their mean rank. NaN where there was NaN.
    """
    height, width = values.shape
    tiles = values.reshape(height // tokens, tokens, width // tokens, tokens)
    flat = tiles.swapaxes(1, 2).reshape(-1, tokens * tokens)
    missing = np.isnan(flat)
    count = missing.sum(1, keepdims=True)
    ranks = average_ranks(np.where(missing, -np.inf, flat)) - count
    with np.errstate(divide="ignore", invalid="ignore"):
        ranks *= 100 / (tokens * tokens - count)
    ranks[missing] = np.nan
    shaped = ranks.reshape(height // tokens, width // tokens, tokens, tokens)
    plane: NDArray[np.float32] = shaped.swapaxes(1, 2).reshape(height, width)
    return plane.astype(np.float32)


def limits_of(view: HeadView) -> tuple[float, float]:
    """Return the values at the ends of the colour bar: 0, and the most there is."""
    if view.choice.ranked:
        return 0.0, 100.0
    if view.facts.full_scale is not None:
        return 0.0, view.facts.full_scale
    coarsest = len(view.pyramid.levels) - 1
    values = view.pyramid.read(view.pyramid.levels[coarsest].box, coarsest)
    return 0.0, high_of(values)


def high_of(values: NDArray[Any]) -> float:
    """Return a value that few exceed; 1 where there are none above 0."""
    known = values[np.isfinite(values)]
    high = float(np.quantile(known, _HIGH_QUANTILE)) if known.size else 1.0
    return high if high > 0 else 1.0


class HeadTiles(TileSource):
    """Tiles of what is shown of an overlay; what that is may change.

    Parameters
    ----------
    view : HeadView
        What is shown first.
    name : str
        What people call the overlay.

    Notes
    -----
    After `show`, or when a run has written more, tiles that were read before are out of
    date: whoever keeps them has to drop them.
    """

    channels = None
    kind = "values"
    fill_value = np.nan

    def __init__(self, view: HeadView, name: str) -> None:
        self.view, self.name = view, name
        self._tiles = view.tiles(name)
        self.levels, self.dtype = self._tiles.levels, self._tiles.dtype
        self.tile_size = self._tiles.tile_size

    def show(self, view: HeadView) -> None:
        """Show something else of the same overlay from now on."""
        self.view, self._tiles = view, view.tiles(self.name)

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        return self._tiles.read_tile(level, ty, tx)

    def is_costly(self, level: int) -> bool:
        """Return True where one tile covers 256 tiles of the finer level."""
        return self._tiles.is_costly(level)

    def keys(self, box: Box | None = None) -> list[TileKey]:
        """Return the tiles of all levels that show a box.

        Parameters
        ----------
        box : Box, optional
            In pixels of the finest level; by default all of it.
        """
        box = box or self.levels[0].box
        return [
            (self, level, ty, tx)
            for level in range(len(self.levels))
            for ty, tx in self.grid(level).covering(_shrunk(box, level))
        ]


def _shrunk(box: Box, level: int) -> Box:
    step = 2**level
    y, x = box.y // step, box.x // step
    return Box(y, x, -(-box.y1 // step) - y, -(-box.x1 // step) - x)
