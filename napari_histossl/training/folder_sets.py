"""Patches with a mask each, in the folders that mmsegmentation made customary.

``img_dir/{train,val}/<name>.png`` and ``ann_dir/{train,val}/<name>_mask.png``. Without
a description beside the folders the values of the masks are taken for 0 background or
unknown, 127 benign tissue, 255 cancer: PANDA's of Karolinska, stretched to be seen.
"""

from __future__ import annotations

from pathlib import Path

from napari_histossl.classes import KAROLINSKA_CLASSES
from napari_histossl.errors import DataSetError
from napari_histossl.training.patch_files import PatchFiles
from napari_histossl.training.pictures import SUFFIXES
from napari_histossl.training.set_description import SetDescription

IMAGES, MASKS = "img_dir", "ann_dir"
"""Folders of pictures and of masks."""

MASK_ENDING = "_mask.png"
"""How the file name of a mask ends."""

STRETCHED = SetDescription(KAROLINSKA_CLASSES, None, 2, {0: 2, 127: 0, 255: 1})
"""What 0, 127 and 255 are taken for."""


def open_folders(root: Path, split: str, rules: SetDescription) -> PatchFiles:
    """Open one part of such a set.

    Parameters
    ----------
    root : Path
        The folder that holds img_dir and ann_dir.
    split : {"train", "val", "test"}
        Which part.
    rules : SetDescription
        `STRETCHED`, or what the set says of itself.

    Raises
    ------
    DataSetError
        If the part is empty, or a picture has no mask.
    """
    images, masks = find_files(root, split)
    if not images:
        raise DataSetError(f"there are no pictures in {root / IMAGES / split}")
    missing = [path for path in masks if not path.is_file()]
    if missing:
        raise DataSetError(
            f"{len(missing)} of {len(masks)} pictures of {split} have no mask; "
            f"the first that is missing is {missing[0]}"
        )
    return PatchFiles(
        rules.classes,
        images,
        tuple(path.stem.split("_")[0] for path in images),
        masks,
        None,
        rules.mpp,
        rules.exclude_index,
        rules.values,
    )


def find_files(root: Path, split: str) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the pictures of a part, and a mask for each, which may be missing.

    Parameters
    ----------
    root : Path
        The folder that holds img_dir and ann_dir.
    split : {"train", "val", "test"}
        Which part.
    """
    folder = root / IMAGES / split
    there = folder.iterdir() if folder.is_dir() else ()
    images = tuple(sorted(path for path in there if path.suffix.lower() in SUFFIXES))
    return images, tuple(
        root / MASKS / split / f"{path.stem}{MASK_ENDING}" for path in images
    )
