"""A mask as a TIFF like those of the PANDA challenge.

Three pages, each a quarter as wide as the one before; the class stands in the red
channel, green and blue are zero. Coarser pages show the class of the highest priority.

References
----------
Bulten et al. 2022, doi:10.1038/s41591-021-01620-2, and the organisers' notebook,
DIAGNijmegen/panda-challenge getting-started-with-the-panda-dataset.ipynb (Apache-2.0).
There, masks have the size of their slides; here, that of the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats._region_walk import ScaledMask, whole_level
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box, TileGrid
from napari_histossl.jobs import Progress
from napari_histossl.store.whole import written_whole

_STEP = 2
"""Every second level of the pyramid: downsamples 1, 4 and 16."""

_PAGES = 3
_TILE_PX = 512
_UM_PER_CM = 1e4
_BIG_PX = 1 << 30
"""From here on the file might not stay below 4 GB."""


def write(
    mask: ScaledMask, path: str | Path, *, box: Box | None = None, level: int = 0
) -> Iterator[Progress]:
    """Write a mask as a pyramidal TIFF with its class in the red channel.

    Parameters
    ----------
    mask : MaskStore
        What to write.
    path : str or Path
        File to write; replaced at the end, never half written.
    box : None
        A TIFF holds the whole mask; for a part of it, write a PNG.
    level : int
        Level of the mask that becomes the finest page.

    Yields
    ------
    Progress
        After each page.

    Raises
    ------
    AnnotationError
        If there is no such level, or a part is asked for.
    StoreError
        If the file cannot be written.
    """
    from tifffile import TiffWriter

    whole = whole_level(mask, level)
    if box is not None:
        raise AnnotationError(
            "a TIFF holds the whole mask; write a PNG or outlines of the part"
        )
    levels = range(level, len(mask.levels), _STEP)[:_PAGES]
    is_big = whole.height * whole.width >= _BIG_PX
    with (
        written_whole(Path(path)) as temporary,
        TiffWriter(temporary, bigtiff=is_big) as file,
    ):
        for number, page in enumerate(levels):
            file.write(
                _tiles(mask, page),
                shape=(*mask.levels[page].shape, 3),
                dtype=np.uint8,
                tile=(_TILE_PX, _TILE_PX),
                photometric="rgb",
                compression="zlib",
                subfiletype=1 if number else 0,
                metadata=None,
                **_scale(mask, page),
            )
            yield Progress(number + 1, len(levels), message=f"page {number + 1}")


def _tiles(mask: ScaledMask, level: int) -> Iterator[NDArray[np.uint8]]:
    """Yield tiles (512, 512, 3) of a level, row by row."""
    grid = TileGrid(mask.levels[level].shape, _TILE_PX)
    rows, columns = grid.shape_ij
    for number in range(rows * columns):
        tile = np.zeros((_TILE_PX, _TILE_PX, 3), np.uint8)
        tile[..., 0] = mask.read(grid.box(*divmod(number, columns)), level)
        yield tile


def _scale(mask: ScaledMask, level: int) -> dict[str, Any]:
    """Return the resolution tags, in pixels per centimetre."""
    if mask.mpp_yx is None:
        return {}
    downsample = mask.levels[level].downsample
    y, x = (_UM_PER_CM / (mpp * downsample) for mpp in mask.mpp_yx)
    return {"resolution": (x, y), "resolutionunit": "CENTIMETER"}
