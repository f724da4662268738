"""Which parts of a pyramid tiles change: its chunks are read and written whole."""

from __future__ import annotations

from collections.abc import Sequence

from napari_histossl.geometry import Box, TileGrid
from napari_histossl.overlays.grid import StepGrid, Tile

CHUNK_PX = 256
"""Edge of a chunk in pixels of an overlay; 128 kB a channel."""

_JOINED_PX = 4 * CHUNK_PX
"""Edge of the squares in which boxes are joined: what coarser levels read at once."""


def dirty_boxes(tiles: Sequence[Tile], grid: StepGrid) -> list[Box]:
    """Return what tiles change, as one box for each chunk that they touch.

    Parameters
    ----------
    tiles : sequence of (row, column)
        Tiles with new values.
    grid : StepGrid
        Where they lie, in pixels of the pyramid.

    Returns
    -------
    list of Box
        Row by row; none crosses the border of a chunk or the edge of the pyramid.
    """
    chunks, whole = TileGrid(grid.shape, CHUNK_PX), Box(0, 0, *grid.shape)
    boxes: dict[Tile, Box] = {}
    for tile in tiles:
        inside = grid.box(*tile).intersection(whole)
        assert inside is not None  # a tile begins on the level
        for chunk in chunks.covering(inside):
            part = inside.intersection(chunks.box(*chunk))
            assert part is not None  # the grid names touching chunks only
            boxes[chunk] = boxes[chunk].union(part) if chunk in boxes else part
    return [boxes[chunk] for chunk in sorted(boxes)]


def joined(boxes: Sequence[Box]) -> list[Box]:
    """Return boxes of which neighbours are joined, for what is made of coarser levels.

    Parameters
    ----------
    boxes : sequence of Box
        As `dirty_boxes` gives them.

    Returns
    -------
    list of Box
        They cover the same, and what lies between neighbours: a chunk of a coarser
        level lies below several, and is written once for all of them.
    """
    squares: dict[Tile, Box] = {}
    for box in boxes:
        square = box.y // _JOINED_PX, box.x // _JOINED_PX
        squares[square] = squares[square].union(box) if square in squares else box
    return [squares[square] for square in sorted(squares)]
