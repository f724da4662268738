"""Which overlay is on the slide, and how: the second section of the Overlays page."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.store import paths
from napari_histossl.widgets._form import button, combo, note, row
from napari_histossl.widgets._head_controls import HeadControls
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_class_controls import ClassControls
from napari_histossl.widgets._overlays_classes import ClassOverlay, is_class_overlay
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
        Shows what is chosen, where that is numbers.
    classes : ClassOverlay
        Shows it where it is classes.
    peek : Peek
        Hides it for a moment.
    """

    def __init__(
        self,
        bench: Workbench,
        overlay: OverlayLayer,
        classes: ClassOverlay,
        peek: Peek,
    ) -> None:
        super().__init__()
        self._bench, self._overlay, self._classes = bench, overlay, classes
        self.known = combo()
        self.known.activated.connect(lambda _index: self._open())
        self.take_off = button(
            "Take off", self._take_off, "The overlay stays with the slide's results"
        )
        self._nothing = note()
        self.controls = HeadControls(overlay, peek)
        self.class_controls = ClassControls(classes, peek)
        line = row(self.known, self.take_off)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(line)
        column.addWidget(self._nothing)
        column.addWidget(self.controls)
        column.addWidget(self.class_controls)
        overlay.changed.connect(self._on_numbers)
        classes.changed.connect(self._on_classes)
        bench.slide_changed.connect(self.refresh)
        bench.run_changed.connect(lambda _running: self.refresh())
        self.refresh()

    @property
    def path(self) -> Path | None:
        """The overlay on the slide, of numbers or of classes."""
        return self._overlay.path or self._classes.path

    def _on_numbers(self) -> None:
        if self._overlay.path is not None:
            self._classes.take_off()
        self.refresh()

    def _on_classes(self) -> None:
        if self._classes.path is not None:
            self._overlay.take_off()
        self.refresh()

    def refresh(self) -> None:
        """List the overlays of the slide in view."""
        shown, path = self._bench.shown, self.path
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
        if path is None or path == self.path:
            return
        (self._classes if is_class_overlay(path) else self._overlay).show(path)

    def _take_off(self) -> None:
        self._overlay.take_off()
        self._classes.take_off()
