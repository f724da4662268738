"""How much of each class a mask holds: areas, objects, share of the tissue.

Objects are 4-connected regions of one class, the same that are exported as polygons;
one that lies in several tiles counts once.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._tissue_below import TissueAreas, TissueBelow
from napari_histossl.annotate.formats._region_walk import (
    RegionWalk,
    ScaledMask,
    Tile,
    whole_level,
)
from napari_histossl.classes import UNLABELLED
from napari_histossl.jobs import Progress
from napari_histossl.store.whole import written_whole

_UM2_PER_MM2 = 1e6


@dataclass(frozen=True, slots=True)
class ClassMeasures:
    """One row of the table.

    Attributes
    ----------
    class_index : int
        The class; 0 for what is not labelled.
    name : str
        Its name.
    pixels : int
        Pixels of the mask's level 0.
    area_mm2 : float or None
        Their area; None where the mask does not know its scale.
    share_of_labelled : float or None
        Of all labelled pixels, 0 to 1; None for what is not labelled.
    share_of_tissue : float or None
        Part of the tissue that has this class, 0 to 1; None where no tissue is known.
    objects : int
        Number of regions.
    mean_object_um2, largest_object_um2 : float or None
        Areas of the regions; None where there are none, or the scale is not known.
    """

    class_index: int
    name: str
    pixels: int
    area_mm2: float | None
    share_of_labelled: float | None
    share_of_tissue: float | None
    objects: int
    mean_object_um2: float | None
    largest_object_um2: float | None


class Measuring:
    """Goes through a mask once, tile by tile.

    Parameters
    ----------
    mask : MaskStore
        What is measured, at level 0.
    tissue : TissueMap, optional
        Where there is tissue on the slide of the mask.

    Examples
    --------
    >>> import tempfile
    >>> from napari_histossl.annotate import MaskStore, Stroke
    >>> folder = tempfile.TemporaryDirectory()
    >>> with MaskStore.create(f"{folder.name}/a.ome.zarr", (600, 800), 0.5) as mask:
    ...     receipt = mask.paint(Stroke([(50, 50)], 0, class_index=1))
    ...     measuring = Measuring(mask)
    ...     steps = list(measuring.run())
    ...     [(row.name, row.pixels, row.objects) for row in measuring.rows()][1]
    ('tumour', 1, 1)
    """

    def __init__(self, mask: ScaledMask, tissue: TissueAreas | None = None) -> None:
        self._mask = mask
        self._walk = RegionWalk(mask, whole_level(mask, 0), 0)
        self._tissue: TissueBelow | None = None
        if tissue is not None:
            self._tissue = TissueBelow(tissue, self._walk.box.shape, mask.downsample)
        self._areas_px: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
        self._classes: list[NDArray[Any]] = [np.zeros(1, np.uint8)]
        self._next_region = 1
        self._on_tissue_px: Counter[int] = Counter()

    def run(self) -> Iterator[Progress]:
        """Go through the tiles."""
        for progress, tile in self._walk.run("measuring"):
            if tile is not None:
                self._take(tile)
            yield progress

    def rows(self) -> tuple[ClassMeasures, ...]:
        """Return a row for what is not labelled, and one for each class of the mask."""
        areas_px, classes = self._whole_regions()
        labelled_px = int(areas_px.sum())
        names = {UNLABELLED: "unlabelled"}
        names.update({info.index: info.name for info in self._mask.classes})
        rows = []
        for index, name in names.items():
            objects_px = areas_px[classes == index]
            pixels = int(objects_px.sum())
            if index == UNLABELLED:
                height, width = self._walk.box.shape
                pixels = height * width - labelled_px
            rows.append(
                ClassMeasures(
                    index,
                    name,
                    pixels,
                    _scaled(pixels, self._pixel_um2(), _UM2_PER_MM2),
                    _share(pixels, labelled_px) if index != UNLABELLED else None,
                    self._share_of_tissue(index),
                    len(objects_px),
                    *self._objects_um2(objects_px),
                )
            )
        return tuple(rows)

    def tissue_mm2(self) -> float | None:
        """Return the area of the tissue; None where tissue or scale are not known."""
        if self._tissue is None:
            return None
        return _scaled(self._tissue.pixels, self._pixel_um2(), _UM2_PER_MM2)

    def _take(self, tile: Tile) -> None:
        """Count what a tile adds; its first row and column were counted before."""
        # numbers start at 1 and go on from tile to tile, also those of the margin alone
        numbers = np.maximum(tile.regions - (self._next_region - 1), 0)
        count = int(numbers.max())
        self._next_region += count
        counts = np.bincount(numbers[1:, 1:].ravel(), minlength=count + 1)
        classes = np.zeros(count + 1, tile.labels.dtype)
        classes[numbers] = tile.labels
        self._areas_px.append(counts[1:])
        self._classes.append(classes[1:])
        if self._tissue is not None:
            is_tissue = self._tissue.at(tile.box)
            height, width = is_tissue.shape  # tiles reach beyond the mask
            labels = tile.labels[1 : height + 1, 1 : width + 1]
            counts = np.bincount(labels[is_tissue])
            self._on_tissue_px.update(dict(enumerate(counts.tolist())))

    def _whole_regions(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return pixels and class of each region that has any."""
        numbers = self._walk.joined()
        parts_px = np.concatenate(self._areas_px)
        areas_px = np.bincount(numbers, parts_px).astype(np.int64)
        classes = np.zeros(len(areas_px), np.int64)
        classes[numbers] = np.concatenate(self._classes)
        return areas_px[areas_px > 0], classes[areas_px > 0]

    def _share_of_tissue(self, index: int) -> float | None:
        if self._tissue is None:
            return None
        whole = self._tissue.pixels
        pixels = self._on_tissue_px[index]
        if index == UNLABELLED:  # in tiles without labels it was not counted
            labelled = self._on_tissue_px.total() - pixels
            pixels = whole - labelled
        return _share(pixels, whole)

    def _pixel_um2(self) -> float | None:
        mpp_yx = self._mask.mpp_yx
        return None if mpp_yx is None else mpp_yx[0] * mpp_yx[1]

    def _objects_um2(
        self, objects_px: NDArray[np.int64]
    ) -> tuple[float | None, float | None]:
        if not len(objects_px):
            return None, None
        return (
            _scaled(float(objects_px.mean()), self._pixel_um2(), 1),
            _scaled(int(objects_px.max()), self._pixel_um2(), 1),
        )


def write_csv(rows: Sequence[ClassMeasures], path: str | Path) -> None:
    """Write the table as CSV with a header; what is not known stays empty.

    Parameters
    ----------
    rows : sequence of ClassMeasures
        From `Measuring.rows`.
    path : str or Path
        File to write; replaced at the end, never half written.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    names = ClassMeasures.__slots__
    with (
        written_whole(Path(path)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(names)
        table.writerows([_cell(getattr(row, name)) for name in names] for row in rows)


def _cell(value: Any) -> Any:
    """Return what stands in a table: numbers to nine digits, names never a formula."""
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"  # a spreadsheet would compute what others named a class
    return "" if value is None else value


def _scaled(pixels: float, pixel_um2: float | None, unit_um2: float) -> float | None:
    return None if pixel_um2 is None else pixels * pixel_um2 / unit_um2


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
