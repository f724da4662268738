"""In which order tiles are wanted: coarse first, centre first."""

from __future__ import annotations

from collections.abc import Iterator

from napari_histossl.geometry import Box
from napari_histossl.slide._tile_source import TileKey, TileSource


def keys_in_view(
    source: TileSource, level: int, box_px: Box, *, coarser: int = 1
) -> list[TileKey]:
    """Return the tiles that a view needs, in the order in which to decode them.

    Parameters
    ----------
    source : TileSource
        What is looked at.
    level : int
        Level that is drawn.
    box_px : Box
        What is visible, in pixels of that level; it may hang over the edges.
    coarser : int, optional
        How many coarser levels come first, so that something is shown soon.

    Returns
    -------
    list of TileKey
        Coarser levels before finer ones, in each the centre of the view first. Empty
        where the view shows nothing of the source.
    """
    keys: list[TileKey] = []
    for coarse in range(min(level + coarser, len(source.levels) - 1), level - 1, -1):
        keys += _from_centre(source, coarse, _shrunk(box_px, 2 ** (coarse - level)))
    return keys


def keys_around(
    source: TileSource, level: int, box_px: Box, *, ring: int = 1
) -> list[TileKey]:
    """Return the tiles next to a view, nearest first: what to prefetch.

    Parameters
    ----------
    source : TileSource
        What is looked at.
    level : int
        Level that is drawn.
    box_px : Box
        What is visible, in pixels of that level.
    ring : int, optional
        Width of the ring in tiles.

    Returns
    -------
    list of TileKey
        Tiles of the ring, then those of the next coarser level under the wider view.
    """
    wide = box_px.padded(ring * source.tile_size)
    seen = set(_from_centre(source, level, box_px))
    keys = [key for key in _from_centre(source, level, wide) if key not in seen]
    if level + 1 < len(source.levels):
        keys += _from_centre(source, level + 1, _shrunk(wide, 2))
    return keys


def keys_of_level(source: TileSource, level: int) -> list[TileKey]:
    """Return all tiles of a level, the centre first."""
    return _from_centre(source, level, source.levels[level].box)


def _from_centre(source: TileSource, level: int, box_px: Box) -> list[TileKey]:
    size = source.tile_size
    middle_row = (box_px.y + box_px.y1) / (2 * size) - 0.5
    middle_column = (box_px.x + box_px.x1) / (2 * size) - 0.5
    return sorted(
        _covering(source, level, box_px),
        key=lambda key: (key[2] - middle_row) ** 2 + (key[3] - middle_column) ** 2,
    )


def _covering(source: TileSource, level: int, box_px: Box) -> Iterator[TileKey]:
    for ty, tx in source.grid(level).covering(box_px):
        yield source, level, ty, tx


def _shrunk(box: Box, factor: int) -> Box:
    """Return the smallest box of a coarser level that covers a box."""
    y, x = box.y // factor, box.x // factor
    return Box(y, x, -(-box.y1 // factor) - y, -(-box.x1 // factor) - x)
