"""A proposal on the slide, below the mask, while it is taken from."""

from __future__ import annotations

from pathlib import Path

from napari.layers import Layer

from napari_histossl.errors import StoreError
from napari_histossl.napari_io import layers as layer_tuples
from napari_histossl.store import Pyramid
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

_KIND = "proposal"

_OPACITY = 0.3
"""Fainter than the mask, which is what counts."""


class ProposalLayer:
    """Shows labels that can be taken, or lets the layer be seen that shows them.

    Parameters
    ----------
    bench : Workbench
        Whose viewer it is shown in.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._layer: Layer | None = None
        self._was_hidden = False

    def show(self, path: Path, below: Layer) -> None:
        """Show a proposal below the layer of the mask, which stays selected."""
        if self._path() == str(path):
            return
        self.hide()
        found = [layer for layer in self._bench.viewer.layers if _shows(layer, path)]
        self._layer = found[0] if found else self._added(path, below)
        if self._layer is not None:
            self._was_hidden = not self._layer.visible
            self._layer.visible = True

    def hide(self) -> None:
        """Leave the window as it was before."""
        layer, self._layer = self._layer, None
        layers = self._bench.viewer.layers
        if layer is None or layer not in layers or self._bench.closed:
            return
        if layer.metadata[METADATA_KEY]["kind"] == _KIND:
            layers.remove(layer)
        elif self._was_hidden:
            layer.visible = False

    def _path(self) -> str:
        layer = self._layer
        is_there = layer is not None and layer in self._bench.viewer.layers
        return str(layer.metadata[METADATA_KEY]["path"]) if layer and is_there else ""

    def _added(self, path: Path, below: Layer) -> Layer | None:
        """Add labels; overlays of values are shown on the Overlays page."""
        shown, layers = self._bench.shown, self._bench.viewer.layers
        if shown is None or below not in layers:
            return None
        try:
            pyramid = Pyramid.open(path)
        except StoreError:  # taking from it says why
            return None
        if not pyramid.is_label:
            return None
        data, options, kind = layer_tuples.mask_layer(pyramid, shown.slide)
        options["name"] = f"proposal: {options['name']}"
        options["opacity"] = _OPACITY
        options["metadata"][METADATA_KEY]["kind"] = _KIND
        active = layers.selection.active
        made = Layer.create(data, options, kind)
        layers.insert(layers.index(below), made)
        layers.selection.active = active
        return made


def _shows(layer: Layer, path: Path) -> bool:
    return layer.metadata.get(METADATA_KEY, {}).get("path") == str(path)
