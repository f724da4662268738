"""From the shapes of other programs to the pixels of a mask, through its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_histossl.annotate.formats._spans import Edges
from napari_histossl.annotate.formats._spans import paint as paint_spans
from napari_histossl.annotate.formats.shapes import Shapes
from napari_histossl.classes import (
    MOST_CLASSES,
    UNLABELLED,
    ClassInfo,
    ClassTable,
    Origin,
)
from napari_histossl.errors import AnnotationError, ClassTableError
from napari_histossl.geometry import Box, TileGrid
from napari_histossl.jobs import Progress

TAKEN_AWAY = "unlabelled"
"""Name that stands for no class: shapes of a class that means it take labels away."""

_SKIPPED = -1
_TILE_PX = 4096
"""Edge of what is painted and journaled at once: some 200 MB of memory."""

_PRIORITY = 15
"""Display priority of classes that a file brings: above glass, below tissue."""

_GREY = (128, 128, 128)


class PaintableMask(Protocol):
    """What painting needs of a mask."""

    shape: tuple[int, int]
    downsample: float

    def paint_region(
        self,
        box: Box,
        values: ArrayLike,
        *,
        tool: str,
        author: str | None = None,
        where: ArrayLike | None = None,
        origin: Origin = Origin.HUMAN,
    ) -> Any: ...


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Which class of a mask each shape is.

    Attributes
    ----------
    indices : ndarray of shape (number of shapes,) and dtype int64
        Class indices; 0 takes labels away, -1 is left out.
    remarks : tuple of str
        A sentence where shapes are left out.
    """

    indices: NDArray[np.int64]
    remarks: tuple[str, ...] = ()


def assign(
    shapes: Shapes,
    classes: ClassTable,
    *,
    meaning: Mapping[str, str] | None = None,
    unknown: Literal["refuse", "skip"] = "refuse",
) -> Assignment:
    """Find the class of each shape in the table of a mask.

    Parameters
    ----------
    shapes : Shapes
        As they were read.
    classes : ClassTable
        The table of the mask.
    meaning : mapping of str to str, optional
        Names in the file, and the class that each means; ``""`` for shapes without a
        class, `TAKEN_AWAY` for a class that takes labels away. Others mean the class
        of the same name; upper and lower case, tumor and tumour are alike.
    unknown : {"refuse", "skip"}, optional
        What to do with shapes of other classes.

    Raises
    ------
    AnnotationError
        If there are such shapes and they are refused.
    ClassTableError
        If `meaning` names a class that the table does not have.
    """
    known = {_key(info.name): info.index for info in classes}
    for name, meant in (meaning or {}).items():
        is_none = _key(meant) == TAKEN_AWAY
        known[_key(name)] = UNLABELLED if is_none else classes.named(meant).index
    names = [shape.class_name for shape in shapes]
    indices = np.array([known.get(_key(name), _SKIPPED) for name in names], np.int64)
    missing = sorted({name for name in names if _key(name) not in known})
    if not missing:
        return Assignment(indices)
    listed = ", ".join(repr(name) if name else "no class" for name in missing[:5])
    count = int((indices == _SKIPPED).sum())
    if unknown == "refuse":
        raise AnnotationError(
            f"{count} shapes are of classes that the mask does not have ({listed}"
            f"{', ...' if len(missing) > 5 else ''}); say which class each means, skip "
            f"them, or make a new mask with the classes of the file. The mask has "
            f"{', '.join(info.name for info in classes)}"
        )
    return Assignment(indices, (f"skipped, class unknown: {count} shapes ({listed})",))


def extended(classes: ClassTable, shapes: Shapes) -> ClassTable:
    """Return a table for a new mask: classes and, after them, those of the shapes.

    Parameters
    ----------
    classes : ClassTable
        What is known.
    shapes : Shapes
        Their classes come with their colours, without keys.

    Raises
    ------
    ClassTableError
        If there are more than `MOST_CLASSES` together.
    """
    rows = list(classes)
    known = {_key(info.name) for info in classes}
    free = max((info.index for info in classes), default=0) + 1
    for name, colour in shapes.class_names().items():
        if _key(name) in known:
            continue
        if free > MOST_CLASSES:
            raise ClassTableError(
                f"a mask has at most {MOST_CLASSES} classes, and the file brings more: "
                f"{len(shapes.class_names())}; say which class each of them means"
            )
        rows.append(ClassInfo(free, name, colour or _GREY, priority=_PRIORITY))
        known.add(_key(name))
        free += 1
    return ClassTable(rows)


