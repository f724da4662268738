"""A mask as the tokens of a model see it: what a person said, what the model said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import UNLABELLED, Origin
from napari_histossl.closing import Closing
from napari_histossl.errors import HistoSSLError, PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.proposal import Proposal
from napari_histossl.store import Pyramid

_LOOK_PX = 8192
"""Edge of what is read at once to find corrections."""

_PLACES = 8
"""Places along a token's edge at which the mask is looked at, at most."""

_MOSTLY = 0.5
"""Share of a token that has to be of one origin, and of one class, to count."""


@dataclass(frozen=True, slots=True, eq=False)
class TileLabels:
    """What a mask says of the tokens of a tile, (rows, columns) each.

    Attributes
    ----------
    labels : ndarray of dtype uint8
        Classes; 0 where nothing counts.
    is_corrected : ndarray of dtype bool
        Whether a person said it, or accepted it.
    proposed : ndarray of dtype uint8
        What the mask started from; 0 where that is nothing, or not known.
    """

    labels: NDArray[np.uint8]
    is_corrected: NDArray[np.bool_]
    proposed: NDArray[np.uint8]


class _Labels(Protocol):
    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]: ...


class MaskOnTokens(Closing):
    """A mask, open for looking: it may be corrected elsewhere meanwhile.

    Parameters
    ----------
    path : Path
        Its folder.
    plan : RunPlan
        Which tokens.
    shape_px0 : tuple of int
        Height and width of the slide in level-0 pixels.

    Attributes
    ----------
    mask : MaskStore
        The mask.
    started_from : str
        Name of the overlay that it started from, where that is still there; else empty.

    Raises
    ------
    PlanError
        If it lies on another slide.
    StoreError, JournalError
        If it cannot be read.
    """

    def __init__(self, path: Path, plan: RunPlan, shape_px0: tuple[int, int]) -> None:
        self.mask = MaskStore.open(path, read_only=True)
        self._plan = plan
        try:
            _refuse_other_slide(self.mask, plan, shape_px0)
        except BaseException:
            self.mask.close()
            raise
        self._token_px = plan.spec.token_px * plan.downsample / self.mask.downsample
        self._start = _started_from(self.mask)
        self.started_from = "" if self._start is None else _overlay_name(self.mask)

    def close(self) -> None:
        """Let go of the mask."""
        self.mask.close()

    def state(self) -> tuple[int, str]:
        """Return how many entries the mask's journal has, and the hash of the last."""
        last = deque(self.mask.entries(), 1)
        return (last[0].seq, last[0].hash) if last else (0, "")

    def find_tiles(self) -> tuple[set[Tile], set[Tile]]:
        """Return the tiles in which a person said something, and others with a model's.

        Reads the mask at low power.
        """
        tile = self._token_px * self._plan.tile_tokens
        level = self._level_to_look_at(tile)
        whole = self.mask.levels[level]
        scale = whole.downsample / tile  # tiles a pixel
        found: dict[bool, set[Tile]] = {True: set(), False: set()}
        for box in _pieces(whole.box):
            origin = self.mask.origin(box, level)
            for by_person in (True, False):
                is_one = origin >= Origin.MODEL_ACCEPTED
                if not by_person:
                    is_one = origin == Origin.MODEL
                found[by_person] |= _tiles_of(is_one, box, scale)
        grid = self._plan.grid.shape_ij
        corrected, by_model = (
            {at for at in found[kind] if at[0] < grid[0] and at[1] < grid[1]}
            for kind in (True, False)
        )
        return corrected, by_model - corrected

    def labels(self, tile: Tile) -> TileLabels:
        """Return what the mask says of a tile's tokens."""
        edge, count = self._plan.tile_tokens, self._places
        rows, columns = (self._points(at * edge) for at in tile)
        box = _around(rows, columns)
        pick = np.ix_(rows - box.y, columns - box.x)
        shape = edge, count, edge, count
        said, origin = (
            read(box)[pick].reshape(shape).swapaxes(1, 2).reshape(edge, edge, -1)
            for read in (self.mask.read, self.mask.origin)
        )
        by_person = (origin >= Origin.MODEL_ACCEPTED) & (said != UNLABELLED)
        by_model = (origin == Origin.MODEL) & (said != UNLABELLED)
        corrected, model = _majority(said, by_person), _majority(said, by_model)
        proposed = np.zeros((edge, edge), np.uint8)
        if self._start is not None and corrected.any():
            start = self._start.read(box)[pick].reshape(shape).swapaxes(1, 2)
            proposed = _majority(start.reshape(edge, edge, -1))
        labels = np.where(corrected != UNLABELLED, corrected, model)
        return TileLabels(labels, corrected != UNLABELLED, proposed)

    # ---- Details

    @property
    def _places(self) -> int:
        return int(np.clip(round(self._token_px), 1, _PLACES))

    def _points(self, first: int) -> NDArray[np.int64]:
        """Return where the mask is looked at along one axis of a tile, ascending."""
        count = self._places
        steps = (np.arange(self._plan.tile_tokens * count) + 0.5) / count
        return np.floor((first + steps) * self._token_px).astype(np.int64)

    def _level_to_look_at(self, tile: float) -> int:
        """Return the coarsest level whose pixels are small beside a tile."""
        fitting = [
            index
            for index, level in enumerate(self.mask.levels)
            if level.downsample <= max(tile / 4, 1)
        ]
        return fitting[-1]


