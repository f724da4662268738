"""How wide the brush is: a slider, and whether it follows the zoom."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSlider, QVBoxLayout, QWidget

from napari_histossl.panels.brush_size import LARGEST, BrushSize
from napari_histossl.widgets._form import combo, note, row
from napari_histossl.widgets._key_table import LARGER, SMALLER
from napari_histossl.widgets._workbench import Workbench

_STEPS = 200
"""Positions of the slider, which goes by ratios: 1 to `LARGEST`."""


class SizeControl(QWidget):
    """Keeps a size and sets napari's brush by it, whatever the zoom.

    Parameters
    ----------
    bench : Workbench
        Whose zoom is followed.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._layer: Any = None
        self._is_setting = False
        self.size = BrushSize()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _STEPS)
        self._slider.setToolTip(f"Also with the keys {SMALLER.name} and {LARGER.name}")
        self._slider.valueChanged.connect(self._on_slider)
        self._unit = combo()
        self._unit.addItem("on screen", "screen")
        self._unit.addItem("on glass", "um")
        self._unit.setToolTip(
            "On screen: as wide at every zoom. On glass: as many micrometres."
        )
        self._unit.currentIndexChanged.connect(self._on_unit)
        self._words = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        line = row(self._slider, self._unit)
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(self._words)
        bench.viewer.scene.camera.events.zoom.connect(self._apply)
        self._show()

    def follow(self, layer: Any) -> None:
        """Set the brush of another layer, or of none."""
        if self._layer is not None:
            self._layer.events.brush_size.disconnect(self._on_brush_size)
        self._layer = layer
        if layer is not None:
            layer.events.brush_size.connect(self._on_brush_size)
        self._apply()

    def set_size(self, size: BrushSize) -> None:
        """Take another size."""
        self.size = size
        self._apply()

    def step(self, steps: int) -> None:
        """Take the next larger size, or with -1 the next smaller one."""
        self.set_size(self.size.stepped(steps))

    @property
    def _zoom(self) -> float:
        return float(self._bench.viewer.scene.camera.zoom)

    @property
    def _pixel_um(self) -> float:
        return float(self._layer.scale[-1])

    def _apply(self, _event: Any = None) -> None:
        if self._bench.closed:
            return
        if self._layer is not None:
            self._is_setting = True
            self._layer.brush_size = self.size.px0(self._zoom, self._pixel_um)
            self._is_setting = False
        self._show()

    def _on_brush_size(self, _event: Any = None) -> None:
        """Somebody set napari's own: keep that."""
        if not self._is_setting:
            px0 = float(self._layer.brush_size)
            self.size = self.size.measured(px0, self._zoom, self._pixel_um)
            self._show()

    def _on_slider(self, place: int) -> None:
        diameter = LARGEST ** (place / _STEPS)
        self.set_size(BrushSize(round(diameter), self.size.unit))

    def _on_unit(self, _index: int) -> None:
        self.set_size(self.size.in_unit(self._unit.currentData(), self._zoom))

    def _show(self) -> None:
        place = round(_STEPS * math.log(self.size.diameter) / math.log(LARGEST))
        for widget in (self._slider, self._unit):
            widget.blockSignals(True)
        self._slider.setValue(place)
        self._unit.setCurrentIndex(self._unit.findData(self.size.unit))
        for widget in (self._slider, self._unit):
            widget.blockSignals(False)
        um = self.size.um(self._zoom)
        shown = self._bench.shown
        unit = "px of the slide" if shown and shown.slide.mpp_yx is None else "µm"
        screen_px = um * self._zoom
        self._words.setText(
            f"{screen_px:,.0f} px on the screen, {_readable(um)} {unit} now"
        )


def _readable(value: float) -> str:
    """Return a number with three digits, or all of a larger one."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
