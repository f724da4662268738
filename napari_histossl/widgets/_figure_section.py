"""A figure of what is seen: the third section of the Overlays page."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError, PlanError
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._figure_export import FigureExport
from napari_histossl.widgets._form import button, note, row
from napari_histossl.widgets._overlays_region import Region
from napari_histossl.widgets._workbench import Workbench

_KINDS = "PNG picture (*.png);;SVG drawing (*.svg);;PDF (*.pdf)"


class FigureSection(QWidget):
    """Save the drawn region, or what is in view, as a figure.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    export : FigureExport
        Writes it.
    region : Region
        What part of the slide.
    """

    def __init__(self, bench: Workbench, export: FigureExport, region: Region) -> None:
        super().__init__()
        self._bench, self._export, self._region = bench, export, region
        self._is_writing = False
        self._note = note()
        self._draw = button("Draw region", region.draw, "Then drag on the slide")
        self._draw.setCheckable(True)
        self._clear = button("Clear", region.clear, "Take the region off the slide")
        self._save = button("Save figure …", self._ask)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._note)
        column.addLayout(row(self._draw, self._clear, self._save))
        region.changed.connect(self.refresh)
        bench.slide_changed.connect(self.refresh)
        export.written.connect(self._on_written)
        self.refresh()

    def refresh(self) -> None:
        """Show what a figure would be of."""
        is_open = self._bench.shown is not None
        is_drawn = self._region.box_px0() is not None
        self._draw.setEnabled(is_open)
        self._draw.setChecked(self._region.is_drawing)
        self._clear.setEnabled(is_drawn)
        self._save.setEnabled(is_open and not self._is_writing)
        of = "the drawn region" if is_drawn else "what is in view"
        words = f"Of {of}, with overlay, scale bar, colour bar and legend."
        if self._region.is_drawing:
            words = "Drag a rectangle on the slide."
        self._note.setText("Writing …" if self._is_writing else words)

    def _ask(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Figure", "figure.png", _KINDS)
        if name:
            self.save(Path(name))

    def save(self, path: Path) -> None:
        """Write a figure; the suffix says as what."""
        box = self._region.box_px0() or self._bench.view_box_px0()
        if box is None:
            show_error(PlanError("nothing of a slide is in view; move it into view"))
            return
        self._is_writing = True
        self._export.save(box, path)
        self.refresh()

    def _on_written(self, path: Path, error: HistoSSLError | None) -> None:
        self._is_writing = False
        self.refresh()
        if error is None:
            show_info(f"Wrote {path}")
        else:
            show_error(error, self._bench.hidden_names)
