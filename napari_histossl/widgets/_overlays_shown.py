"""Which overlay is on the slide, and how: the second section of the Overlays page."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.store import paths
from napari_histossl.widgets._form import button, combo, note, row
from napari_histossl.widgets._head_controls import HeadControls
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_peek import Peek
from napari_histossl.widgets._overlays_run_section import NO_SLIDE
from napari_histossl.widgets._workbench import Workbench


class ShownSection(QWidget):
    """Choose among the overlays of the slide in view, and what of one is seen.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    overlay : OverlayLayer
        Shows what is chosen.
    peek : Peek
        Hides it for a moment.
    """

    def __init__(self, bench: Workbench, overlay: OverlayLayer, peek: Peek) -> None:
        super().__init__()
        self._bench, self._overlay = bench, overlay
        self.known = combo()
        self.known.activated.connect(lambda _index: self._open())
        self.take_off = button(
            "Take off", self._take_off, "The overlay stays with the slide's results"
        )
        self._nothing = note()
        self.controls = HeadControls(overlay, peek)
        line = row(self.known, self.take_off)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(line)
        column.addWidget(self._nothing)
        column.addWidget(self.controls)
        overlay.changed.connect(self.refresh)
        bench.slide_changed.connect(self.refresh)
        bench.run_changed.connect(lambda _running: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """List the overlays of the slide in view."""
        shown, path = self._bench.shown, self._overlay.path
        found = [] if shown is None else paths.list_overlays(shown.folder)
        places: list[Path | None] = list(reversed(found))
        if path not in found:
            places.insert(0, None)
        self.known.clear()
        for one in places:
            words = "none shown: choose one"
            self.known.addItem(
                one.name.removesuffix(".ome.zarr") if one else words, one
            )
        self.known.setCurrentIndex(places.index(path))
        self.known.setVisible(bool(found))
        self.take_off.setVisible(bool(found))
        self.take_off.setEnabled(path is not None)
        words = "No overlay on this slide yet." if shown is not None else NO_SLIDE
        self._nothing.setText(words)
        self._nothing.setVisible(not found)

    def choose(self, path: Path) -> None:
        """Show one of the overlays that are listed."""
        places = [self.known.itemData(i) for i in range(self.known.count())]
        self.known.setCurrentIndex(places.index(path))
        self._open()

    def _open(self) -> None:
        path = self.known.currentData()
        if path is not None and path != self._overlay.path:
            self._overlay.show(path)

    def _take_off(self) -> None:
        layer = self._overlay.layer
        if layer is not None:
            self._bench.viewer.layers.remove(layer)
