"""Folders of pseudo-masks, named as published.

``PM_b4_5``, ``PM_b5_2`` and ``PM_bn7``, in each a palette PNG of the name of its patch;
``pseudo_masks.json`` beside them says what made them.

References
----------
ChuHan89/WSSS-Tissue tool/infer_fun.py: names of the folders and the kind of file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import DataSetError
from napari_histossl.store.masks import read_mask_png, write_values_png
from napari_histossl.store.whole import written_whole
from napari_histossl.training.patch_items import ReadMask
from napari_histossl.training.patch_sets import PatchSet

_RECORD = "pseudo_masks.json"


class PseudoMasks:
    """A folder with pseudo-masks of several layers.

    Parameters
    ----------
    folder : str or Path
        The folder; it need not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def path(self, layer: str, name: str) -> Path:
        """Return the file of a patch."""
        return self.folder / f"PM_{layer}" / f"{Path(name).stem}.png"

    def begin(self, layers: Sequence[str], facts: Mapping[str, Any]) -> None:
        """Make the folders and write down what makes the masks.

        Raises
        ------
        DataSetError
            If masks that something else made are there.
        """
        for layer in layers:
            (self.folder / f"PM_{layer}").mkdir(parents=True, exist_ok=True)
        record = self.folder / _RECORD
        told = json.dumps(dict(facts), indent=1)
        if record.exists() and record.read_text(encoding="utf-8") != told:
            raise DataSetError(
                f"{self.folder} holds pseudo-masks of other weights, layers or rules; "
                f"choose another folder, or replace them with --overwrite"
            )
        with written_whole(record) as temporary:
            temporary.write_text(told, encoding="utf-8")

    def clear(self) -> None:
        """Forget what made the masks, so that all are made anew."""
        for path in self.folder.glob("PM_*/*.png"):
            path.unlink()
        (self.folder / _RECORD).unlink(missing_ok=True)

    def facts(self) -> dict[str, Any]:
        """Return what made the masks; empty where nothing says so."""
        record = self.folder / _RECORD
        if not record.exists():
            return {}
        return dict(json.loads(record.read_text(encoding="utf-8")))

    def has(self, name: str, layers: Sequence[str]) -> bool:
        """Whether all layers of a patch are there."""
        return all(self.path(layer, name).exists() for layer in layers)

    def write(
        self, layer: str, name: str, mask: NDArray[np.uint8], patches: PatchSet
    ) -> None:
        """Write the mask of a patch, (H, W), in the colours of its set."""
        write_values_png(
            self.path(layer, name), mask, patches.classes, patches.exclude_index
        )

    def reader(self, patches: PatchSet, layer: str) -> ReadMask:
        """Return what reads the masks of a layer.

        Raises
        ------
        DataSetError
            If a patch has none.
        """
        missing = [n for n in patches.names if not self.path(layer, n).exists()]
        if missing:
            raise DataSetError(
                f"{self.folder} has no pseudo-mask of layer {layer} for "
                f"{len(missing)} of {len(patches)} patches, the first {missing[0]}; "
                f"make them with `napari-histossl pseudo-masks`"
            )

        def read(index: int) -> NDArray[np.uint8]:
            path = self.path(layer, patches.names[index])
            mask = read_mask_png(path)
            known = (mask < len(patches.classes)) | (mask == patches.exclude_index)
            if not known.all():
                raise DataSetError(
                    f"{path} holds the value {int(mask[~known].flat[0])}, which is no "
                    f"class of this set; make the pseudo-masks anew"
                )
            return mask

        return read
