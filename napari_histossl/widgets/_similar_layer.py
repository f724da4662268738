"""Similarity on the slide, and the frame around a result."""

from __future__ import annotations

import numpy as np
from napari.layers import Image, Layer, Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import LIT
from napari_histossl.panels.similar import PatchPicture
from napari_histossl.widgets._shown import ShownSlide
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

HEAT, FRAME = "looks like this", "result"
"""Names and kinds of layers."""

_COLOUR, _WIDTH_PX = "#00e5ff", 3.0
"""Of the frame; width in screen pixels."""

_SHARE = 0.25
"""Of the canvas that a result takes when it is gone to."""


class SimilarLayer(QObject):
    """What is shown on the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    heat_seen : Signal of bool
        Similarity is shown from now on, or hidden, by whomever.
    """

    heat_seen = Signal(bool)

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._covered: list[Layer] = []

    @property
    def heat(self) -> Image | None:
        """The layer of similarity on the slide in view, if it is there."""
        layer: Image | None = self._bench.layer_of_kind(HEAT)
        return layer

    def show_heat(self, picture: PatchPicture, *, visible: bool = True) -> None:
        """Show how similar every patch is, or have it ready to be shown."""
        shown, heat = self._bench.shown, self.heat
        if shown is None:
            return
        if heat is not None and heat.data.shape == picture.values.shape:
            heat.data = picture.values
        else:
            self._remove(HEAT)
            heat = self._add_heat(shown, picture)
        heat.contrast_limits_range = (-1, 1)
        heat.contrast_limits = picture.limits
        self.set_heat_visible(visible)

    def table(self) -> NDArray[np.float32]:
        """Return the colours of similarity, (256, 4) from 0 to 1."""
        heat = self.heat
        steps = np.linspace(0, 1, 256)
        colours = np.zeros((256, 4)) if heat is None else heat.colormap.map(steps)
        return np.asarray(colours, np.float32)

    def set_heat_visible(self, visible: bool) -> None:
        """Show similarity, or the tissue below it."""
        heat = self.heat
        if heat is None:
            return
        if visible:
            self._covered += self._bench.hide("overlay", "classes", "tissue")
        heat.visible = visible

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
        """Take similarity and frame off; what it covered is seen again."""
        self._remove(HEAT)
        self._remove(FRAME)
        covered, self._covered = self._covered, []
        for layer in covered:
            if layer in self._bench.viewer.layers:
                layer.visible = True

    # ---- Details

    def _remove(self, kind: str) -> None:
        layer = self._bench.layer_of_kind(kind)
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
            "visible": False,
            "interpolation2d": "nearest",
            "metadata": {METADATA_KEY: {"kind": HEAT, "source": shown.source}},
        }
        heat: Image = self._bench.add_layer((picture.values, options, "image"))
        heat.colorbar.visible = True
        heat.events.visible.connect(lambda _event: self.heat_seen.emit(heat.visible))
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
