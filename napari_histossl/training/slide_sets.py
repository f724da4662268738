"""Patches that are cut from slides and their masks when they are asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.slide.labels import RedLabels, read_labels
from napari_histossl.store import Pyramid
from napari_histossl.training.kept_open import KeptOpen
from napari_histossl.training.masked_slides import MaskedSlide, SlideSet
from napari_histossl.training.slide_patches import Place, SlidePatches
from napari_histossl.training.tile_grid import TilePlan, find_tiles

PATCHES = TilePlan(tile_px=224)
"""What is cut unless something else is asked for: as the published sets."""

LEAST_SHARE = 0.02
"""A patch is labelled with a class that covers at least this share of it."""

_MOST_OPEN = 48


@dataclass(frozen=True, slots=True)
class _Cut:
    place: Place
    slide: MaskedSlide


class CutPatches:
    """A `training.patch_sets.PatchSet` of patches of slides.

    Parameters
    ----------
    slides : SlideSet
        The slides.
    split : {"train", "val", "test"}
        Which part.
    plan : TilePlan
        Size, scale and tissue of the patches.

    Attributes
    ----------
    classes : ClassTable
        The n classes.
    mpp : float
        Micrometres per pixel.
    exclude_index : int
        n: what nobody labelled, what is unknown, and glass.

    Raises
    ------
    DataSetError
        If no slide of the part has a mask, or none has a tile of tissue.

    Notes
    -----
    Every slide is opened once to look for its tissue, about half a second each, and
    patches are decoded anew whenever they are asked for: to learn from many slides,
    cut tiles first (`training.tile_files.cut_tiles`).
    """

    def __init__(self, slides: SlideSet, split: str, plan: TilePlan = PATCHES) -> None:
        self.classes: ClassTable = slides.classes
        self.mpp = plan.mpp
        self.exclude_index = len(slides.classes)
        self._table = slides.table()
        self._cuts = _cuts(slides, split, plan)
        self._pictures = SlidePatches([cut.place for cut in self._cuts])
        self._masks = KeptOpen[RedLabels | Pyramid](_MOST_OPEN)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._cuts)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Slide and place of each patch, in pixels at the scale of the patches."""
        return tuple(
            f"{cut.slide.group}_y{cut.place.box.y}_x{cut.place.box.x}"
            for cut in self._cuts
        )

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Slide of each patch."""
        return tuple(cut.slide.group for cut in self._cuts)

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """Which classes cover 2 % of each patch or more, (N, n); reads every mask."""
        return np.stack([self._held(index) for index in range(len(self))])

    def _held(self, index: int) -> NDArray[np.uint8]:
        mask = self.mask(index)
        counts = np.bincount(mask.ravel(), minlength=256)[: len(self.classes)]
        return (counts >= LEAST_SHARE * mask.size).astype(np.uint8)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return a patch, (H, W, 3) of dtype uint8.

        Raises
        ------
        SlideReadError
            If it cannot be decoded.
        """
        return np.asarray(self._pictures[[index]][0])

    def mask(self, index: int) -> NDArray[np.uint8]:
        """Return its classes, (H, W) of dtype uint8.

        Raises
        ------
        SlideReadError, StoreError
            If the mask cannot be decoded.
        """
        cut = self._cuts[index]
        assert cut.slide.mask is not None  # slides without one are left out
        with self._lock:
            values = labels_at(self._masks.get(cut.slide.mask), cut.place)
            self._masks.trim()
        return np.asarray(self._table[values])

    def close(self) -> None:
        """Close slides and masks."""
        self._pictures.close()
        with self._lock:
            self._masks.close()


def labels_at(labels: RedLabels | Pyramid, place: Place) -> NDArray[np.uint8]:
    """Return the values of a mask where a tile of its slide lies, (H, W) of uint8."""
    return read_labels(labels, place.box, place.downsample / finest_downsample(labels))


def finest_downsample(labels: RedLabels | Pyramid) -> float:
    """Return the level-0 pixels of the slide per pixel of the finest labels."""
    if isinstance(labels, Pyramid) and labels.pixel_px0_yx is not None:
        return labels.pixel_px0_yx[0]
    return 1.0


def _cuts(slides: SlideSet, split: str, plan: TilePlan) -> list[_Cut]:
    chosen = [one for one in slides.slides if one.split == split and one.mask]
    if not chosen:
        parts = {one.split for one in slides.slides if one.mask}
        raise DataSetError(
            f"no slide with a mask is in {split}; slides with masks are in "
            f"{', '.join(sorted(parts)) or 'no part'}"
        )
    cuts = []
    for one in chosen:
        with one.source.open() as slide:
            refuse_other_size(one, slide.levels[0].shape)
            cuts += [_Cut(place, one) for place in find_tiles(slide, plan)]
    if not cuts:
        raise DataSetError(
            f"no slide of {split} has a tile of {plan.tile_px} px that is "
            f"{plan.least_tissue:.0%} tissue; ask for less"
        )
    return cuts


def refuse_other_size(one: MaskedSlide, shape: tuple[int, int]) -> None:
    """Refuse a mask that does not cover its slide pixel by pixel.

    Raises
    ------
    DataSetError
        If it has another size.
    SlideOpenError, StoreError
        If it cannot be opened.
    """
    assert one.mask is not None
    with one.mask.open() as labels:
        pixel = finest_downsample(labels)
        own = labels.levels[0].shape
        if any(abs(n - m / pixel) > 1 for n, m in zip(own, shape, strict=True)):
            raise DataSetError(
                f"{one.mask.path} has {own[0]} x {own[1]} px, its slide "
                f"{one.source.name} {shape[0]} x {shape[1]}; a mask must have the size "
                f"of its slide"
            )
