"""Cut crops of tissue from a slide, real or drawn, at one scale and in one way."""

from __future__ import annotations

import math
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import MissingScaleError, StudyError
from napari_histossl.geometry import Box, TileGrid, from_level
from napari_histossl.jobs import Progress
from napari_histossl.slide import Slide, read_virtual, virtual_levels
from napari_histossl.slide.tissue import TissueMap, find_tissue
from napari_histossl.study.pictures import encode_png

SAME_SCALE = 0.05
"""Scales that differ by no more than this share are taken as equal: not resampled."""

LEAST_TISSUE = 0.8
"""Share of a crop that is tissue, at least."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """How pixels of a crop come from a slide.

    Attributes
    ----------
    level : int
        Virtual level that is read.
    side_px : int
        Edge of what is read there, in its pixels.
    """

    level: int
    side_px: int


def cut_crops(
    slide: Slide,
    out_folder: str | Path,
    count: int,
    size_px: int = 224,
    mpp: float | None = None,
    seed: int = 0,
    tissue: TissueMap | None = None,
) -> list[Path]:
    """Cut crops of tissue that do not overlap and write them as PNG.

    Parameters
    ----------
    slide : Slide
        What to cut from.
    out_folder : path
        New or empty folder.
    count : int
        Number of crops, at least 1.
    size_px : int
        Edge of a crop in pixels.
    mpp : float, optional
        Micrometres per pixel of the crops; the slide's own finest if None.
    seed : int
        Decides which crops are taken.
    tissue : TissueMap, optional
        Found here if None.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    StudyError
        If the folder holds something, the slide is coarser than `mpp`, or has not
        enough tissue. Then nothing is written.
    MissingScaleError
        If `mpp` is given and the slide does not say its scale.
    NoTissueError
        If the slide shows no tissue.
    SlideReadError
        If pixels cannot be decoded.
    """
    out = Path(out_folder)
    for _progress in iterate_crops(slide, out, count, size_px, mpp, seed, tissue):
        pass
    return sorted(out.iterdir())


def iterate_crops(
    slide: Slide,
    out_folder: Path,
    count: int,
    size_px: int = 224,
    mpp: float | None = None,
    seed: int = 0,
    tissue: TissueMap | None = None,
) -> Iterator[Progress]:
    """Cut crops as `cut_crops` does, one step a crop.

    Yields
    ------
    Progress
        Crops written.
    """
    if count < 1 or size_px < 1:
        raise StudyError(
            f"crops need a number and a size of at least 1; got {count} of {size_px} px"
        )
    _refuse_filled(out_folder)
    reading = _resolve_reading(slide, size_px, mpp)
    tissue = find_tissue(slide) if tissue is None else tissue
    boxes = _choose_boxes(slide, reading, count, seed, tissue)
    part = out_folder.with_name(f".{out_folder.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
        for done, box in enumerate(boxes, start=1):
            picture = _read_crop(slide, box, reading, size_px)
            (part / f"crop_{done:04d}.png").write_bytes(encode_png(picture))
            yield Progress(done, count, box)
        if out_folder.exists():
            out_folder.rmdir()
        part.rename(out_folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _refuse_filled(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(
            f"{folder} exists and is not an empty folder; crops go into a new one"
        )


def _resolve_reading(slide: Slide, size_px: int, mpp: float | None) -> _Reading:
    ratio = _ratio_to_finest(slide, mpp)
    last = len(virtual_levels(slide)) - 1
    level = min(max(math.floor(math.log2(ratio * (1 + SAME_SCALE))), 0), last)
    left = ratio / 2**level
    same = abs(left - 1) <= SAME_SCALE
    return _Reading(level, size_px if same else round(size_px * left))


def _ratio_to_finest(slide: Slide, mpp: float | None) -> float:
    """Return the finest pixels of the slide per pixel of a crop."""
    if mpp is None:
        return 1.0
    if slide.mpp_yx is None:
        raise MissingScaleError(
            f"{slide.source.name} does not say how large a pixel is, so crops at "
            f"{mpp} um a pixel cannot be cut; say its scale when you open it"
        )
    finest = math.sqrt(slide.mpp_yx[0] * slide.mpp_yx[1])
    if mpp < finest * (1 - SAME_SCALE):
        raise StudyError(
            f"{slide.source.name} has {finest:.4g} um a pixel; crops at {mpp:.4g} "
            f"would show detail that was never seen: ask for {finest:.4g} or more"
        )
    return mpp / finest


def _choose_boxes(
    slide: Slide, reading: _Reading, count: int, seed: int, tissue: TissueMap
) -> list[Box]:
    """Return tiles of a shifted grid that lie inside the slide and on tissue."""
    rng = np.random.default_rng(seed)
    level = virtual_levels(slide)[reading.level]
    grid = TileGrid(level.shape, reading.side_px)
    spare_yx = np.mod(level.shape, reading.side_px)
    shift_y, shift_x = rng.integers(0, spare_yx + 1).tolist()
    rows, columns = grid.shape_ij
    boxes: list[Box] = []
    for place in rng.permutation(rows * columns).tolist():
        box = grid.box(*divmod(place, columns)).shifted(shift_y, shift_x)
        if box.intersection(level.box) != box:
            continue
        box_px0 = from_level(box, (level.downsample, level.downsample))
        if tissue.fraction(box_px0) >= LEAST_TISSUE:
            boxes.append(box)
            if len(boxes) == count:
                return boxes
    raise StudyError(
        f"{slide.source.name} has room for {len(boxes)} crops of tissue that do not "
        f"overlap; {count} were asked for: ask for fewer or smaller ones"
    )


def _read_crop(
    slide: Slide, box: Box, reading: _Reading, size_px: int
) -> NDArray[np.uint8]:
    picture = read_virtual(slide, box, reading.level)
    if reading.side_px == size_px:
        return picture
    # Always smaller: a mean over the area of each pixel sharpens and invents nothing.
    return area_mean(picture, size_px)


def area_mean(picture: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Shrink a square picture by any factor; each pixel is the mean of its area.

    Parameters
    ----------
    picture : ndarray of shape (N, N, 3) and dtype uint8
        RGB.
    size_px : int
        Edge of the result, at most N.

    Returns
    -------
    ndarray of shape (size_px, size_px, 3) and dtype uint8
        Pixels that lie under an edge count by the part that is inside.
    """
    edges = np.linspace(0, len(picture), size_px + 1)
    start = np.arange(len(picture))
    overlap = np.minimum(edges[1:, None], start + 1) - np.maximum(
        edges[:-1, None], start
    )
    weights = overlap.clip(0) / np.diff(edges)[:, None]
    mean: NDArray[np.float64] = np.einsum(
        "iy,yxc,jx->ijc", weights, picture, weights, optimize=True
    )
    return np.rint(mean).astype(np.uint8)
