"""The tissue layer: found in the worker, corrected by brush, saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from napari.layers import Labels

from napari_histossl.classes import TISSUE_CLASSES
from napari_histossl.napari_io.layers import tissue_layer
from napari_histossl.panels.tissue import (
    find_and_save,
    load_tissue,
    save_tissue,
    tissue_path,
)
from napari_histossl.slide import TissueMap
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench


class TissueLayer:
    """The tissue of the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    @property
    def path(self) -> Path | None:
        """Where the tissue of the slide in view is, or will be, saved."""
        shown = self.bench.shown
        return None if shown is None else tissue_path(shown.folder)

    @property
    def layer(self) -> Labels | None:
        """The layer that shows it, if there is one."""
        for layer in self.bench.viewer.layers:
            facts = layer.metadata.get(METADATA_KEY, {})
            if facts.get("kind") == "tissue" and facts.get("path") == str(self.path):
                return layer
        return None

    @property
    def is_shown(self) -> bool:
        """Whether the tissue of the slide in view is a layer now."""
        return self.layer is not None

    @property
    def is_saved(self) -> bool:
        """Whether there is a saved tissue map for the slide in view."""
        return self.path is not None and self.path.exists()

    def sentence(self) -> str:
        """Return what is known, in a sentence for people."""
        layer = self.layer
        if self.bench.shown is None:
            return "–"
        if layer is None:
            return "Saved; press Show." if self.is_saved else "Not looked for yet."
        share = float((np.asarray(layer.data) == 1).mean())
        return (
            f"{share:.0%} of the slide is tissue. Correct it by brush on the layer "
            f"“tissue”; runs use what is saved."
        )

    def find(self, on_done: Callable[[bool], object]) -> bool:
        """Find and save the tissue in the worker; return whether it was started."""
        shown, path = self.bench.shown, self.path
        if shown is None or path is None:
            return False
        return self.bench.run(on_done, find_and_save, shown.source, path)

    def show(self) -> None:
        """Show the saved tissue.

        Raises
        ------
        StoreError
            If it cannot be read or belongs to another slide.
        """
        shown, path = self.bench.shown, self.path
        if shown is None or path is None:
            return
        tissue = load_tissue(path, shown.slide)
        self.bench.add_layer(
            tissue_layer(
                tissue.labels, tissue.downsample, TISSUE_CLASSES, shown.slide, path
            )
        )
        self.bench.viewer.layers.selection.active = shown.layer

    def save(self) -> None:
        """Save the layer as it is.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        shown, path, layer = self.bench.shown, self.path, self.layer
        if shown is None or path is None or layer is None:
            return
        labels = np.asarray(layer.data).astype(np.uint8)
        downsample = float(layer.scale[0]) / shown.pixel_um_yx[0]
        save_tissue(path, TissueMap(labels, downsample), shown.slide, corrected=True)
