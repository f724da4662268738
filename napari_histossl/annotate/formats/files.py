"""Files of other programs by the ending of their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_histossl.annotate.formats import asap, geojson, png, tiff
from napari_histossl.annotate.formats._region_walk import ScaledMask
from napari_histossl.annotate.formats.shapes import Shapes
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

READ = ".geojson or .json (QuPath) and .xml (ASAP)"
WRITTEN = ".png, .geojson or .json (QuPath), .xml (ASAP), .tif or .tiff (PANDA)"


def read(path: str | Path, *, extent_px0: tuple[int, int] | None = None) -> Shapes:
    """Read the shapes of a file.

    Parameters
    ----------
    path : str or Path
        ``.geojson`` or ``.json`` of QuPath, ``.xml`` of ASAP.
    extent_px0 : tuple of int, optional
        Height and width of the slide at level 0: what reaches beyond it is cut off.

    Raises
    ------
    AnnotationError
        If the ending is another one, or the file is not what it should be.
    """
    match Path(path).suffix.lower():
        case ".geojson" | ".json":
            return geojson.read(path, extent_px0=extent_px0)
        case ".xml":
            return asap.read(path, extent_px0=extent_px0)
        case ".png" | ".tif" | ".tiff":
            raise AnnotationError(
                f"{Path(path).name}: a picture of labels starts a new mask, it is not "
                f"painted into one; say on which slide to make it"
            )
        case other:
            raise AnnotationError(
                f"{Path(path).name}: annotations are read from {READ}; got {other!r}"
            )


def write(
    mask: ScaledMask, path: str | Path, *, box: Box | None = None, level: int = 0
) -> Iterator[Progress]:
    """Write a mask, or part of it.

    Parameters
    ----------
    mask : MaskStore
        What to write.
    path : str or Path
        ``.png`` for a picture, ``.geojson`` or ``.json`` for QuPath, ``.xml`` for ASAP,
        ``.tif`` or ``.tiff`` for a TIFF like PANDA's.
    box : Box or None
        Part of the mask in pixels of the level; None for all of it.
    level : int
        Level of the mask; a coarser one for overviews and fewer corners.

    Yields
    ------
    Progress
        As the work goes on.

    Raises
    ------
    AnnotationError
        If the ending is another one, the part is too large, or there is no such level.
    StoreError
        If the file cannot be written.
    """
    match Path(path).suffix.lower():
        case ".png":
            png.write(mask, path, box=box, level=level)
            yield Progress(1, 1)
        case ".geojson" | ".json":
            yield from geojson.write(mask, path, box=box, level=level)
        case ".xml":
            yield from asap.write(mask, path, box=box, level=level)
        case ".tif" | ".tiff":
            yield from tiff.write(mask, path, box=box, level=level)
        case other:
            raise AnnotationError(
                f"{Path(path).name}: a mask is written as {WRITTEN}; got {other!r}"
            )
