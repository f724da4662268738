"""Between a GeoJSON feature, as QuPath writes it, and a shape."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from napari_histossl.annotate.formats._mending import Tally
from napari_histossl.annotate.formats._names import checked_name
from napari_histossl.annotate.formats.shapes import Polygon, Ring, Shape
from napari_histossl.errors import AnnotationError

FARTHEST_PX = 1e8
"""Largest coordinate that is taken for one: a slide has some 100,000 pixels."""

_WITHOUT_AREA = {
    "Point": "points",
    "MultiPoint": "points",
    "LineString": "lines",
    "MultiLineString": "lines",
}


def shapes_of(feature: Any, tally: Tally) -> Iterator[Shape]:
    """Yield the shape of a feature, and those of its children.

    Raises
    ------
    AnnotationError
        If it is not a feature; the message continues "object 3 of x.geojson".
    """
    if not isinstance(feature, Mapping):
        raise AnnotationError(f"is no feature; got {str(feature)[:60]!r}")
    is_bare = feature.get("type") != "Feature"
    geometry = feature if is_bare else feature.get("geometry")
    properties = (None if is_bare else feature.get("properties")) or {}
    if not isinstance(properties, Mapping):
        raise AnnotationError(f"has the properties {str(properties)[:60]!r}")
    polygons = tuple(_polygons(geometry, tally))
    if polygons:
        name, colour = _classification(properties.get("classification"))
        yield Shape(
            polygons,
            name,
            colour,
            checked_name(properties.get("name") or "", "name"),
            _measurements(properties.get("measurements") or {}, tally),
        )
    for child in properties.get("childObjects") or ():
        yield from shapes_of(child, tally)


def _polygons(geometry: Any, tally: Tally) -> Iterator[Polygon]:
    """Yield the areas of a geometry; what has none is counted."""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind is None:
        tally.skip("objects without outline")
    elif kind in _WITHOUT_AREA:
        tally.skip(_WITHOUT_AREA[kind])
    elif kind == "GeometryCollection":
        for part in geometry.get("geometries") or ():
            yield from _polygons(part, tally)
    elif kind in ("Polygon", "MultiPolygon"):
        parts = geometry.get("coordinates") or []
        for rings in [parts] if kind == "Polygon" else parts:
            if rings:
                shell, *holes = map(checked_ring, rings)
                yield Polygon(shell, tuple(holes))
    else:
        raise AnnotationError(f"has a geometry of the unknown type {str(kind)[:40]!r}")


def checked_ring(points: Any) -> Ring:
    """Return a ring of (x, y) as (y, x), without its repeated end.

    Raises
    ------
    AnnotationError
        If it is none; the message continues "object 3 of x.geojson".
    """
    try:
        xy = np.asarray(points)
    except ValueError:  # pairs and triples, or worse
        xy = np.zeros(0)
    if xy.ndim != 2 or xy.shape[1] not in (2, 3) or xy.dtype.kind not in "if":
        raise AnnotationError(
            f"has an outline that is no list of [x, y]; got {str(points)[:60]!r}"
        )
    yx = xy[:, 1::-1].astype(np.float64)
    if not (np.abs(yx) <= FARTHEST_PX).all():  # False for NaN as well
        odd = xy[~(np.abs(yx) <= FARTHEST_PX).all(axis=1)][0]
        raise AnnotationError(
            f"has the point {odd.tolist()}; expected pixels of the slide, finite "
            f"numbers"
        )
    if len(yx) > 1 and (yx[0] == yx[-1]).all():
        yx = yx[:-1]
    if len(yx) < 3:
        raise AnnotationError(f"has an outline of {len(yx)} points; expected 3 or more")
    return yx


def _classification(given: Any) -> tuple[str, tuple[int, int, int] | None]:
    """Return name and colour of a class, as QuPath 0.2 to 0.6 write them."""
    if given is None:
        return "", None
    if not isinstance(given, Mapping):
        return checked_name(given, "class"), None
    names = given.get("names")
    name = given.get("name") or ""
    if isinstance(names, list):  # a class derived from others
        name = ": ".join(map(str, names))
    return checked_name(name, "class"), _colour(given)


def _colour(given: Mapping[str, Any]) -> tuple[int, int, int] | None:
    colour = given.get("color", given.get("colorRGB"))
    if isinstance(colour, int):  # alpha, red, green, blue in one signed number
        return colour >> 16 & 255, colour >> 8 & 255, colour & 255
    if isinstance(colour, list) and len(colour) == 3:
        red, green, blue = (
            min(max(value, 0), 255) if isinstance(value, int) else 0 for value in colour
        )
        return red, green, blue
    return None


def _measurements(given: Any, tally: Tally) -> dict[str, float]:
    """Return the numbers of a mapping, or of a list of name and value (QuPath 0.3)."""
    if isinstance(given, list):
        given = {
            row.get("name"): row.get("value")
            for row in given
            if isinstance(row, Mapping)
        }
    if not isinstance(given, Mapping):
        raise AnnotationError(f"has the measurements {str(given)[:60]!r}")
    numbers = {
        str(name): float(value)
        for name, value in given.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    tally.measurements += len(given) - len(numbers)
    return numbers


def feature_of(shape: Shape) -> dict[str, Any]:
    """Return the feature of a shape."""
    properties: dict[str, Any] = {"objectType": "annotation"}
    if shape.name:
        properties["name"] = shape.name
    if shape.class_name:
        properties["classification"] = {"name": shape.class_name}
        if shape.colour is not None:
            properties["classification"]["color"] = list(shape.colour)
    if shape.measurements:
        properties["measurements"] = dict(shape.measurements)
    parts = [[_closed(ring) for ring in p.rings] for p in shape.polygons]
    is_one = len(parts) == 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if is_one else "MultiPolygon",
            "coordinates": parts[0] if is_one else parts,
        },
        "properties": properties,
    }


def _closed(ring: Ring) -> list[list[float]]:
    """Return (x, y) of a closed ring; whole numbers are written as such."""
    xy = np.concatenate([ring, ring[:1]])[:, ::-1]
    whole = np.rint(xy)
    if (whole == xy).all():
        return whole.astype(np.int64).tolist()  # type: ignore[no-any-return]
    return np.round(xy, 3).tolist()  # type: ignore[no-any-return]
