"""The Slide page: what the slide is, how large it is shown, what of it is tissue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.slide import describe_slide, magnification_zoom
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import Page, RunBar, button, form, note, row
from napari_histossl.widgets._tissue import TissueLayer
from napari_histossl.widgets._workbench import Workbench

MAGNIFICATIONS = (1.25, 2.5, 5, 10, 20, 40)
"""Powers of the buttons; 10 times is 1 um a screen pixel."""


class SlidePage(Page):
    """Facts, scale, magnification and tissue of the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.tissue = TissueLayer(bench)
        self._build_slide()
        self._build_magnification()
        self._build_tissue()
        bench.slide_changed.connect(self.refresh)
        bench.viewer.scene.camera.events.zoom.connect(self._show_magnification)
        self.refresh()

    # ---- building

    def _build_slide(self) -> None:
        column = self.section("Slide")
        column.addWidget(button("Open slide …", self._ask_for_slide))
        self._empty = note(
            "No slide is open. Open one here, or drag a file on the window "
            "(.svs, .ndpi, .mrxs, .scn, .dcm, .tif, pictures)."
        )
        column.addWidget(self._empty)
        self._facts = form()
        column.addLayout(self._facts)
        self._mpp = QDoubleSpinBox()
        self._mpp.setRange(0.01, 100.0)
        self._mpp.setDecimals(4)
        self._mpp.setSingleStep(0.05)
        self._mpp.setValue(0.5)
        self._mpp.setSuffix(" µm per pixel")
        self._ask_mpp = QWidget()
        ask = row(self._mpp, button("Use", self._use_mpp))
        ask.setContentsMargins(0, 0, 0, 0)
        self._ask_mpp.setLayout(ask)
        self._mpp_note = note(
            "This slide does not say how large a pixel is. Until you enter it, "
            "lengths are in pixels and models cannot tell which level to read."
        )
        column.addWidget(self._mpp_note)
        column.addWidget(self._ask_mpp)

    def _build_magnification(self) -> None:
        column = self.section("Magnification")
        grid = QGridLayout()
        grid.setSpacing(4)
        self._powers = QButtonGroup(self)
        self._powers.setExclusive(False)
        for place, power in enumerate(MAGNIFICATIONS):
            made = QPushButton(f"{power:g}×")
            made.setToolTip(f"{10 / power:g} µm per screen pixel")
            made.clicked.connect(lambda _checked=False, p=power: self._zoom_to(p))
            self._powers.addButton(made, place)
            grid.addWidget(made, place // 3, place % 3)
        column.addLayout(grid)
        self._power = QLabel()
        column.addWidget(self._power)

    def _build_tissue(self) -> None:
        column = self.section("Tissue")
        self._tissue_text = note()
        column.addWidget(self._tissue_text)
        self._find = button(
            "Find tissue",
            self.find_tissue,
            "At low power; glass and pen are told apart",
        )
        self._show = button("Show", self._show_saved, "Show the tissue that is saved")
        self._save = button(
            "Save",
            self._save_tissue,
            "Corrections by brush on the tissue layer; every run uses what is saved",
        )
        column.addLayout(row(self._find, self._show, self._save))
        self._run_bar = RunBar(self.bench.stop)
        column.addWidget(self._run_bar)

    # ---- showing

    def refresh(self) -> None:
        """Show the slide that is in view now."""
        shown = self.bench.shown
        while self._facts.rowCount():
            self._facts.removeRow(0)
        self._empty.setVisible(shown is None)
        missing = shown is not None and shown.slide.mpp_yx is None
        self._mpp_note.setVisible(missing)
        self._ask_mpp.setVisible(missing)
        for made in self._powers.buttons():
            made.setEnabled(shown is not None and not missing)
        self._find.setEnabled(shown is not None)
        if shown is not None:
            for name, value in describe_slide(shown.slide).items():
                self._facts.addRow(name, note(value))
        self._show_magnification()
        self._show_tissue()

    def _show_magnification(self, _event: Any = None) -> None:
        shown = self.bench.shown
        if shown is None or shown.slide.mpp_yx is None:
            self._power.setText("–" if shown is None else "unknown: no pixel size")
            return
        zoom = self.bench.viewer.scene.camera.zoom
        self._power.setText(
            f"Now {zoom * 10:.3g}× ({1 / zoom:.3g} µm per screen pixel)"
        )

    def _show_tissue(self) -> None:
        self._tissue_text.setText(self.tissue.sentence())
        self._save.setEnabled(self.tissue.is_shown)
        self._show.setEnabled(self.tissue.is_saved and not self.tissue.is_shown)

    # ---- asked for

    def _ask_for_slide(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a slide")
        if path:
            self.bench.open_path(Path(path))

    def _use_mpp(self) -> None:
        self.bench.set_mpp(self._mpp.value())

    def _zoom_to(self, power: float) -> None:
        self.bench.viewer.scene.camera.zoom = magnification_zoom(power)

    def find_tissue(self) -> None:
        """Find the tissue of the slide in view, in the worker, and show it."""
        if self.tissue.find(self._on_tissue_found):
            self._run_bar.follow(self.bench)
            self._find.setEnabled(False)

    def _on_tissue_found(self, complete: bool) -> None:
        self._find.setEnabled(True)
        if complete:
            self._show_saved()

    def _show_saved(self) -> None:
        try:
            self.tissue.show()
        except HistoSSLError as error:
            show_error(error)
        self._show_tissue()

    def _save_tissue(self) -> None:
        try:
            self.tissue.save()
        except HistoSSLError as error:
            show_error(error)
            return
        self._show_tissue()
        show_info("Tissue saved. Every run on this slide uses it from now on.")
