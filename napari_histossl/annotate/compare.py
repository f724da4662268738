"""How far two masks of a slide agree, class by class.

What neither has labelled is a class of its own, so that both masks are treated alike:
a pixel that only one of them labels counts against the class it has there.

References
----------
Cohen's kappa: Cohen 1960, doi:10.1177/001316446002000104; of a class it is that of the
question whether a pixel has the class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats._region_walk import (
    EmptyTiles,
    ReadableMask,
    whole_level,
)
from napari_histossl.classes import UNLABELLED
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import TileGrid
from napari_histossl.jobs import Progress
from napari_histossl.metrics.segmentation import Confusion

_TILE_PX = 1024


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """One row of the table.

    Attributes
    ----------
    class_index : int
        The class.
    name : str
        Its name.
    pixels, reference_pixels : int
        Pixels of the class in the mask and in the reference.
    dice, iou : float
        Overlap, 0 to 1; NaN where neither has the class.
    kappa : float
        Agreement beyond chance; NaN where chance explains all.
    """

    class_index: int
    name: str
    pixels: int
    reference_pixels: int
    dice: float
    iou: float
    kappa: float


class Comparing:
    """Goes through two masks at once, tile by tile.

    Parameters
    ----------
    mask, reference : MaskStore
        Two masks of one slide, at one resolution.

    Raises
    ------
    AnnotationError
        If their sizes differ, or an index means different classes.
    """

    def __init__(self, mask: ReadableMask, reference: ReadableMask) -> None:
        self._box = whole_level(mask, 0)
        other = whole_level(reference, 0)
        if self._box != other or mask.downsample != reference.downsample:
            raise AnnotationError(
                f"masks are compared pixel by pixel; the first has {self._box.height} "
                f"x {self._box.width} px of {mask.downsample:g} slide px, the second "
                f"{other.height} x {other.width} px of {reference.downsample:g}: make "
                f"one of them again at the resolution of the other"
            )
        self._masks = (mask, reference)
        self._names = _common_names(mask, reference)
        size = max(self._names) + 1
        self._counts: NDArray[np.int64] = np.zeros((size, size), np.int64)

    def run(self) -> Iterator[Progress]:
        """Go through the tiles."""
        grid = TileGrid(self._box.shape, _TILE_PX)
        rows, columns = grid.shape_ij
        are_empty = [EmptyTiles(mask, 0) for mask in self._masks]
        for number in range(rows * columns):
            box = grid.box(*divmod(number, columns)).intersection(self._box)
            assert box is not None  # every tile of the grid lies on it
            if all(is_empty(box) for is_empty in are_empty):
                self._counts[UNLABELLED, UNLABELLED] += box.height * box.width
            else:
                mine, theirs = (mask.read(box).astype(np.int64) for mask in self._masks)
                size = len(self._counts)
                pairs = np.bincount((theirs * size + mine).ravel(), minlength=size**2)
                self._counts += pairs.reshape(size, size)
            yield Progress(number + 1, rows * columns, box, "comparing")

    def confusion(self) -> Confusion:
        """Return pixels by class, the reference in rows; class 0 is unlabelled."""
        return Confusion(self._counts.copy(), np.zeros(len(self._counts), np.int64))

    def rows(self) -> tuple[ClassAgreement, ...]:
        """Return a row for each class of the two tables."""
        confusion = self.confusion()
        return tuple(
            ClassAgreement(
                index,
                name,
                int(self._counts[:, index].sum()),
                int(self._counts[index].sum()),
                float(confusion.dice[index]),
                float(confusion.iou[index]),
                self._one_against_rest(index).kappa,
            )
            for index, name in sorted(self._names.items())
        )

    def _one_against_rest(self, index: int) -> Confusion:
        both = self._counts[index, index]
        reference, mask = self._counts[index].sum(), self._counts[:, index].sum()
        neither = self._counts.sum() - reference - mask + both
        table = [[neither, mask - both], [reference - both, both]]
        return Confusion(np.array(table, np.int64), np.zeros(2, np.int64))


def _common_names(mask: ReadableMask, reference: ReadableMask) -> dict[int, str]:
    names = {info.index: info.name for info in mask.classes}
    for info in reference.classes:
        known = names.setdefault(info.index, info.name)
        if known.casefold() != info.name.casefold():
            raise AnnotationError(
                f"class {info.index} is {known!r} in the first mask and {info.name!r} "
                f"in the second; compare masks with the same table of classes"
            )
    return names