def paint(
    mask: PaintableMask,
    shapes: Shapes,
    assignment: Assignment,
    *,
    origin: Origin = Origin.HUMAN,
    author: str | None = None,
    tool: str = "import",
) -> Iterator[Progress]:
    """Paint shapes into a mask: a pixel gets a class if its centre lies in a shape.

    Parameters
    ----------
    mask : MaskStore
        Open for writing.
    shapes : Shapes
        In level-0 pixels of the slide; later ones lie on top, and those that take
        labels away on top of all.
    assignment : Assignment
        From `assign`.
    origin : Origin
        `Origin.HUMAN` for what a person drew, `Origin.MODEL` for a proposal.
    author : str, optional
        Who imports it; by default the login name.
    tool : str, optional
        Name for the history.

    Yields
    ------
    Progress
        After each tile, which is one step of the journal and can be undone. Stopping in
        between leaves what is painted.

    Raises
    ------
    AnnotationError, JournalError, StoreError
        As for `MaskStore.paint_region`.
    """
    polygons = _Polygons(shapes, assignment.indices, mask.downsample)
    grid = TileGrid(mask.shape, _TILE_PX)
    rows, columns = grid.shape_ij
    tiles = [grid.box(*divmod(number, columns)) for number in range(rows * columns)]
    boxes = [polygons.around(tile, mask.shape) for tile in tiles]
    found = [box for box in boxes if box is not None]
    for number, box in enumerate(found, start=1):
        values = polygons.painted(box)
        mask.paint_region(
            box,
            values.clip(0).astype(np.uint8),
            where=values >= 0,
            tool=tool,
            author=author,
            origin=origin,
        )
        yield Progress(number, len(found), box, "painting shapes")


def _key(name: str) -> str:
    return name.strip().casefold().replace("tumor", "tumour")


class _Polygons:
    """Polygons in pixels of a mask, in the order in which they are painted."""

    def __init__(
        self, shapes: Shapes, indices: NDArray[np.int64], downsample: float
    ) -> None:
        kept = [
            (index, polygon)
            for index, shape in zip(indices.tolist(), shapes, strict=True)
            for polygon in shape.polygons
            if index != _SKIPPED
        ]
        kept.sort(
            key=lambda pair: pair[0] == UNLABELLED
        )  # stable: others stay in order
        self._values = np.array([index for index, _polygon in kept], np.int32)
        counts = [len(polygon.rings) for _index, polygon in kept]
        rings = [ring / downsample for _index, p in kept for ring in p.rings]
        owner = np.repeat(np.arange(len(kept)), counts)
        self._edges = Edges.of(rings, owner)
        self._bounds = _bounds([p.shell / downsample for _index, p in kept])

    def around(self, tile: Box, shape: tuple[int, int]) -> Box | None:
        """Return the box round what polygons may cover of a tile, or None."""
        touches = self._touching(tile)
        if not touches.any():
            return None
        low, high = self._bounds[touches, :2].min(0), self._bounds[touches, 2:].max(0)
        (top, left), (bottom, right) = low.tolist(), high.tolist()
        whole = Box(top, left, bottom - top, right - left)
        inside = whole.intersection(tile)
        return inside.intersection(Box(0, 0, *shape)) if inside else None

    def painted(self, box: Box) -> NDArray[np.int32]:
        """Return the classes of a box, -1 where nothing is painted."""
        values = np.full(box.shape, _SKIPPED, np.int32)
        edges = self._edges.near(box, self._touching(box))
        paint_spans(edges, self._values, box, values)
        return values

    def _touching(self, box: Box) -> NDArray[np.bool_]:
        """Return which polygons may cover pixels of a box."""
        y0, x0, y1, x1 = self._bounds.T
        return np.asarray((y0 < box.y1) & (y1 > box.y) & (x0 < box.x1) & (x1 > box.x))


def _bounds(shells: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Return first and last row and column of each shell, (N, 4)."""
    corners = [np.append(shell.min(axis=0), shell.max(axis=0)) for shell in shells]
    bounds = np.array(corners).reshape(-1, 4)
    bounds[:, :2] = np.floor(bounds[:, :2])
    bounds[:, 2:] = np.maximum(np.ceil(bounds[:, 2:]), bounds[:, :2] + 1)
    return bounds.astype(np.int64)
