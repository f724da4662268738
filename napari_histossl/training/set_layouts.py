"""How a set of patches lies on disk: asked of its folder, or said by a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from napari_histossl.errors import DataSetError
from napari_histossl.slide.panda import is_panda
from napari_histossl.training import folder_sets, table_sets
from napari_histossl.training.masked_slides import has_masks
from napari_histossl.training.named_labels import guess_published
from napari_histossl.training.set_description import read_description

_Sign = Callable[[Path], bool]

SIGNS: MappingProxyType[str, _Sign] = MappingProxyType(
    {
        "drawn": lambda root: _is_named(root) and read_description(root) is not None,
        "luad": lambda root: _is_published(root, "luad"),
        "bcss": lambda root: _is_published(root, "bcss"),
        "folders": lambda root: (root / folder_sets.IMAGES).is_dir(),
        "table": lambda root: (root / table_sets.TABLE).is_file(),
        "panda": is_panda,
        "slides": has_masks,
    }
)
"""By what each layout is known."""


def find_layout(root: Path) -> str:
    """Return the layout of a folder.

    Raises
    ------
    DataSetError
        If none fits, or several do.
    """
    fitting = [name for name, fits in SIGNS.items() if fits(root)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise DataSetError(
            f"{root} could be {' or '.join(fitting)}; say which layout it has"
        )
    raise DataSetError(
        f"{root} is no set of patches that is known here: it has neither train/*.png "
        f"with labels such as [1001] in their names, nor img_dir and ann_dir, nor "
        f"labels.csv, nor PANDA's train.csv and train_images, nor slides with masks "
        f"made here; give the folder that holds them, or say which layout it has"
    )


def _is_named(root: Path) -> bool:
    return guess_published(root) is not None


def _is_published(root: Path, name: str) -> bool:
    return guess_published(root) == name and read_description(root) is None
