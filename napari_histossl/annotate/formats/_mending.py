"""Shapes from others, made sound: outlines that cross themselves, parts outside.

Everything is checked at once by shapely; only what is not sound is taken apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats.shapes import Polygon, Ring, Shape, Shapes

_SAME_AREA = 1e-6
"""Relative: a ring that touches itself, but crosses nowhere, keeps its area."""


@dataclass(slots=True)
class Tally:
    """Counts of what was skipped or mended while a file was read."""

    skipped: dict[str, int]
    crossing: int = 0
    empty: int = 0
    clipped: int = 0
    outside: int = 0
    measurements: int = 0

    def skip(self, kind: str) -> None:
        """Count an object that encloses no area."""
        self.skipped[kind] = self.skipped.get(kind, 0) + 1

    def remarks(self) -> tuple[str, ...]:
        """Return one sentence for each kind."""
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.skipped.items()))
        measurements = f"{self.measurements} measurements that are no numbers"
        said = [
            (len(self.skipped), f"skipped, as they enclose no area: {kinds}"),
            (self.empty, f"skipped, without any area: {_objects(self.empty)}"),
            (
                self.crossing,
                f"mended, outline crosses itself: {_objects(self.crossing)}",
            ),
            (self.clipped, f"cut at the edge of the slide: {_objects(self.clipped)}"),
            (self.outside, f"skipped, outside the slide: {_objects(self.outside)}"),
            (self.measurements, f"left out: {measurements}"),
        ]
        return tuple(sentence for count, sentence in said if count)


def _objects(count: int) -> str:
    return f"{count} object{'s' if count != 1 else ''}"


def mended(
    shapes: Sequence[Shape], tally: Tally, extent_px0: tuple[int, int] | None
) -> Shapes:
    """Return shapes whose outlines are sound and lie on the slide.

    Parameters
    ----------
    shapes : sequence of Shape
        As they were read; coordinates are finite.
    tally : Tally
        What happened before; what happens here is added.
    extent_px0 : tuple of int or None
        Height and width of the slide at level 0; None leaves shapes where they are.
    """
    import shapely

    polygons = [polygon for shape in shapes for polygon in shape.polygons]
    owners = np.repeat(np.arange(len(shapes)), [len(s.polygons) for s in shapes])
    geometries = _to_shapely(polygons)
    is_odd = ~shapely.is_valid(geometries)
    is_odd |= _is_beyond(geometries, extent_px0)
    parts: dict[int, list[Polygon]] = {}
    for number in np.flatnonzero(np.isin(owners, owners[is_odd])).tolist():
        parts.setdefault(int(owners[number]), []).append(polygons[number])
    kept: list[Shape] = []
    for number, shape in enumerate(shapes):
        if number in parts:
            sound = _sound(parts[number], tally, extent_px0)
            if not sound:
                continue
            shape = replace(shape, polygons=sound)
        kept.append(shape)
    return Shapes(tuple(kept), tally.remarks())


def _to_shapely(polygons: Sequence[Polygon]) -> NDArray[Any]:
    """Return shapely's polygons, in (x, y) as everywhere outside this package."""
    import shapely

    geometries = shapely.polygons(_linear_rings([p.shell for p in polygons]))
    for number, polygon in enumerate(polygons):
        if polygon.holes:
            geometries[number] = shapely.polygons(
                shapely.get_exterior_ring(geometries[number]),
                _linear_rings(polygon.holes),
            )
    return np.asarray(geometries)


def _linear_rings(rings: Sequence[Ring]) -> NDArray[Any]:
    import shapely

    if not rings:
        return np.zeros(0, object)
    counts = [len(ring) for ring in rings]
    numbers = np.repeat(np.arange(len(rings)), counts)
    return np.asarray(
        shapely.linearrings(np.concatenate(rings)[:, ::-1], indices=numbers)
    )


def _is_beyond(
    geometries: NDArray[Any], extent_px0: tuple[int, int] | None
) -> NDArray[np.bool_]:
    import shapely

    if extent_px0 is None or not len(geometries):
        return np.zeros(len(geometries), bool)
    x0, y0, x1, y1 = shapely.bounds(geometries).T
    height, width = extent_px0
    return np.asarray((x0 < 0) | (y0 < 0) | (x1 > width) | (y1 > height))


def _sound(
    polygons: Sequence[Polygon], tally: Tally, extent_px0: tuple[int, int] | None
) -> tuple[Polygon, ...]:
    """Return the polygons of one object, mended and cut; none if nothing is left."""
    import shapely

    given = _to_shapely(polygons)
    unseamed = [_without_seams(polygon) for polygon in polygons]
    whole = shapely.union_all(
        [
            _areas_of(shapely.make_valid(before)) if after is None else after
            for before, after in zip(given, unseamed, strict=True)
        ]
    )
    if whole.area == 0:
        tally.empty += 1
        return ()
    tally.crossing += None in unseamed
    if _is_beyond(given, extent_px0).any() and extent_px0 is not None:
        height, width = extent_px0
        whole = _areas_of(shapely.intersection(whole, shapely.box(0, 0, width, height)))
        tally.clipped += whole.area > 0
        tally.outside += whole.area == 0
    return tuple(_from_shapely(part) for part in shapely.get_parts(whole))


def _areas_of(geometry: Any) -> Any:
    """Return the polygons of a geometry; mending may leave lines and points beside."""
    import shapely

    parts = shapely.get_parts(geometry)
    if shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION:
        parts = shapely.get_parts(parts)
    is_area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    return shapely.union_all(parts[is_area])


def _without_seams(polygon: Polygon) -> Any | None:
    """Return the area of outlines that touch themselves; None where they cross.

    Programs without holes reach them along a seam, there and back: edges that come an
    even number of times enclose nothing.
    """
    import shapely

    ends = [(ring, np.roll(ring, -1, axis=0)) for ring in polygon.rings]
    edges = np.concatenate([np.stack(pair, axis=1) for pair in ends])[:, :, ::-1]
    lines = shapely.multilinestrings(shapely.linestrings(_odd_ones(edges)))
    if not shapely.is_simple(lines):
        return None
    area = shapely.build_area(lines)
    shell, *holes = (abs(ring_area(ring)) for ring in polygon.rings)
    difference = abs(shell - sum(holes) - area.area)
    return area if difference <= _SAME_AREA * max(shell, 1.0) else None


def _odd_ones(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges (N, 2, 2) that come an odd number of times, either way round."""
    flat = edges.reshape(-1, 4)
    is_back = (flat[:, 0] > flat[:, 2]) | (
        (flat[:, 0] == flat[:, 2]) & (flat[:, 1] > flat[:, 3])
    )
    flat = np.where(is_back[:, None], flat[:, [2, 3, 0, 1]], flat)
    once, counts = np.unique(flat, axis=0, return_counts=True)
    return np.asarray(once[counts % 2 == 1].reshape(-1, 2, 2))


def ring_area(ring: Ring) -> float:
    """Return the area inside a ring, negative where it runs the other way round."""
    y, x = (ring - ring[0]).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _from_shapely(geometry: Any) -> Polygon:
    import shapely

    rings = [shapely.get_exterior_ring(geometry)]
    rings += [
        shapely.get_interior_ring(geometry, number)
        for number in range(shapely.get_num_interior_rings(geometry))
    ]
    shell, *holes = (shapely.get_coordinates(ring)[:-1, ::-1].copy() for ring in rings)
    return Polygon(shell, tuple(holes))
