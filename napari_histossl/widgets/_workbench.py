"""What the pages of one viewer share: the slide in view, its results, the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari.layers
import numpy as np
from napari.layers import Layer
from qtpy.compat import isalive
from qtpy.QtCore import Signal

from napari_histossl.errors import HistoSSLError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.napari_io import layers as layer_tuples
from napari_histossl.slide import FileSource, Slide, ZarrSource, open_slide
from napari_histossl.slide.base import SlideSource
from napari_histossl.store import paths
from napari_histossl.widgets._bench_runs import BenchRuns
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._opening import make_overview
from napari_histossl.widgets._rotation import Rotation
from napari_histossl.widgets._shown import METADATA_KEY, ShownSlide
from napari_histossl.widgets.canvas import install_canvas

__all__ = ["METADATA_KEY", "ShownSlide", "Workbench", "is_slide"]

_WORKSPACE = "histossl-results"
"""Folder for results of slides on the web, where no other was chosen."""


class Workbench(BenchRuns):
    """The slide in view and the one run that may be going on.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer whose layers are watched.
    workspace : Path, optional
        Folder for results; beside the slide where None.

    Attributes
    ----------
    slide_changed : Signal
        Another slide, or none, is in view.
    slide_renamed : Signal
        The slide in view is called by another name.
    closing : Signal
        The viewer or the dock is closing.
    pointer_taken : Signal of object
        Clicks on the slide mean something to that from now on; others let go.
    """

    slide_changed = Signal()
    slide_renamed = Signal()
    closing = Signal()
    pointer_taken = Signal(object)

    def __init__(self, viewer: Any, workspace: Path | None = None) -> None:
        super().__init__()
        self.viewer = viewer
        self.workspace = workspace
        self.shown: ShownSlide | None = None
        self.closed = False
        self.canvas = install_canvas()
        viewer.layers.events.inserted.connect(self._look_again)
        viewer.layers.events.removed.connect(self._look_again)
        viewer.layers.selection.events.active.connect(self._look_again)
        self._look_again()
        self.rotation = Rotation(self)

    # ---- slide

    def open_path(
        self, path: str | Path, mpp: float | None = None, alias: str | None = None
    ) -> bool:
        """Open a slide and show it; an error becomes a notification.

        Returns
        -------
        bool
            Whether it is shown.
        """
        try:
            self.add_slide(open_slide(path, mpp=mpp), alias)
        except HistoSSLError as error:
            show_error(error)
            return False
        return True

    def add_slide(self, slide: Slide, alias: str | None = None) -> Layer:
        """Add the layer of an opened slide, under another name where one is given.

        Raises
        ------
        OpeningStopped
            If its overview takes long and the person did not want to wait.
        SlideReadError
            If the overview cannot be read.
        """
        make_overview(slide, alias or slide.source.name)
        return self.add_layer(layer_tuples.slide_layer(slide, alias=alias))

    def call_slide(self, alias: str | None) -> None:
        """Hide the name of the slide in view behind another, or show it again."""
        if self.shown is not None:
            self.shown.layer.metadata[METADATA_KEY]["alias"] = alias
            self.shown.layer.name = self.shown.name
            self.slide_renamed.emit()

    def show_colours(self, as_scanned: bool) -> None:
        """Show the slide in view with its colour profile, or as it was scanned."""
        shown = self.shown
        if shown is None:
            return
        old, layers = shown.layer, self.viewer.layers
        alias = old.metadata[METADATA_KEY].get("alias")
        slide, tiles = shown.source.open(), old.metadata[METADATA_KEY]["tiles"]
        slide.kept.update(getattr(tiles, "raw", tiles).kept)  # an overview is dear
        data, options, kind = layer_tuples.slide_layer(
            slide, as_scanned=as_scanned, alias=alias
        )
        new = Layer.create(data, options, kind)
        for name in ("visible", "opacity", "blending", "affine", "gamma"):
            setattr(new, name, getattr(old, name))
        was_active = layers.selection.active is old
        shown.layer = new  # the slide stays in view: masks on it stay open
        layers.insert(layers.index(old) + 1, new)
        if was_active:
            layers.selection.active = new
        name = old.name
        layers.remove(old)
        new.name = name  # only now free again

    def add_layer(self, layer_tuple: tuple[Any, dict[str, Any], str]) -> Layer:
        """Add a layer from a plain tuple, in place of one that shows the same thing."""
        data, options, kind = layer_tuple
        mine = options.get("metadata", {}).get(METADATA_KEY, {}).get("path")
        if mine is not None:
            for layer in list(self.viewer.layers):
                if layer.metadata.get(METADATA_KEY, {}).get("path") == mine:
                    self.viewer.layers.remove(layer)
        camera, is_first = self.viewer.scene.camera, not len(self.viewer.layers)
        centre, zoom = camera.center, camera.zoom
        layer = self.viewer.add_layer(Layer.create(data, options, kind))
        if not is_first:  # napari moves the camera when an axis comes in addition
            camera.center, camera.zoom = centre, zoom
        return layer

    def hide(self, *kinds: str) -> list[Layer]:
        """Take layers of ours off what is to be judged; the layer list shows them.

        Returns
        -------
        list of Layer
            Those that were visible before.
        """
        hidden = []
        for layer in self.viewer.layers:
            is_one = layer.metadata.get(METADATA_KEY, {}).get("kind") in kinds
            if is_one and layer.visible:
                layer.visible = False
                hidden.append(layer)
        return hidden

    def set_mpp(self, mpp: float) -> None:
        """Show the slide in view again, in micrometres that the person gave."""
        if self.shown is None:
            return
        layer, source = self.shown.layer, self.shown.source
        if not isinstance(source, FileSource | ZarrSource):
            return
        turns = self.rotation.quarter_turns
        self.viewer.layers.remove(layer)
        place = source.path if isinstance(source, FileSource) else source.address
        self.open_path(place, mpp, layer.metadata[METADATA_KEY].get("alias"))
        self.rotation.turn(turns)
        self.viewer.reset_view()

    def _look_again(self, _event: Any = None) -> None:
        layer = self._slide_layer()
        if (self.shown.layer if self.shown else None) is layer:
            return
        if self.shown is not None:
            self.shown.slide.close()
        self.shown = None if layer is None else self._show(layer)
        self.slide_changed.emit()

    def _show(self, layer: napari.layers.Image) -> ShownSlide:
        slide = layer.metadata[METADATA_KEY]["source"].open()
        return ShownSlide(layer, slide, self._results_folder(slide.source))

    def _results_folder(self, source: SlideSource) -> Path:
        try:
            return paths.results_folder(source, self.workspace)
        except StoreError:  # there is nothing beside which they could lie
            self.workspace = Path.cwd() / _WORKSPACE
            show_info(
                f"Results of slides that are no files go to {self.workspace}; "
                f"--workspace chooses another folder."
            )
            return paths.results_folder(source, self.workspace)

    def _slide_layer(self) -> napari.layers.Image | None:
        """Return the selected slide, else the one shown already, else the topmost."""
        slides = [layer for layer in self.viewer.layers if is_slide(layer)]
        active = self.viewer.layers.selection.active
        if active in slides:
            return active
        if self.shown is not None and self.shown.layer in slides:
            return self.shown.layer
        return slides[-1] if slides else None

    def view_box_px0(self) -> Box | None:
        """Return the part of the slide on the screen, in level-0 pixels."""
        if self.shown is None:
            return None
        return self.shown.box_px0(self.view_corners())

    def view_corners(self) -> list[tuple[float, float]]:
        """Return two opposite corners of the canvas in world units, (row, column)."""
        scene, canvas = self.viewer.scene, self.viewer.canvas
        centre = np.asarray(scene.camera.center[-2:])
        half = np.asarray(canvas.size) / scene.camera.zoom / 2
        return [tuple(centre - half), tuple(centre + half)]

    def layers_of_slide(self) -> list[Layer]:
        """Return the layer of the slide in view and those of ours that lie on it."""
        shown = self.shown
        return [layer for layer in self.viewer.layers if shown and shown.owns(layer)]

    def layer_of_kind(self, kind: str) -> Any:
        """Return the layer of ours of a kind on the slide in view, or None."""
        for layer in self.layers_of_slide():
            if layer.metadata[METADATA_KEY].get("kind") == kind:
                return layer
        return None

    @property
    def hidden_names(self) -> dict[str, str]:
        """What people may not read of the slide in view; see `_masking.masked`."""
        return {} if self.shown is None else self.shown.hidden_names

    def close(self) -> None:
        """Stop the run and let go of the slide; the viewer is closing."""
        if self.closed:
            return
        self.closed = True
        if isalive(self):  # what the window owned may be gone already
            self.closing.emit()
        self.end_runs()
        if self.shown is not None:
            self.shown.slide.close()


def is_slide(layer: Layer) -> bool:
    """Whether a layer shows a slide of ours."""
    return layer.metadata.get(METADATA_KEY, {}).get("kind") == "slide"
