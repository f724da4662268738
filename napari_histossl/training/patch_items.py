"""Patches with their masks, as a training takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import DataSetError
from napari_histossl.training.patch_sets import PatchSet

ReadMask = Callable[[int], NDArray[np.uint8]]
"""Number of a patch to a mask of its size, (H, W) of dtype uint8."""


class PatchItems:
    """Pictures, and masks as further channels, as if they were an array.

    Parameters
    ----------
    patches : PatchSet
        Where they are from.
    masks : sequence of callable
        Each gives one mask of a patch.

    Attributes
    ----------
    shape : tuple of int
        (N, H, W, 3 + number of masks).

    Raises
    ------
    DataSetError
        If there are no patches.
    """

    def __init__(self, patches: PatchSet, masks: Sequence[ReadMask] = ()) -> None:
        if not len(patches):
            raise DataSetError(
                "there are no patches to learn from; check the folder and the split"
            )
        self._patches, self._masks = patches, tuple(masks)
        height, width = patches.image(0).shape[:2]
        self.shape = (len(patches), height, width, 3 + len(self._masks))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Any) -> NDArray[np.uint8]:
        """Return the patches at indices, (n, H, W, 3 + masks) of dtype uint8.

        Raises
        ------
        SlideOpenError, StoreError
            If a file cannot be read.
        DataSetError
            If a patch has another size than the first one, or than its mask.
        """
        wanted = np.atleast_1d(np.arange(len(self))[indices])
        return np.stack([self._read(index) for index in wanted.tolist()])

    def _read(self, index: int) -> NDArray[np.uint8]:
        image = self._patches.image(index)
        masks = [read(index)[..., None] for read in self._masks]
        for part in (image, *masks):
            if part.shape[:2] != self.shape[1:3]:
                raise DataSetError(
                    f"{self._patches.names[index]} or its mask has "
                    f"{part.shape[0]} x {part.shape[1]} px, the first patch "
                    f"{self.shape[1]} x {self.shape[2]}; patches and masks of one "
                    f"training have one size"
                )
        return np.concatenate([image, *masks], -1)


def true_mask(patches: PatchSet) -> ReadMask:
    """Return what reads the true mask of a patch; it refuses a patch without one."""

    def read(index: int) -> NDArray[np.uint8]:
        mask = patches.mask(index)
        if mask is None:
            raise DataSetError(
                f"{patches.names[index]} has no true mask; learn from pseudo-masks, or "
                f"add masks"
            )
        return mask

    return read


def refuse_missing_class(patches: PatchSet) -> None:
    """Refuse a set in which a class never occurs: it could not be learned.

    Raises
    ------
    DataSetError
        If there is such a class.
    """
    counts = patches.labels.sum(0, dtype=np.int64).tolist()
    named = zip(patches.classes, counts, strict=True)
    missing = [info.name for info, count in named if not count]
    if missing:
        raise DataSetError(
            f"none of {len(patches)} patches holds {' or '.join(missing)}; add such "
            f"patches, or take the class out of the set"
        )
