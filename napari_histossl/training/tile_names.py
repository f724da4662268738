"""Where the tiles of a set lie: in two folders, or with their labels in their names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_histossl.training.folder_sets import IMAGES, MASK_ENDING, MASKS
from napari_histossl.training.named_labels import TRUE_MASKS

Naming = Literal["folders", "labels"]
"""``img_dir`` and ``ann_dir``, or ``train/NAME[1001].png`` and ``val/{img,mask}`` as
LUAD-HistoSeg and the patches of BCSS have it, the true masks of train apart."""

_LEAST_SHARE = 0.02
"""A tile is labelled with a class that covers at least this share of it."""


def tile_paths(
    naming: Naming, split: str, name: str, values: NDArray[np.uint8], n_classes: int
) -> tuple[Path, Path]:
    """Return where a tile's picture and its mask lie, in the folder of the set.

    Parameters
    ----------
    naming : {"folders", "labels"}
        Which way.
    split : str
        Part of the set.
    name : str
        Slide and place.
    values : ndarray of shape (H, W) and dtype uint8
        The mask: classes from 0; n_classes is no class.
    n_classes : int
        Number of classes.
    """
    if naming == "folders":
        return Path(IMAGES, split, f"{name}.png"), Path(
            MASKS, split, f"{name}{MASK_ENDING}"
        )
    counts = np.bincount(values.ravel(), minlength=n_classes)[:n_classes]
    held = (counts > 0) & (counts >= _LEAST_SHARE * values.size)
    file = f"{name}[{''.join(str(int(one)) for one in held)}].png"
    if split == "train":
        return Path(split, file), Path(TRUE_MASKS, file)
    return Path(split, "img", file), Path(split, "mask", file)
