"""ASAP's XML: outlines in groups, a group for each class.

ASAP has no holes. They are written along a seam, the way from the outline to the hole
and back, which encloses nothing; reading such a file gives the holes back.

References
----------
Automated Slide Analysis Platform (computationalpathologygroup/ASAP
annotation/XmlRepository.cpp, GPL-2.0): ``Annotations`` of the types Polygon, Spline,
Rectangle, Dot, PointSet and Measurement with ``Coordinate`` children in level-0 pixels,
and ``AnnotationGroups``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import TextIO

import numpy as np

from napari_histossl.annotate.formats._asap_parser import Annotation, parse
from napari_histossl.annotate.formats._features import checked_ring
from napari_histossl.annotate.formats._mending import Tally, mended
from napari_histossl.annotate.formats._names import checked_name
from napari_histossl.annotate.formats._region_walk import ReadableMask
from napari_histossl.annotate.formats._text import read_text
from napari_histossl.annotate.formats._text_out import Traced, write_text
from napari_histossl.annotate.formats.shapes import Polygon, Ring, Shape, Shapes
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

_AREAS = ("Polygon", "Spline", "Rectangle")
_WITHOUT_AREA = {"Dot": "points", "PointSet": "points", "Measurement": "lines"}
_NO_GROUP = "None"


def read(path: str | Path, *, extent_px0: tuple[int, int] | None = None) -> Shapes:
    """Read the annotations of an XML file of ASAP.

    Parameters
    ----------
    path : str or Path
        The file.
    extent_px0 : tuple of int, optional
        Height and width of the slide at level 0: what reaches beyond it is cut off.

    Returns
    -------
    Shapes
        One for each polygon, rectangle and spline, the latter as the polygon of its
        points; the class is the group. Its remarks tell what was skipped or mended.

    Raises
    ------
    AnnotationError
        If the file is missing, larger than 512 MiB, no XML of ASAP, declares entities,
        or has coordinates that are no numbers, or an impossible name.
    """
    path = Path(path)
    found = parse(read_text(path), path.name)
    tally = Tally({})
    shapes: list[Shape] = []
    for number, annotation in enumerate(found.annotations, start=1):
        try:
            shape = _shape(annotation, found.colours, tally)
        except AnnotationError as error:
            raise AnnotationError(
                f"annotation {number} of {path.name} {error}"
            ) from error
        shapes += [shape] if shape is not None else []
    return mended(shapes, tally, extent_px0)


def _shape(
    annotation: Annotation, colours: dict[str, str], tally: Tally
) -> Shape | None:
    if annotation.kind in _WITHOUT_AREA:
        tally.skip(_WITHOUT_AREA[annotation.kind])
        return None
    if annotation.kind not in _AREAS:
        raise AnnotationError(f"is of the unknown type {annotation.kind[:40]!r}")
    group = annotation.group if annotation.group != _NO_GROUP else ""
    colour = colours.get(annotation.group, annotation.colour)
    return Shape(
        (Polygon(checked_ring(annotation.points)),),
        checked_name(group, "class"),
        _rgb(colour) if group else None,
        checked_name(annotation.name, "name"),
    )


def _rgb(colour: str) -> tuple[int, int, int] | None:
    try:
        number = int(colour.removeprefix("#")[-6:], 16)
    except ValueError:
        return None
    return number >> 16 & 255, number >> 8 & 255, number & 255


def write(
    source: ReadableMask | Shapes,
    path: str | Path,
    *,
    box: Box | None = None,
    level: int = 0,
    downsample: float | None = None,
) -> Iterator[Progress]:
    """Write the regions of a mask, or shapes, as ASAP opens them.

    Parameters
    ----------
    source : MaskStore or Shapes
        What to write; the measurements of shapes are left out, ASAP has none.
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
    yield from write_text(source, path, _write, traced)


def _write(file: TextIO, shapes: Iterable[Shape]) -> None:
    colours: dict[str, str] = {}
    file.write('<?xml version="1.0"?>\n<ASAP_Annotations>\n<Annotations>\n')
    number = 0
    for shape in shapes:
        colour = "#{:02x}{:02x}{:02x}".format(*(shape.colour or (128, 128, 128)))
        group = shape.class_name or _NO_GROUP
        colours.setdefault(group, colour)
        for polygon in shape.polygons:
            name = shape.name or f"Annotation {number}"
            number += 1
            file.write(
                f'<Annotation Name="{escape(name)}" Type="Polygon" '
                f'PartOfGroup="{escape(group)}" Color="{colour}"><Coordinates>\n'
            )
            file.writelines(_coordinates(_along_seams(polygon)))
            file.write("</Coordinates></Annotation>\n")
    file.write("</Annotations>\n<AnnotationGroups>\n")
    for group, colour in colours.items():
        if group != _NO_GROUP:
            file.write(
                f'<Group Name="{escape(group)}" PartOfGroup="{_NO_GROUP}" '
                f'Color="{colour}"><Attributes /></Group>\n'
            )
    file.write("</AnnotationGroups>\n</ASAP_Annotations>\n")


def _coordinates(ring: Ring) -> Iterator[str]:
    for order, (y, x) in enumerate(np.round(ring, 3).tolist()):
        yield f'<Coordinate Order="{order}" X="{x:.12g}" Y="{y:.12g}" />\n'


def _along_seams(polygon: Polygon) -> Ring:
    """Return one ring that visits the holes, each from the vertex nearest to it."""
    from scipy.spatial import KDTree

    if not polygon.holes:
        return polygon.shell
    starts = np.array([hole[0] for hole in polygon.holes])
    _distances, nearest = KDTree(polygon.shell).query(starts)
    pieces, last = [], 0
    for number in np.argsort(nearest, kind="stable").tolist():
        at, hole = int(nearest[number]), polygon.holes[number]
        pieces += [polygon.shell[last : at + 1], hole, hole[:1]]
        last = at
    return np.concatenate([*pieces, polygon.shell[last:]])
