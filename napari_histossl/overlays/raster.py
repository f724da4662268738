"""Values of tiles as pyramids: spooled at once, blended and written at leisure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.closing import Closing
from napari_histossl.geometry import Box
from napari_histossl.overlays._overlay_files import (
    done_tiles,
    is_of_run,
    mark_of,
    reopen,
    write_unreadable,
)
from napari_histossl.overlays.blend import blend_into, ramp
from napari_histossl.overlays.dirty import CHUNK_PX, dirty_boxes, joined
from napari_histossl.overlays.grid import StepGrid, Tile
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.spool import Spool
from napari_histossl.slide import SlideSource
from napari_histossl.store import Pyramid
from napari_histossl.store.provenance import describe

_SPOOL = "0/spool.bin"
"""In the folder of level 0, where zarr looks for nothing."""


@dataclass(frozen=True, slots=True)
class Raster:
    """One pyramid that a run writes.

    Attributes
    ----------
    path : str
        Folder of the OME-Zarr.
    pixel_px : int
        Edge of its pixels in pixels at the scale of the run; divides tile and step.
    channel_names : tuple of str
        One per channel.
    parameters : mapping
        What its numbers depend on besides slide and weights; JSON values.
    min_level_px : int
        Levels end where the longer side is at most this many pixels.
    """

    path: str
    pixel_px: int
    channel_names: tuple[str, ...]
    parameters: Mapping[str, Any]
    min_level_px: int = 512

    def grid(self, plan: RunPlan) -> StepGrid:
        """Return the tiles of a plan in pixels of the pyramid."""
        shape = (-(-plan.level_shape[0] // self.pixel_px),
                 -(-plan.level_shape[1] // self.pixel_px))  # fmt: skip
        tile, step = plan.grid.tile_px, plan.grid.step_px
        return StepGrid(shape, tile // self.pixel_px, step // self.pixel_px)


def attention_sink(source: SlideSource, plan: RunPlan) -> RasterSink:
    """Return where an attention run writes: one pyramid, one pixel a token."""
    raster = Raster(plan.out, plan.spec.token_px, plan.channel_names, plan.parameters)
    return RasterSink(source, plan, (raster,))


class RasterSink(Closing):
    """Pyramids of one run; a `Sink`.

    Parameters
    ----------
    source : SlideSource
        The slide, described in the provenance.
    plan : RunPlan
        Which tiles, and which model.
    rasters : sequence of Raster
        One for each of the values of a tile, in their order; the first one remembers
        what is done.

    Notes
    -----
    A tile is done when its record is in the spool. Where tiles do not overlap, the
    spool is emptied each time the pyramids have been written; where they do, it stays:
    a tile that comes later is blended with those before it.
    """

    def __init__(
        self, source: SlideSource, plan: RunPlan, rasters: Sequence[Raster]
    ) -> None:
        self._source, self._plan, self._rasters = source, plan, tuple(rasters)
        self._grids = [raster.grid(plan) for raster in rasters]
        self._weights = [
            ramp(grid.tile_px, grid.tile_px - grid.step_px) for grid in self._grids
        ]
        self._pyramids: list[Pyramid] = []
        self._spool: Spool | None = None
        self._marked: set[Tile] = set()
        self._dirty: set[Tile] = set()
        if self._is_there():
            self._look()

    def _is_there(self) -> bool:
        path = Path(self._rasters[0].path)
        if not (path / "zarr.json").exists():
            return False
        return not self._plan.overwrite or is_of_run(path, self._plan.run_id)

    def _look(self) -> None:
        """Find out what an earlier run has done."""
        self._marked = done_tiles(Path(self._rasters[0].path))
        self._spool = self._open_spool()
        self._dirty = self._spool.tiles - self._marked

    def _open_spool(self) -> Spool:
        layout = [
            ((len(raster.channel_names), grid.tile_px, grid.tile_px), DTYPE)
            for raster, grid in zip(self._rasters, self._grids, strict=True)
        ]
        return Spool(Path(self._rasters[0].path, _SPOOL), layout)

    # ---- What the engine calls; see `Sink`

    def done(self) -> set[Tile]:
        """Return the tiles that are finished."""
        return self._marked | self._dirty

    def open(self) -> None:
        """Open the pyramids to go on with them, or create them.

        Raises
        ------
        StoreError
            If one cannot be written, or was made from something else.
        """
        is_there = self._is_there()
        for raster in self._rasters:
            self._pyramids.append(
                reopen(raster.path, self._plan, raster.parameters)
                if is_there
                else self._create(raster)
            )
        if self._spool is None:
            self._spool = self._open_spool()

    def add(self, tiles: Sequence[Tile], values: Values) -> None:
        """Keep values of tiles.

        Parameters
        ----------
        tiles : sequence of (row, column)
            N tiles.
        values : tuple of ndarray of shape (N, channels, edge, edge)
            For each raster.

        Raises
        ------
        StoreError
            If the disk is full.
        """
        assert self._spool is not None  # opened
        self._spool.add(tiles, tuple(part.astype(DTYPE) for part in values))
        self._dirty.update(tiles)

    def flush(self) -> Iterator[Box]:
        """Write what is only in the spool, and yield boxes of the first raster.

        Raises
        ------
        StoreError
            If the disk is full; nothing is lost then, the next run writes it.
        """
        assert self._spool is not None  # opened
        dirty = sorted(self._dirty)
        if not dirty:
            return
        boxes = [self._write(index, dirty) for index in range(len(self._rasters))]
        self._derive(dirty)
        for pyramid in self._pyramids[1:]:
            pyramid.mark_done()
        self._pyramids[0].mark_done(*map(mark_of, dirty))
        self._marked.update(dirty)
        self._dirty.clear()
        if not self._plan.is_blended:
            self._spool.clear()
        yield from boxes[0]

    def mark_unreadable(self, tiles: Mapping[Tile, str]) -> None:
        """Remember tiles that could not be read; those that now could are forgotten."""
        write_unreadable(Path(self._rasters[0].path), tiles)

    def close(self) -> None:
        """Close the pyramids."""
        for pyramid in self._pyramids:
            pyramid.close()
        self._pyramids = []
        if self._spool is not None:
            self._spool.close()

    # ---- Details

    def _derive(self, dirty: Sequence[Tile]) -> None:
        """Write what follows from the pyramids; tiles count as done after that."""

    def _create(self, raster: Raster) -> Pyramid:
        grid = raster.grid(self._plan)
        size = raster.pixel_px
        um_y, um_x = self._plan.mpp_yx
        with closing(self._source.open()) as slide:
            provenance = describe(
                slide,
                model=self._plan.spec.name,
                weights_sha256=self._plan.weights_sha256,
                parameters=raster.parameters,
            )
        return Pyramid.create(
            raster.path,
            shape=(len(raster.channel_names), *grid.shape),
            dtype=DTYPE,
            axes=("c", "y", "x"),
            chunk_px=CHUNK_PX,
            pixel_um_yx=(um_y * size, um_x * size),
            pixel_px0_yx=(self._plan.downsample * size,) * 2,
            channel_names=raster.channel_names,
            fill_value=float("nan"),
            reducer="mean",
            provenance=provenance,
            min_level_px=raster.min_level_px,
            overwrite=self._plan.overwrite,
        )

    def _write(self, index: int, dirty: Sequence[Tile]) -> list[Box]:
        """Write tiles into one pyramid, chunk by chunk; return where."""
        pyramid, grid = self._pyramids[index], self._grids[index]
        written = []
        for box in dirty_boxes(dirty, grid):
            data = pyramid.read(box)
            blend_into(data, box, self._parts(index, box), self._weights[index])
            pyramid.write(box, data)
            written.append(box)
        for box in joined(written):
            pyramid.refresh(box)
        return written

    def _parts(self, index: int, box: Box) -> Iterator[tuple[Box, Any]]:
        """Yield place and values of the spooled tiles that touch a box, in order."""
        assert self._spool is not None  # opened
        spool, grid = self._spool, self._grids[index]
        for tile in grid.covering(box):
            if tile in spool:
                yield grid.box(*tile), spool.read(tile)[index]
