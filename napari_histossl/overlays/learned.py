"""Probabilities of classes that a head makes of stored tokens, as an overlay.

Tokens are on the disk already: another head is another pass over them, without the
model. What a head says of a token depends on its surroundings too, so a tile is told
again when one beside it gets tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.closing import Closing
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.overlays._overlay_files import done_tiles, mark_of
from napari_histossl.overlays.class_labels import BACKGROUND
from napari_histossl.overlays.dirty import CHUNK_PX, dirty_boxes, joined
from napari_histossl.overlays.grid import StepGrid, Tile
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.overlays.token_store import TokenReader
from napari_histossl.slide import SlideSource
from napari_histossl.store import Pyramid
from napari_histossl.store.provenance import describe

Teller = Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float32]]
"""Makes probabilities (h, w, C) of tokens (h + 2m, w + 2m, D) and where they are."""


class LearnedOverlay(Closing):
    """An overlay that grows with the tokens that are stored.

    Parameters
    ----------
    source : SlideSource
        The slide, described in the provenance.
    plan : RunPlan
        The run that computes the tokens.
    path : Path
        Folder of the OME-Zarr. One by the same head is gone on with; one by another
        head is replaced, since its run was interrupted or its name was asked for.
    classes : ClassTable
        One class for each number that `teller` gives.
    parameters : mapping
        What the numbers depend on besides slide and weights; JSON values.
    teller : callable
        The head; see `Teller`.
    margin : int
        Tokens around a box that it needs, m.

    Raises
    ------
    StoreError
        If the overlay cannot be written, or one of another kind has its name.
    """

    def __init__(
        self,
        source: SlideSource,
        plan: RunPlan,
        path: Path,
        classes: ClassTable,
        parameters: Mapping[str, Any],
        teller: Teller,
        margin: int,
    ) -> None:
        self._teller, self._margin = teller, margin
        edge = plan.tile_tokens
        self._grid = StepGrid(plan.shape[1:], edge, edge)
        is_same = _is_like(path, parameters)
        self._pyramid = (
            Pyramid.open(path, "r+")
            if is_same
            else _create(source, plan, path, classes, parameters)
        )
        self._told = done_tiles(path) if is_same else set()

    def add(self, tokens: TokenReader, wanted: set[Tile]) -> Iterator[Box]:
        """Write the wanted tiles that have tokens by now.

        Parameters
        ----------
        tokens : TokenReader
            What is there.
        wanted : set of (row, column)
            Tiles to be told; others stay empty.

        Yields
        ------
        Box
            What has changed, in pixels of the overlay.

        Raises
        ------
        StoreError
            If the disk is full.
        """
        new = (wanted & tokens.tiles) - self._told
        if not new:
            return
        shown = self._told | new
        boxes = dirty_boxes(sorted(_with_neighbours(new) & shown), self._grid)
        for box in boxes:
            self._pyramid.write(box, self._values(tokens, box, shown))
        for box in joined(boxes):
            self._pyramid.refresh(box)
        self._pyramid.mark_done(*map(mark_of, sorted(new)))
        self._told = shown
        yield from boxes

    def close(self) -> None:
        """Give up the right to write."""
        self._pyramid.close()

    def _values(
        self, tokens: TokenReader, box: Box, shown: set[Tile]
    ) -> NDArray[np.floating]:
        """Return probabilities and background of a box, (classes + 1, h, w)."""
        margin = self._margin
        vectors, background = tokens.read(box.padded(margin))
        told = self._teller(vectors, ~np.isnan(background))
        inner = background[margin:-margin, margin:-margin]
        values = np.concatenate([told.transpose(2, 0, 1), inner[None]])
        values[:, np.isnan(inner) | ~self._is_shown(box, shown)] = np.nan
        return values.astype(DTYPE)

    def _is_shown(self, box: Box, shown: set[Tile]) -> NDArray[np.bool_]:
        inside = np.zeros(box.shape, bool)
        for tile in self._grid.covering(box):
            common = self._grid.box(*tile).intersection(box)
            if tile in shown and common is not None:
                inside[common.shifted(-box.y, -box.x).slices] = True
        return inside


def _with_neighbours(tiles: set[Tile]) -> set[Tile]:
    around = (-1, 0, 1)
    return {(y + i, x + j) for y, x in tiles for i in around for j in around}


def _is_like(path: Path, parameters: Mapping[str, Any]) -> bool:
    """Whether an overlay of this head was begun; refuse to replace something else."""
    if not (path / "zarr.json").exists():
        return False
    with Pyramid.open(path) as there:
        told = there.provenance.get("parameters") or {}
    if told.get("kind") != parameters["kind"]:
        raise StoreError(
            f"{path} is an overlay of another kind; choose another name for what is "
            f"learned"
        )
    return bool(told == json.loads(json.dumps(parameters)))


def _create(
    source: SlideSource,
    plan: RunPlan,
    path: Path,
    classes: ClassTable,
    parameters: Mapping[str, Any],
) -> Pyramid:
    names = (*(info.name for info in classes), BACKGROUND)
    with closing(source.open()) as slide:
        told = describe(
            slide,
            model=plan.spec.name,
            weights_sha256=plan.weights_sha256,
            parameters=parameters,
        )
    return Pyramid.create(
        path,
        shape=(len(names), *plan.shape[1:]),
        dtype=DTYPE,
        axes=("c", "y", "x"),
        chunk_px=CHUNK_PX,
        pixel_um_yx=plan.pixel_um_yx,
        pixel_px0_yx=(plan.downsample * plan.spec.token_px,) * 2,
        channel_names=names,
        fill_value=float("nan"),
        reducer="mean",
        provenance=told,
        overwrite=True,
    )
