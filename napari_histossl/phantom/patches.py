"""Small labelled pictures out of drawn slides, for training and for tests.

Where a class lies is read off a class map at low power, so that no picture is drawn
only to be thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box
from napari_histossl.phantom.layout import LYMPHOCYTES, NECROSIS, STROMA, TUMOUR
from napari_histossl.phantom.slide import PhantomSlide, PhantomSource

TISSUE = (TUMOUR, STROMA, LYMPHOCYTES, NECROSIS)
"""The four classes of drawn tissue."""

SLIDE_UM = 16000.0
"""Edge of the glass from which patches are taken."""

_MAP_UM = 8.0
"""Pixel of the class map in which patches are looked for, about."""

_MAP_PX = 256
"""Edge of one such map."""

_MOST_MAPS = 60
"""Maps looked at before a slide is taken to hold no more of a class."""

_TAKEN_PER_MAP = 12
"""Patches of one class taken from one map at most, so that they differ."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Labelled pictures.

    Attributes
    ----------
    images : ndarray of shape (N, P, P, 3) and dtype uint8
        RGB.
    labels : ndarray of shape (N,) and dtype uint8
        Class of each picture, an index of `classes.DEFAULT_CLASSES`.
    nuclei : ndarray of shape (N, P, P) and dtype bool
        Where nuclei are.
    seeds : ndarray of shape (N,) and dtype int64
        Seed of the slide that each picture is from.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    nuclei: NDArray[np.bool_]
    seeds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def sample_patches(
    seeds: Sequence[int],
    per_class: int,
    *,
    patch_px: int = 128,
    mpp: float = 0.5,
    purity: float = 0.75,
    classes: Sequence[int] = TISSUE,
    setting: str = "v1",
    random_state: int = 0,
) -> Patches:
    """Draw labelled pictures, as many of each class from each slide.

    Parameters
    ----------
    seeds : sequence of int
        Slides.
    per_class : int
        Pictures of each class from each slide. Where a slide has less of a class,
        fewer come.
    patch_px : int
        Edge of a picture in pixels.
    mpp : float
        Micrometres per pixel.
    purity : float
        Least share of a picture that its class covers, 0 to 1.
    classes : sequence of int
        Classes wanted.
    setting : str
        Name of the constants of the drawing.
    random_state : int
        Which pictures are taken; the same one gives the same pictures.

    Returns
    -------
    Patches
        In the order of the seeds, and within a slide of the classes.

    Raises
    ------
    GeometryError
        If nothing is asked for.
    """
    if not len(seeds) or per_class < 1 or not len(classes):
        raise GeometryError(
            f"patches need slides, classes and a number; got {len(seeds)} seeds, "
            f"{len(classes)} classes, {per_class} per class"
        )
    images, labels, nuclei, origins = [], [], [], []
    for seed in seeds:
        side = round(SLIDE_UM / mpp)
        slide = PhantomSource(seed, side, side, mpp, setting).open()
        rng = np.random.default_rng([random_state, seed])
        for box, label in find_patches(
            slide, per_class, patch_px, purity, classes, rng
        ):
            drawing = slide.draw(box, 0)
            images.append(drawing.rgb)
            labels.append(label)
            nuclei.append(drawing.nuclei)
            origins.append(seed)
    return Patches(
        np.array(images, np.uint8).reshape(-1, patch_px, patch_px, 3),
        np.array(labels, np.uint8),
        np.array(nuclei, np.bool_).reshape(-1, patch_px, patch_px),
        np.array(origins, np.int64),
    )


def find_patches(
    slide: PhantomSlide,
    per_class: int,
    patch_px: int,
    purity: float,
    classes: Sequence[int],
    rng: np.random.Generator,
) -> Iterator[tuple[Box, int]]:
    """Yield level-0 boxes that one class covers well, with the class."""
    found: dict[int, list[Box]] = {label: [] for label in classes}
    for level, corner in _maps(slide, rng):
        wanted = [c for c in classes if len(found[c]) < per_class]
        if not wanted:
            break
        truth = slide.truth(corner, level)
        for label in wanted:
            boxes = _boxes(slide, corner, level, truth == label, patch_px, purity, rng)
            found[label] += boxes[: min(_TAKEN_PER_MAP, per_class - len(found[label]))]
    for label in classes:
        for box in found[label]:
            yield box, label


def _maps(slide: PhantomSlide, rng: np.random.Generator) -> Iterator[tuple[int, Box]]:
    """Yield a low-power level and random boxes of it round the slide's middle."""
    if slide.mpp_yx is None:
        return
    steps = round(np.log2(max(_MAP_UM / slide.mpp_yx[0], 1)))
    level = min(int(steps), len(slide.levels) - 1)
    height, width = slide.levels[level].shape
    for _ in range(_MOST_MAPS):
        y, x = rng.uniform(0.2, 0.8, 2)
        row, column = int(y * height) - _MAP_PX // 2, int(x * width) - _MAP_PX // 2
        yield level, Box(row, column, _MAP_PX, _MAP_PX)


def _boxes(
    slide: PhantomSlide,
    corner: Box,
    level: int,
    here: NDArray[np.bool_],
    patch_px: int,
    purity: float,
    rng: np.random.Generator,
) -> list[Box]:
    """Return boxes in which a class covers its share, in random order."""
    factor = slide.levels[level].downsample
    edge = max(round(patch_px / factor), 1)
    share = ndimage.uniform_filter(here.astype(np.float32), edge, mode="constant")
    centres = np.argwhere(share >= purity + 0.02)
    chosen = centres[rng.permutation(len(centres))[: 2 * _TAKEN_PER_MAP]]
    jitter = rng.uniform(0, 1, chosen.shape)
    middle = (chosen + np.array([corner.y, corner.x]) + jitter) * factor
    corners = np.floor(middle).astype(int) - patch_px // 2
    boxes = [Box(int(y), int(x), patch_px, patch_px) for y, x in corners]
    return [box for box in boxes if _covers(slide, box, here, corner, factor, purity)]


def _covers(
    slide: PhantomSlide,
    box: Box,
    here: NDArray[np.bool_],
    corner: Box,
    factor: float,
    purity: float,
) -> bool:
    """Check the share on the map at the box's true place."""
    offsets = (np.arange(16) + 0.5) * (box.height / 16)
    rows = np.floor((box.y + offsets) / factor).astype(int) - corner.y
    columns = np.floor((box.x + offsets) / factor).astype(int) - corner.x
    inside = (rows.min() >= 0) & (columns.min() >= 0)
    inside &= (rows.max() < here.shape[0]) & (columns.max() < here.shape[1])
    return bool(inside) and bool(here[np.ix_(rows, columns)].mean() >= purity)
