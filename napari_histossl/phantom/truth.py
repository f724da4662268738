"""What a drawn slide truly is, as files that other programs read."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import StoreError
from napari_histossl.geometry import TileGrid
from napari_histossl.phantom.slide import PhantomSlide
from napari_histossl.store.masks import write_mask_png

_LARGEST_PX = 100_000_000
"""Most level-0 pixels; the class map is held in memory."""


def write_truth(slide: PhantomSlide, slide_path: Path) -> tuple[Path, Path]:
    """Write the classes and the nuclei of a drawn slide beside its file.

    Parameters
    ----------
    slide : PhantomSlide
        The drawn slide.
    slide_path : Path
        Its file; ``a.svs`` gives ``a_classes.png`` and ``a_nuclei.csv``.

    Returns
    -------
    tuple of Path
        The palette PNG at level 0, its values indices of `DEFAULT_CLASSES`; the table
        of nuclei: row and column of the centre in level-0 pixels, class.

    Raises
    ------
    StoreError
        If the slide has more than 100 million pixels, or a file cannot be written.
    """
    whole = slide.levels[0].box
    if whole.height * whole.width > _LARGEST_PX:
        raise StoreError(
            f"the classes of {slide.source.name} would be a picture of {whole.height} "
            f"x {whole.width} px; expected at most {_LARGEST_PX:,} pixels: draw a "
            f"smaller slide, or read PhantomSlide.truth box by box"
        )
    classes = slide_path.with_name(f"{slide_path.stem}_classes.png")
    nuclei = slide_path.with_name(f"{slide_path.stem}_nuclei.csv")
    labels = np.empty(whole.shape, np.uint8)
    grid = TileGrid(whole.shape, 512)
    for row, column in grid.covering(whole):
        box = grid.box(row, column).intersection(whole)
        assert box is not None  # the grid covers the slide and no more
        labels[box.slices] = slide.truth(box, 0)
    write_mask_png(classes, labels, DEFAULT_CLASSES)
    found = slide.nuclei(whole)
    with nuclei.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["row_px0", "column_px0", "class_index"])
        for (y, x), index in zip(found.centre_px0, found.class_index, strict=True):
            writer.writerow([f"{y:.1f}", f"{x:.1f}", int(index)])
    return classes, nuclei
