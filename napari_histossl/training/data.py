"""Patches of drawn tissue, to learn from and to be judged on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PatchSet:
    """Pictures with their truth.

    Attributes
    ----------
    images : ndarray of shape (N, P, P, 3) and dtype uint8
        RGB.
    labels : ndarray of shape (N,)
        Class of each picture, an index of the default classes.
    nuclei : ndarray of shape (N, P, P) and dtype bool
        True inside nuclei.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]
    nuclei: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)


def draw_patches(
    seeds: Iterable[int],
    count: int,
    *,
    patch_px: int,
    mpp: float = 0.5,
    purity: float = 0.0,
    rng_seed: int = 0,
) -> PatchSet:
    """Draw labelled patches, as many of each class, from slides of several seeds.

    Parameters
    ----------
    seeds : iterable of int
        Seeds of the slides.
    count : int
        Patches in all.
    patch_px : int
        Edge of a patch in pixels.
    mpp : float
        Micrometres per pixel.
    purity : float
        Least share of a patch that its class covers, 0 to 1.
    rng_seed : int
        Decides where the patches lie.
    """
    from napari_histossl.phantom.patches import sample_patches

    return PatchSet(
        *sample_patches(
            tuple(seeds), count, patch_px, mpp, purity=purity, rng_seed=rng_seed
        )
    )
