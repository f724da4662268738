"""What can be shown of an overlay, and what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_histossl.overlays.hierarchy_view import KIND as HIERARCHY
from napari_histossl.overlays.plan import MEANINGS, UNITS
from napari_histossl.store import Pyramid

MEAN = -1
"""In the place of a head: the mean of all heads."""


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
    least : float or None
        Show values from this one on, ranks where they are ranked; None shows all.
    """

    head: int = 0
    ranked: bool = False
    mass: float = 1.0
    least: float | None = None


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
