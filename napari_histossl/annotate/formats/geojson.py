"""GeoJSON as QuPath writes and reads it: polygons with classes and measurements.

References
----------
RFC 7946, The GeoJSON format. QuPath's additions (`objectType`, `classification` with
`name` and `color`, `measurements`) follow its documentation, "Importing & exporting:
GeoJSON", and what its versions 0.2 to 0.6 write (qupath/qupath
qupath-core/src/main/java/qupath/lib/io/QuPathTypeAdapters.java, GPL-3.0).
Coordinates are pixels of the slide's level 0, as QuPath expects, not degrees.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from napari_histossl.annotate.formats._features import feature_of, shapes_of
from napari_histossl.annotate.formats._json_stream import FeatureStream
from napari_histossl.annotate.formats._mending import Tally, mended
from napari_histossl.annotate.formats._region_walk import ReadableMask
from napari_histossl.annotate.formats._text import read_text
from napari_histossl.annotate.formats._text_out import Traced, write_text
from napari_histossl.annotate.formats.shapes import Shape, Shapes
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress


def read(path: str | Path, *, extent_px0: tuple[int, int] | None = None) -> Shapes:
    """Read the objects of a GeoJSON file.

    Parameters
    ----------
    path : str or Path
        A FeatureCollection, a Feature, or a list of features, in UTF-8.
    extent_px0 : tuple of int, optional
        Height and width of the slide at level 0: what reaches beyond it is cut off.

    Returns
    -------
    Shapes
        Areas in the order of the file; ellipses are the polygons that the file has for
        them. Its remarks tell what was skipped (points and lines), mended (outlines
        that cross themselves) and cut off.

    Raises
    ------
    AnnotationError
        If the file is missing, larger than 512 MiB, no GeoJSON, or an object in it has
        coordinates that are no numbers, or a name that is a path or longer than 200
        characters.
    """
    path = Path(path)
    text = read_text(path)
    tally, count = Tally({}), 0
    shapes: list[Shape] = []
    try:
        for feature in FeatureStream(text):
            count += 1
            shapes += shapes_of(feature, tally)
    except AnnotationError as error:
        raise AnnotationError(f"object {count} of {path.name} {error}") from error
    except (ValueError, RecursionError) as error:
        raise AnnotationError(
            f"{path.name} is no GeoJSON, or damaged after object {count} ({error}); "
            f"export it again"
        ) from error
    return mended(shapes, tally, extent_px0)


def write(
    source: ReadableMask | Shapes,
    path: str | Path,
    *,
    box: Box | None = None,
    level: int = 0,
    downsample: float | None = None,
) -> Iterator[Progress]:
    """Write the regions of a mask, or shapes, as objects that QuPath opens.

    Polygons of a mask follow the edges of pixels exactly, holes included, across all
    tiles; pixels that touch at a corner only belong to two regions.

    Parameters
    ----------
    source : MaskStore or Shapes
        What to write.
    path : str or Path
        File to write; replaced at the end, never half written.
    box : Box or None
        Part of a mask to write, in pixels of the level; None for all of it.
    level : int
        Level of a mask to trace; a coarser one gives fewer and rougher corners.
    downsample : float or None
        Pixels of the slide's level 0 per pixel of the mask's level 0; None for what
        the mask knows.

    Yields
    ------
    Progress
        After each tile of a mask; the box is in pixels of the level, from the corner
        of `box`.

    Raises
    ------
    AnnotationError
        If the outlines have more corners than memory should hold, or there is no such
        level.
    StoreError
        If the file cannot be written.
    """
    traced = Traced(box, level, downsample)
    yield from write_text(source, path, _write_features, traced)


def _write_features(file: TextIO, shapes: Iterable[Shape]) -> None:
    """Write one feature a line, so that a large file is never in memory as a whole."""
    file.write('{"type":"FeatureCollection","features":[')
    separator = "\n"
    for shape in shapes:
        file.write(separator)
        file.write(
            json.dumps(feature_of(shape), separators=(",", ":"), allow_nan=False)
        )
        separator = ",\n"
    file.write("\n]}\n")
