"""Similarity and clusters on the slide, and the frame around a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from napari.layers import Image, Layer, Shapes

from napari_histossl.classes import ClassTable
from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import LIT, mask_layer
from napari_histossl.panels.similar import PatchPicture
from napari_histossl.store import Pyramid
from napari_histossl.widgets._shown import ShownSlide
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

HEAT, CLUSTERS, FRAME = "looks like this", "clusters", "result"
"""Names and kinds of layers."""

_COLOUR, _WIDTH_PX = "#00e5ff", 3.0
"""Of the frame; width in screen pixels."""

_SHARE = 0.25
"""Of the canvas that a result takes when it is gone to."""


class SimilarLayer:
    """What is shown on the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    @property
    def heat(self) -> Image | None:
        """The layer of similarity on the slide in view, if it is there."""
        return self._find(HEAT)

    def show_heat(self, picture: PatchPicture) -> None:
        """Show how similar every patch is."""
        shown, heat = self._bench.shown, self.heat
        if shown is None:
            return
        if heat is not None and heat.data.shape == picture.values.shape:
            heat.data = picture.values
        else:
            self._remove(HEAT)
            self._bench.hide("overlay", "tissue", CLUSTERS)
            heat = self._add_heat(shown, picture)
        heat.contrast_limits_range = (-1, 1)
        heat.contrast_limits = picture.limits
        heat.visible = True

    def set_heat_visible(self, visible: bool) -> None:
        """Show similarity, or the tissue below it."""
        heat = self.heat
        if heat is not None:
            heat.visible = visible

    def show_clusters(self, path: Path) -> ClassTable | None:
        """Show labels of clusters in place of similarity; return what they mean.

        Raises
        ------
        StoreError
            If they cannot be read.
        """
        shown = self._bench.shown
        if shown is None:
            return None
        with Pyramid.open(path) as pyramid:
            _, options, kind = mask_layer(pyramid, shown.slide)
            labels, classes = pyramid.read(pyramid.levels[0].box), pyramid.classes
        options["multiscale"] = False  # a pixel a patch: it is small
        options["metadata"][METADATA_KEY]["kind"] = CLUSTERS
        self._bench.hide("overlay", "tissue", HEAT)
        layer = self._bench.add_layer((labels, options, kind))
        layer.editable = False
        self._back_to_slide(shown)
        return classes

    def remove_clusters(self, path: Path) -> None:
        """Take labels off that are about to be written anew."""
        for layer in list(self._bench.viewer.layers):
            if layer.metadata.get(METADATA_KEY, {}).get("path") == str(path):
                self._bench.viewer.layers.remove(layer)

    def go_to(self, box_px0: Box) -> None:
        """Bring a patch into the middle of the canvas, with a frame around it."""
        shown = self._bench.shown
        if shown is None:
            return
        scene, canvas = self._bench.viewer.scene, self._bench.viewer.canvas
        edge = box_px0.height * shown.pixel_um_yx[0]
        middle = np.array([box_px0.y, box_px0.x]) + box_px0.height / 2 - 0.5
        scene.camera.zoom = min(canvas.size) * _SHARE / edge
        scene.camera.center = tuple(shown.layer.data_to_world(middle))
        self._frame(shown, box_px0)

    def clear(self) -> None:
        """Take similarity and frame off."""
        self._remove(HEAT)
        self._remove(FRAME)

    # ---- Details

    def _find(self, kind: str) -> Layer | None:
        for layer in self._bench.layers_of_slide():
            if layer.metadata[METADATA_KEY].get("kind") == kind:
                return layer
        return None

    def _remove(self, kind: str) -> None:
        layer = self._find(kind)
        if layer is not None:
            self._bench.viewer.layers.remove(layer)

    def _add_heat(self, shown: ShownSlide, picture: PatchPicture) -> Image:
        px0_um = np.array(shown.pixel_um_yx)
        pixel_um = picture.pixel_px0 * px0_um
        options = {
            "name": HEAT,
            "scale": tuple(pixel_um),
            # the centre of the slide's first pixel is the origin of the world
            "translate": tuple(
                np.array(picture.origin_px0) * px0_um + (pixel_um - px0_um) / 2
            ),
            "units": tuple(shown.layer.units[-2:]),
            "colormap": LIT,
            "opacity": 0.9,
            "interpolation2d": "nearest",
            "metadata": {METADATA_KEY: {"kind": HEAT, "source": shown.source}},
        }
        heat: Image = self._bench.add_layer((picture.values, options, "image"))
        heat.colorbar.visible = True
        self._back_to_slide(shown)
        return heat

    def _frame(self, shown: ShownSlide, box_px0: Box) -> None:
        self._remove(FRAME)
        y0, x0 = box_px0.y - 0.5, box_px0.x - 0.5
        y1, x1 = y0 + box_px0.height, x0 + box_px0.width
        width = _WIDTH_PX / self._bench.viewer.scene.camera.zoom / shown.pixel_um_yx[0]
        layer = Shapes(
            [np.array([(y0, x0), (y0, x1), (y1, x1), (y1, x0)])],
            shape_type="polygon",
            name=FRAME,
            edge_color=_COLOUR,
            face_color="transparent",
            edge_width=width,
            opacity=1.0,
            scale=shown.pixel_um_yx,
            units=tuple(shown.layer.units[-2:]),
            metadata={METADATA_KEY: {"kind": FRAME, "source": shown.source}},
        )
        self._bench.viewer.add_layer(layer)
        self._back_to_slide(shown)

    def _back_to_slide(self, shown: ShownSlide) -> None:
        self._bench.viewer.layers.selection.active = shown.layer
