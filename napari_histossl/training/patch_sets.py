"""Sets of patches to learn a segmentation from: what they offer, how to open them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.training.named_labels import find_named, open_named

Split = Literal["train", "train_masks", "val", "test"]
"""Parts of a set; patients are in one of them only. ``"train_masks"`` is train with its
true masks, where a set has them: what full supervision learns from."""

Layout = Literal["auto", "luad", "bcss"]
"""Ways in which sets lie on disk; ``"auto"`` looks at the files."""


class PatchSet(Protocol):
    """Pictures with patch labels, with masks, or with both.

    Classes count from 0 in `labels` and in masks, as the published sets have them, and
    from 1 in a `ClassTable`, where 0 means unlabelled: value v of a mask and column v
    of `labels` are ``classes[v + 1]``, for v from 0 to ``len(classes) - 1``.
    """

    @property
    def classes(self) -> ClassTable:
        """The classes, index 1 to n without a gap, in the order of the columns."""

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each patch."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Slide or patient of each patch."""

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Which classes each patch holds, (N, n) of 0 and 1."""

    @property
    def mpp(self) -> float | None:
        """Micrometres per pixel, if known."""

    @property
    def exclude_index(self) -> int:
        """Value of pixels of masks that are no class and count nowhere; not below n."""

    def __len__(self) -> int:
        """Return the number of patches."""

    def image(self, index: int, /) -> NDArray[np.uint8]:
        """Return a patch, (H, W, 3) of dtype uint8."""

    def mask(self, index: int, /) -> NDArray[np.uint8] | None:
        """Return its classes, (H, W) of 0 to n - 1 and `exclude_index`, or None."""


def open_patch_set(
    path: str | Path, layout: Layout = "auto", split: Split = "train"
) -> PatchSet:
    """Open one part of a set of patches.

    Parameters
    ----------
    path : str or Path
        Its folder.
    layout : {"auto", "luad", "bcss"}
        How it lies on disk. A folder with ``data.json``, as this package writes it,
        says so itself.
    split : {"train", "train_masks", "val", "test"}
        Which part.

    Raises
    ------
    DataSetError
        If there is no such folder, its layout is not known, or the part is empty.
    """
    root = Path(path)
    if not root.is_dir():
        raise DataSetError(f"there is no folder {root} with patches")
    if layout not in get_args(Layout) or split not in get_args(Split):
        raise DataSetError(
            f"patches lie as {', '.join(get_args(Layout))} in the parts "
            f"{', '.join(get_args(Split))}; got {layout!r} and {split!r}"
        )
    return open_named(root, split, find_named(root) if layout == "auto" else layout)
