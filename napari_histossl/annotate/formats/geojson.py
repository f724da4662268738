"""GeoJSON as QuPath reads it: one annotation for each region of a mask.

References
----------
RFC 7946, The GeoJSON format. QuPath's additions (`objectType`, `classification` with
`name` and `color`) follow its documentation, "Importing & exporting: GeoJSON".
Coordinates are pixels of the slide's level 0, as QuPath expects, not degrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats._corners import (
    CornerFinder,
    ReadableMask,
    whole_level,
)
from napari_histossl.annotate.formats._regions import Region, join
from napari_histossl.classes import ClassTable
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.store.whole import written_whole


def write(
    mask: ReadableMask,
    path: str | Path,
    *,
    box: Box | None = None,
    level: int = 0,
    downsample: float | None = None,
) -> Iterator[Progress]:
    """Write the regions of a mask as polygons that QuPath opens.

    Polygons follow the edges of pixels exactly, holes included, across all tiles;
    pixels that touch at a corner only belong to two regions.

    Parameters
    ----------
    mask : MaskStore
        What to write.
    path : str or Path
        File to write; replaced at the end, never half written.
    box : Box or None
        Part to write, in pixels of the level; None for all of it.
    level : int
        Level of the mask to trace; a coarser one gives fewer and rougher corners.
    downsample : float or None
        Pixels of the slide's level 0 per pixel of the mask's level 0; None for what
        the mask knows.

    Yields
    ------
    Progress
        After each tile; the box is in pixels of the level, from the corner of `box`.

    Raises
    ------
    AnnotationError
        If the outlines have more corners than memory should hold, or there is no such
        level.
    StoreError
        If the file cannot be written.
    """
    whole = whole_level(mask, level)
    part = whole if box is None else box.intersection(whole)
    scale = mask.levels[level].downsample * (downsample or mask.downsample)
    with written_whole(Path(path)) as temporary:
        regions: Iterator[Region] = iter(())
        if part is not None:
            finder = CornerFinder(mask, part, level)
            yield from finder.run()
            regions = join(finder.corners())
        corner = (part.y, part.x) if part else (0, 0)
        with temporary.open("w", encoding="utf-8") as file:
            _write_features(file, regions, mask.classes, corner, scale)


def _write_features(
    file: TextIO,
    regions: Iterator[Region],
    classes: ClassTable,
    corner: tuple[int, int],
    scale: float,
) -> None:
    """Write one feature a line, so that a large file is never in memory as a whole."""
    file.write('{"type":"FeatureCollection","features":[')
    separator = "\n"
    for region in regions:
        file.write(separator)
        feature = _feature(region, classes, corner, scale)
        file.write(json.dumps(feature, separators=(",", ":")))
        separator = ",\n"
    file.write("\n]}\n")


def _feature(
    region: Region, classes: ClassTable, corner: tuple[int, int], scale: float
) -> dict[str, Any]:
    info = classes[region.class_index]
    rings = [region.shell, *region.holes]
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [_coordinates(ring, corner, scale) for ring in rings],
        },
        "properties": {
            "objectType": "annotation",
            "classification": {"name": info.name, "color": list(info.colour)},
        },
    }


def _coordinates(
    ring: NDArray[np.int64], corner: tuple[int, int], scale: float
) -> list[list[float]]:
    """Return a closed ring as (x, y) in pixels of the slide's level 0."""
    closed = np.concatenate([ring, ring[:1]]) + np.array(corner)
    xy = closed[:, ::-1] * scale
    if float(scale).is_integer():
        return xy.astype(np.int64).tolist()  # type: ignore[no-any-return]
    return np.round(xy, 3).tolist()  # type: ignore[no-any-return]