def _refuse_other_slide(
    mask: MaskStore, plan: RunPlan, shape_px0: tuple[int, int]
) -> None:
    covered = [length * mask.downsample for length in mask.shape]
    slack = 2 * mask.downsample
    if any(abs(a - b) > slack for a, b in zip(covered, shape_px0, strict=True)):
        name, down = mask.path.name.removesuffix(".ome.zarr"), mask.downsample
        raise PlanError(
            f"the mask {name!r} covers {mask.shape[0] * down:,.0f} x "
            f"{mask.shape[1] * down:,.0f} px of a slide, and {plan.slide_name} has "
            f"{shape_px0[0]:,} x {shape_px0[1]:,} px; open the slide on which the mask "
            f"was made"
        )


def _overlay_name(mask: MaskStore) -> str:
    return str(mask.provenance.get("overlay", "")).removesuffix(".ome.zarr")


def _started_from(mask: MaskStore) -> _Labels | None:
    """Return the labels that a mask started from, where they are still the same."""
    told: dict[str, Any] = mask.provenance
    name = told.get("overlay")
    if not name:
        return None
    path = mask.path.parent.parent / "overlays" / str(name)
    try:
        overlay = Pyramid.open(path)
        if overlay.provenance != told.get("made_with"):
            return None  # made anew since
        if "channel" in told and mask.mpp_yx is not None:
            return Proposal.from_overlay(
                overlay,
                int(told["channel"]),
                shape=mask.shape,
                mpp_yx=mask.mpp_yx,
                threshold=float(told["threshold"]),
                class_index=int(told["class_index"]),
            )
        choice = LabelChoice(path, told.get("epsilon"), told.get("threshold") or 0.0)
        return ClassProposal.open(choice, mask.downsample)
    except HistoSSLError:
        return None  # taken away since: learning goes on without a "before"


def _pieces(box: Box) -> list[Box]:
    """Cut a level into what is read at once."""
    pieces = [
        Box(y, x, _LOOK_PX, _LOOK_PX).intersection(box)
        for y in range(0, box.height, _LOOK_PX)
        for x in range(0, box.width, _LOOK_PX)
    ]
    return [piece for piece in pieces if piece is not None]


def _tiles_of(is_one: NDArray[np.bool_], box: Box, scale: float) -> set[Tile]:
    rows, columns = np.nonzero(is_one)
    places = np.stack([rows + box.y, columns + box.x]) + 0.5
    tiles = np.unique(np.floor(places * scale).astype(np.int64), axis=1)
    return {(int(row), int(column)) for row, column in tiles.T}


def _around(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Box:
    y, x = int(rows[0]), int(columns[0])
    return Box(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)


def _majority(
    said: NDArray[Any], counts: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Return the class of most places of each token, 0 where that is not most of it."""
    best = np.zeros(said.shape[:2], np.uint8)
    most = np.full(said.shape[:2], said.shape[2] * _MOSTLY)
    for index in np.unique(said if counts is None else said[counts]).tolist():
        if index == UNLABELLED:
            continue
        is_one = said == index if counts is None else (said == index) & counts
        found = is_one.sum(2)
        best[found >= most] = index
        most = np.maximum(most, found)
    return best
