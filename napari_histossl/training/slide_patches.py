"""Patches from the tissue of slides; read when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import HistoSSLError, PlanError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.slide import Slide, SlideSource, find_tissue
from napari_histossl.slide.levels import read_at
from napari_histossl.training.kept_open import KeptOpen

_LEAST_TISSUE = 0.5
"""Share of a patch that is tissue, at least."""

_TRIES = 20
"""Places looked at for each patch before a slide is taken to hold no more."""

_FINER = 1.05
"""How much finer than a slide the wanted scale may be and still be called the same."""

_MOST_OPEN = 48
"""Slides that stay open; each holds a file and a cache of tiles."""

_READERS = 4


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """Which patches to take from slides.

    Attributes
    ----------
    per_slide : int
        Patches of each magnification from each slide.
    patch_px : int
        Edge in pixels.
    mpps : tuple of float
        Magnifications, in micrometres per pixel; they are mixed.
    seed : int
        Decides the places.
    """

    per_slide: int = 500
    patch_px: int = 256
    mpps: tuple[float, ...] = (0.5,)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.per_slide < 1 or self.patch_px < 1 or min(self.mpps, default=0) <= 0:
            raise PlanError(
                f"patches need a number, an edge and scales above 0 um/px; got "
                f"per_slide={self.per_slide}, patch_px={self.patch_px}, "
                f"mpps={self.mpps}"
            )


@dataclass(frozen=True, slots=True)
class Place:
    """One patch of a slide: where it is, at which scale."""

    source: SlideSource
    box: Box
    downsample: float


def find_places(
    sources: Sequence[SlideSource],
    plan: PatchPlan,
    into: list[Place],
    problems: list[str],
) -> Iterator[Progress]:
    """Choose patches on tissue, slide by slide.

    Parameters
    ----------
    sources : sequence of SlideSource
        The slides.
    plan : PatchPlan
        Which patches.
    into : list of Place
        Receives them, slide by slide; the same seed gives the same ones.
    problems : list of str
        Receives a sentence for each slide that is left out: it cannot be read, does
        not say its scale, is too coarse, or has too little tissue.

    Yields
    ------
    Progress
        After each slide.
    """
    for number, source in enumerate(sources):
        try:
            with source.open() as slide:
                into += _places(slide, plan, number)
        except HistoSSLError as error:
            problems.append(f"{source.name} is left out: {error}")
        yield Progress(number + 1, len(sources), message=f"{len(into)} patches")


def _places(slide: Slide, plan: PatchPlan, number: int) -> list[Place]:
    tissue = find_tissue(slide)
    places = []
    for which, mpp in enumerate(plan.mpps):
        rng = np.random.default_rng([plan.seed, number, which])
        downsample = downsample_of(slide, mpp)
        corners = rng.uniform(0, 1, (plan.per_slide * _TRIES, 2)) * _room(
            slide, plan.patch_px, downsample
        )
        edge_px0 = max(round(plan.patch_px * downsample), 1)
        found = 0
        for y, x in corners.astype(int).tolist():
            there = Box(
                round(y * downsample), round(x * downsample), edge_px0, edge_px0
            )
            if tissue.fraction(there) < _LEAST_TISSUE:
                continue
            box = Box(y, x, plan.patch_px, plan.patch_px)
            places.append(Place(slide.source, box, downsample))
            found += 1
            if found == plan.per_slide:
                break
    if not places:
        raise PlanError(f"it has no patch of {plan.patch_px} px that is mostly tissue")
    return places


def downsample_of(slide: Slide, mpp: float) -> float:
    """Return the level-0 pixels per pixel of a scale, at least 1.

    Raises
    ------
    MissingScaleError
        If the slide does not say its scale.
    PlanError
        If it is coarser.
    """
    rows, columns = slide.require_mpp()
    downsample = mpp / float(np.sqrt(rows * columns))
    if downsample * _FINER < 1:
        raise PlanError(
            f"it has {rows:.3g} um/px, coarser than the {mpp:g} um/px that were asked "
            f"for"
        )
    return max(downsample, 1.0)


def _room(slide: Slide, patch_px: int, downsample: float) -> NDArray[np.float64]:
    """Return how far a patch's corner can go, (rows, columns) at the scale."""
    shape = np.array(slide.levels[0].shape) / downsample
    return np.maximum(shape - patch_px, 0)


class SlidePatches:
    """Patches of slides, as if they were an array.

    Parameters
    ----------
    places : sequence of Place
        From `find_places`.

    Attributes
    ----------
    shape : tuple of int
        (N, patch_px, patch_px, 3).

    Raises
    ------
    PlanError
        If there are none.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        if not places:
            raise PlanError(
                "no slide has a patch of tissue to learn from; check the folder, the "
                "scale and the size of patches"
            )
        self._places = tuple(places)
        self._open = KeptOpen[Slide](_MOST_OPEN)
        self._lock = threading.Lock()
        self.shape = (len(places), *places[0].box.shape, 3)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, indices: Any) -> NDArray[np.uint8]:
        """Return the patches at indices, (n, patch_px, patch_px, 3) of dtype uint8.

        Raises
        ------
        SlideReadError
            If a patch cannot be decoded.
        """
        wanted = np.atleast_1d(np.arange(len(self))[indices])
        with self._lock:  # slides are closed between calls only
            places = [self._places[index] for index in wanted.tolist()]
            slides = [self._open.get(place.source) for place in places]
            with ThreadPoolExecutor(_READERS) as pool:
                patches = list(pool.map(_read, slides, places))
            self._open.trim()
        return np.stack(patches)

    def close(self) -> None:
        """Close the slides."""
        with self._lock:
            self._open.close()


def _read(slide: Slide, place: Place) -> NDArray[np.uint8]:
    return read_at(slide, place.box, place.downsample)
