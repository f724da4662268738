"""Patches at the magnification that a model reads: averaged over squares of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.training.patch_items import ReadMask
from napari_histossl.training.patch_sets import PatchSet

_NEARLY = 0.1
"""How far a factor may be from a whole number, as a share of it."""


class Shrunk:
    """A set of patches with fewer pixels.

    Parameters
    ----------
    patches : PatchSet
        The set.
    factor : int
        Edge of the squares of pixels of which one is made; what is left over at the
        end of a row or column is cut off.

    Raises
    ------
    PlanError
        If it is not known how large a pixel is.
    """

    def __init__(self, patches: PatchSet, factor: int) -> None:
        self._patches, self._factor = patches, factor
        self.classes: ClassTable = patches.classes
        self.names, self.groups = patches.names, patches.groups
        self.labels, self.exclude_index = patches.labels, patches.exclude_index
        if patches.mpp is None:
            raise PlanError(
                "patches of unknown scale cannot be shrunk, as nobody could say what "
                "the model reads; give their micrometres per pixel"
            )
        self.mpp: float | None = patches.mpp * factor

    def __len__(self) -> int:
        return len(self._patches)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return a patch, (H / factor, W / factor, 3) of dtype uint8."""
        pixels = self._patches.image(index)
        height, width = (edge // self._factor for edge in pixels.shape[:2])
        even = pixels[: height * self._factor, : width * self._factor]
        blocks = even.reshape(height, self._factor, width, self._factor, 3)
        return np.asarray(np.rint(blocks.mean((1, 3))).astype(np.uint8))

    def mask(self, index: int) -> NDArray[np.uint8] | None:
        """Return the class in the middle of each square."""
        mask = self._patches.mask(index)
        return None if mask is None else _middles(mask, self._factor)


def thinned(read: ReadMask, factor: int) -> ReadMask:
    """Return what reads the class in the middle of each square of a mask."""
    return lambda index: _middles(read(index), factor)


def _middles(mask: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    height, width = (edge // factor for edge in mask.shape)
    return mask[factor // 2 :: factor, factor // 2 :: factor][:height, :width]


def shrunk(patches: PatchSet, factor: int) -> PatchSet:
    """Return a set whose patches have ``1 / factor`` of the edges."""
    return patches if factor == 1 else Shrunk(patches, factor)


def at_scale(patches: PatchSet, mpp: float | None) -> PatchSet:
    """Return a set at the magnification of a model.

    Parameters
    ----------
    patches : PatchSet
        The set.
    mpp : float or None
        Micrometres per pixel that the model reads. The patches are taken as they are
        where it, or their own, is not known.

    Raises
    ------
    PlanError
        If the patches are coarser, or not finer by about a whole number.
    """
    if mpp is None or patches.mpp is None:
        return patches
    exact = mpp / patches.mpp
    factor = round(exact)
    if factor < 1 or abs(exact - factor) > _NEARLY * factor:
        raise PlanError(
            f"the model reads {mpp:g} um/px, which cannot be made of patches with "
            f"{patches.mpp:g} um/px; give patches that are finer by a whole number"
        )
    return shrunk(patches, factor)
