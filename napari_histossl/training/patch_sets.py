"""Sets of patches to learn a segmentation from: what they offer, how to open them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.training.folder_sets import STRETCHED, open_folders
from napari_histossl.training.masked_slides import SlideSet, own_slides, panda_slides
from napari_histossl.training.named_labels import PUBLISHED, TRUE_MASKS, open_named
from napari_histossl.training.patch_files import PatchFiles
from napari_histossl.training.set_description import DESCRIPTION, read_description
from napari_histossl.training.set_layouts import find_layout
from napari_histossl.training.slide_sets import PATCHES, CutPatches
from napari_histossl.training.table_sets import open_table
from napari_histossl.training.tile_grid import TilePlan

Split = Literal["train", "train_masks", "val", "test"]
"""Parts of a set; patients are in one of them only. ``"train_masks"`` is train with its
true masks, where a set keeps them apart: what full supervision learns from."""

Layout = Literal[
    "auto",
    "luad",
    "bcss",
    "drawn",
    "folders",
    "table",
    "panda",
    "radboud",
    "karolinska",
    "slides",
]
"""Ways in which sets lie on disk; ``"auto"`` looks at the files. ``"radboud"`` and
``"karolinska"`` take the slides of PANDA from one hospital."""

SLIDE_LAYOUTS = ("panda", "radboud", "karolinska", "slides")
"""Those whose patches are cut from slides."""

_NAMED = ("luad", "bcss", "drawn")


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
    path: str | Path,
    layout: Layout = "auto",
    split: Split = "train",
    *,
    plan: TilePlan = PATCHES,
) -> PatchSet:
    """Open one part of a set of patches.

    Parameters
    ----------
    path : str or Path
        Its folder.
    layout : str
        How it lies on disk, one of `Layout`.

        * ``luad``, ``bcss``, ``drawn``: labels in file names, see `named_labels`; the
          last says in ``data.json`` what it is.
        * ``folders``: img_dir and ann_dir, see `folder_sets`.
        * ``table``: labels.csv, see `table_sets`.
        * ``panda``, ``radboud``, ``karolinska``, ``slides``: patches that are cut
          from slides with masks, see `masked_slides`.
    split : {"train", "train_masks", "val", "test"}
        Which part.
    plan : TilePlan
        What is cut from slides; patches in files have their size already.

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
    found = find_layout(root) if layout == "auto" else layout
    if split == TRUE_MASKS and found not in _NAMED:
        return open_patch_set(root, layout, "train", plan=plan)
    if found in SLIDE_LAYOUTS:
        return CutPatches(slides_of(root, found), split, plan)
    return _open_files(root, found, split)


def slides_of(root: Path, layout: str) -> SlideSet:
    """Return the slides of a set whose patches are cut from slides.

    Parameters
    ----------
    root : Path
        Its folder.
    layout : {"panda", "radboud", "karolinska", "slides"}
        How it lies on disk.

    Raises
    ------
    DataSetError
        If it is a set of another kind, or slides do not belong together.
    """
    if layout not in SLIDE_LAYOUTS:
        raise DataSetError(
            f"{root} is a set of pictures ({layout}); expected slides with masks, "
            f"PANDA's or made here"
        )
    if layout == "slides":
        return own_slides(root)
    return panda_slides(root, None if layout == "panda" else layout)


def _open_files(root: Path, layout: str, split: str) -> PatchFiles:
    own = read_description(root)
    if layout == "folders":
        return open_folders(root, split, own or STRETCHED)
    if layout == "table":
        return open_table(root, split, own)
    if layout in PUBLISHED:
        return open_named(root, split, PUBLISHED[layout])
    if own is None:
        raise DataSetError(
            f"{root} has no {DESCRIPTION}, which says what the labels of a drawn set "
            f"mean; for a published one say luad or bcss"
        )
    return open_named(root, split, own)
