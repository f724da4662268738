"""What is shown of an overlay: a head or their mean, raw or ranked, all or the most.

An overlay stores one number a token and head. What a person sees follows from that
here, box by box: for the tiles of a window, and for a figure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box, Level
from napari_histossl.overlays.ranks import average_ranks
from napari_histossl.overlays.threshold import mass_mask
from napari_histossl.panels.overlay_facts import MEAN, HeadChoice, OverlayFacts
from napari_histossl.slide.tiles import PlaneTileSource
from napari_histossl.store import Pyramid

_HIGH_QUANTILE = 0.995
"""Values above this quantile saturate, so that one token does not darken the rest."""

_SAMPLES, _SAMPLE_PX = 7, 96
"""Places that are looked at for it, and the edge of each in tokens."""


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
        values = self._values(box, level)
        if self.choice.least is not None:
            values[values < self.choice.least] = np.nan
        return values

    def _values(self, box: Box, level: int) -> NDArray[np.float32]:
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
    return 0.0, high_of(_sampled(view.pyramid))


def _sampled(pyramid: Pyramid) -> NDArray[Any]:
    """Return values of the finest level, from a few places that have been computed.

    Coarser levels are means: on a large slide they are all about the same.
    """
    coarsest = len(pyramid.levels) - 1
    values = pyramid.read(pyramid.levels[coarsest].box, coarsest)
    first = values[0] if values.ndim == 3 else values
    places = np.argwhere(np.isfinite(first))
    if not coarsest or not len(places):
        return values
    chosen = places[np.linspace(0, len(places) - 1, _SAMPLES).astype(np.intp)]
    step, half = 2**coarsest, _SAMPLE_PX // 2
    boxes = [
        Box(y * step - half, x * step - half, _SAMPLE_PX, _SAMPLE_PX)
        for y, x in chosen.tolist()
    ]
    return np.stack([pyramid.read(box) for box in boxes])


def high_of(values: NDArray[Any]) -> float:
    """Return a value that few exceed; 1 where there are none above 0."""
    known = values[np.isfinite(values)]
    high = float(np.quantile(known, _HIGH_QUANTILE)) if known.size else 1.0
    return high if high > 0 else 1.0
