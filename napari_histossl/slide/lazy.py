"""A slide as a list of dask arrays: what napari and everybody else sees."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.slide.base import Slide
from napari_histossl.slide.levels import read_virtual, virtual_levels

if TYPE_CHECKING:
    import dask.array as da

    from napari_histossl.slide.tiles import TileKey

CHUNK_PX = 512
"""Edge of a chunk: larger ones make a viewer read far more than it shows."""


def lazy_pyramid(slide: Slide) -> list[da.Array]:
    """Return one dask array per virtual level.

    Parameters
    ----------
    slide : Slide
        Any slide; it stays open as long as the arrays are used.

    Returns
    -------
    list of dask.array.Array
        Each (H, W, 3) uint8 in chunks of (512, 512, 3), finest first. A chunk is one
        `read_virtual`; nothing is read before it is asked for.

    Notes
    -----
    ``np.asarray`` and ``compute`` of a whole level above 512 MB are refused with a
    `GeometryError`; slices and whatever else is derived from it are ordinary arrays.

    Chunks are found by their place, so building the graph of a 100,000 x 100,000 slide
    costs a millisecond. Names are unique: two openings of one file share no cache.

    Examples
    --------
    >>> from napari_histossl.slide import ArraySlide
    >>> pyramid = lazy_pyramid(ArraySlide(np.zeros((1500, 900, 3), np.uint8)))
    >>> [array.shape for array in pyramid]
    [(1500, 900, 3), (750, 450, 3), (375, 225, 3)]
    """
    import dask.array as da

    from napari_histossl.slide._level_array import LevelArray

    name = f"slide-{uuid.uuid4().hex}"
    arrays: list[da.Array] = []
    for index, level in enumerate(virtual_levels(slide)):
        chunks = (*(_chunk_sizes(length) for length in level.shape), (3,))
        blocks = da.map_blocks(  # type: ignore[no-untyped-call]
            _ReadChunk(slide, index),
            name=f"{name}-{index}",
            chunks=chunks,
            dtype=np.uint8,
            meta=np.empty((0, 0, 0), np.uint8),
        )
        arrays.append(LevelArray.guarding(blocks))
    return arrays


def _chunk_sizes(length: int) -> tuple[int, ...]:
    whole, rest = divmod(length, CHUNK_PX)
    return (CHUNK_PX,) * whole + ((rest,) if rest else ())


class _ReadChunk:
    """Read the chunk at a place of one virtual level."""

    def __init__(self, slide: Slide, level: int) -> None:
        self._slide, self._level = slide, level
        levels = virtual_levels(slide)
        self._whole, self._is_coarsest = levels[level].box, level == len(levels) - 1

    def __call__(self, *, block_id: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Return the pixels of a chunk, cropped at the edge of the level."""
        box = Box(block_id[0] * CHUNK_PX, block_id[1] * CHUNK_PX, CHUNK_PX, CHUNK_PX)
        inside = box.intersection(self._whole)
        assert inside is not None  # dask asks for chunks of the grid only
        if self._is_coarsest:
            return self._read_overview(inside)
        return read_virtual(self._slide, inside, self._level)

    def _read_overview(self, box: Box) -> NDArray[np.uint8]:
        """Read the same pixels from tiles: a viewer waits for the overview."""
        from napari_histossl.slide.tiles import keys_of_level, open_tiles, tile_arrays

        def read(key: TileKey) -> None:
            tiles.read_tile(*key[1:])  # kept with the slide

        with open_tiles(self._slide) as tiles:
            keys = keys_of_level(tiles, self._level)
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(read, keys))
            pixels: NDArray[np.uint8] = tile_arrays(tiles)[self._level][box.slices]
        return pixels

    def __dask_tokenize__(self) -> Any:
        return (type(self).__name__, self._slide.source.name, self._level, id(self))
