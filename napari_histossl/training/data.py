"""Patches of drawn tissue, to learn from and to be judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from napari_histossl.jobs import Progress
from napari_histossl.phantom.patches import Patches, sample_patches

TRAINING_SEEDS = tuple(range(1, 41))
"""Drawn slides that trainings learn from."""

BANK_SEEDS = tuple(range(1, 17))
VALIDATION_SEEDS = tuple(range(101, 117))
TEST_SEEDS = tuple(range(201, 217))
"""Drawn slides to judge by: neighbours, choice of a head, the numbers themselves."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Which patches to draw; as `phantom.patches.sample_patches` takes it.

    Attributes
    ----------
    seeds : tuple of int
        Slides.
    per_class : int
        Patches of each class from each slide.
    patch_px : int
        Edge in pixels.
    mpp : float
        Micrometres per pixel.
    purity : float
        Least share of a patch that its class covers, 0 to 1.
    random_state : int
        Which patches are taken.
    setting : str
        Name of the constants of the drawing.
    """

    seeds: tuple[int, ...] = TRAINING_SEEDS
    per_class: int = 25
    patch_px: int = 160
    mpp: float = 0.5
    purity: float = 0.3
    random_state: int = 4
    setting: str = "v1"


def draw(
    drawing: Drawing, into: list[Patches], *, workers: int = 1
) -> Iterator[Progress]:
    """Draw patches, slide by slide.

    Parameters
    ----------
    drawing : Drawing
        Which ones.
    into : list of Patches
        Receives the patches of each slide, in the order of the seeds.
    workers : int
        Processes that draw at the same time; the patches do not depend on it.

    Yields
    ------
    Progress
        After each slide.
    """
    one = partial(_draw_slide, drawing)
    total = len(drawing.seeds)
    if workers == 1:
        for done, seed in enumerate(drawing.seeds, 1):
            into.append(one(seed))
            yield Progress(done, total)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done, patches in enumerate(pool.map(one, drawing.seeds), 1):
            into.append(patches)
            yield Progress(done, total)


def draw_all(drawing: Drawing) -> Patches:
    """Draw patches and put them together."""
    parts: list[Patches] = []
    for _ in draw(drawing, parts):
        pass
    return join(parts)


def join(parts: Sequence[Patches]) -> Patches:
    """Put sets of patches together."""
    return Patches(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.nuclei for part in parts]),
        np.concatenate([part.seeds for part in parts]),
    )


def _draw_slide(drawing: Drawing, seed: int) -> Patches:
    return sample_patches(
        [seed],
        drawing.per_class,
        patch_px=drawing.patch_px,
        mpp=drawing.mpp,
        purity=drawing.purity,
        setting=drawing.setting,
        random_state=drawing.random_state,
    )
