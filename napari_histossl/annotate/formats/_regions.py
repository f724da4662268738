"""From corners to regions: an outer ring and the rings of its holes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats._corners import DOWN, LEFT, RIGHT, UP, Corners

_Ring = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A 4-connected region of one class.

    Attributes
    ----------
    class_index : int
        Its class.
    shell : ndarray of shape (N, 2)
        Vertices (y, x) of the outer ring, each once, every one a corner.
    holes : tuple of ndarray of shape (N, 2)
        Rings of its holes. No ring touches itself; two may share single vertices.
    """

    class_index: int
    shell: _Ring
    holes: tuple[_Ring, ...]


def join(corners: Corners) -> Iterator[Region]:
    """Yield the regions that corners outline.

    Parameters
    ----------
    corners : Corners
        All corners of all outlines.

    Yields
    ------
    Region
        Each region once.
    """
    if len(corners.y) == 0:
        return
    order, starts = _rings(_next_corners(corners))
    vertices = np.stack([corners.y[order], corners.x[order]], axis=1)
    first = order[starts[:-1]]
    touching = _self_touching(vertices, starts)
    ring_region = corners.region[first]
    by_region = np.argsort(ring_region, kind="stable")
    splits = np.flatnonzero(np.diff(ring_region[by_region])) + 1
    for members in np.split(by_region, splits):
        rings: list[_Ring] = []
        for ring in members:
            part = vertices[starts[ring] : starts[ring + 1]]
            rings += _simple_rings(part) if ring in touching else [part]
        rings = [_from_top(ring) for ring in rings]
        (shell,) = (ring for ring in rings if _is_shell(ring))
        holes = tuple(ring for ring in rings if ring is not shell)
        class_index = int(corners.class_index[first[members[0]]])
        yield Region(class_index, shell, holes)


def _next_corners(corners: Corners) -> NDArray[np.int64]:
    """Return for each corner the one that the outline reaches next.

    On one line of the grid the straight parts of one direction do not overlap, so that
    in the order of that direction beginnings and ends alternate.
    """
    following = np.empty(len(corners.y), np.int64)
    y, x = corners.y, corners.x
    keys = {RIGHT: (x, y), LEFT: (-x, y), DOWN: (y, x), UP: (-y, x)}
    for direction, (along, line) in keys.items():
        begins = np.flatnonzero(corners.goes == direction)
        ends = np.flatnonzero(corners.comes == direction)
        begins = begins[np.lexsort((along[begins], line[begins]))]
        ends = ends[np.lexsort((along[ends], line[ends]))]
        following[begins] = ends
    return following


def _rings(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return corners in the order of their rings, and where each ring starts."""
    successor = following.data  # as Python numbers, without a list of them
    is_done = bytearray(len(following))
    order, starts = array("q"), array("q")
    for first in range(len(following)):
        if is_done[first]:
            continue
        starts.append(len(order))
        corner = first
        while not is_done[corner]:
            is_done[corner] = 1
            order.append(corner)
            corner = successor[corner]
    starts.append(len(order))
    return np.frombuffer(order, np.int64), np.frombuffer(starts, np.int64)


def _self_touching(vertices: _Ring, starts: NDArray[np.int64]) -> set[int]:
    """Return the rings that pass through a vertex twice."""
    ring = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((vertices[:, 1], vertices[:, 0], ring))
    keys = np.column_stack([ring, vertices])[order]
    is_twice = (keys[1:] == keys[:-1]).all(axis=1)
    return set(keys[1:][is_twice, 0].tolist())


def _simple_rings(ring: _Ring) -> list[_Ring]:
    """Cut a ring where it touches itself.

    The parts of an outer ring are the outer ring proper and holes that touch it.
    """
    rings: list[_Ring] = []
    path: list[tuple[int, int]] = []
    place: dict[tuple[int, int], int] = {}
    for vertex in map(tuple, ring.tolist()):
        if vertex in place:
            start = place[vertex]
            rings.append(np.array(path[start:]))
            for passed in path[start:]:
                del place[passed]
            del path[start:]
        place[vertex] = len(path)
        path.append(vertex)
    rings.append(np.array(path))
    return rings


def _from_top(ring: _Ring) -> _Ring:
    """Return the same ring, begun at its first vertex in reading order."""
    tops = np.flatnonzero(ring[:, 0] == ring[:, 0].min())
    first = int(tops[ring[tops, 1].argmin()])
    return ring if first == 0 else np.concatenate([ring[first:], ring[:first]])


def _is_shell(ring: _Ring) -> bool:
    """Tell an outer ring, which leaves its first vertex to the right, from a hole."""
    return bool(ring[1, 0] == ring[0, 0])
