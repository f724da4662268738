"""The Slide page: what the slide is, where one is on it, how large things are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.slide import (
    describe_colours,
    describe_slide,
    describe_zoom,
    magnification_zoom,
)
from napari_histossl.slide.color import ColourManagedSlide
from napari_histossl.widgets._associated import PrivatePictures
from napari_histossl.widgets._cursor import CursorReadout
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import Page, RunBar, button, form, note, row
from napari_histossl.widgets._key_table import (
    NEXT_SLIDE,
    PREVIOUS_SLIDE,
    TURN_LEFT,
    TURN_RIGHT,
)
from napari_histossl.widgets._keys import LayerKeys, bind_on_page
from napari_histossl.widgets._measure import Measurements
from napari_histossl.widgets._overview import Overview
from napari_histossl.widgets._tissue import TissueLayer
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench
from napari_histossl.widgets._worklist import WorklistPanel

MAGNIFICATIONS = (1.25, 2.5, 5, 10, 20, 40)
"""Powers of the buttons; 10 times is 1 um a screen pixel."""


class SlidePage(Page):
    """Facts, view, measurements and tissue of the slide in view, and what comes next.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.tissue = TissueLayer(bench)
        self.measurements = Measurements(bench)
        self.cursor = CursorReadout(bench)
        self._build_slide()
        self._build_view()
        self._build_measure()
        self._build_tissue()
        self._build_worklist()
        self._bind_keys()
        bench.slide_changed.connect(self.refresh)
        bench.slide_renamed.connect(self.refresh)
        bench.viewer.scene.camera.events.zoom.connect(self._show_magnification)
        self.measurements.changed.connect(self._show_measurements)
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
        self._colours = note()
        column.addWidget(self._colours)
        self._use_profile = QCheckBox("Show in screen colours (sRGB)")
        self._use_profile.setToolTip(
            "For the eye only: models and measurements read the colours as scanned"
        )
        self._use_profile.clicked.connect(self._choose_colours)
        column.addWidget(self._use_profile)
        self.pictures = PrivatePictures(self.bench)
        column.addWidget(self.pictures)

    def _build_view(self) -> None:
        column = self.section("View")
        self.overview = Overview(self.bench)
        column.addWidget(self.overview)
        line = row()
        line.setSpacing(3)
        narrow = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._powers = QButtonGroup(self)
        self._powers.setExclusive(False)
        for place, power in enumerate(MAGNIFICATIONS):
            made = QPushButton(f"{power:g}×")
            made.setToolTip(f"{10 / power:g} µm per screen pixel")
            made.clicked.connect(lambda _checked=False, p=power: self._zoom_to(p))
            self._powers.addButton(made, place)
            made.setMinimumWidth(0)
            made.setSizePolicy(narrow)
            line.addWidget(made)
        column.addLayout(line)
        self._power = note()
        column.addWidget(self._power)
        turn = self.bench.rotation.turn
        self._turns = (
            button("↺ Turn left", lambda: turn(-1), "A quarter turn; key: comma"),
            button("↻ Turn right", lambda: turn(1), "A quarter turn; key: full stop"),
        )
        column.addLayout(row(*self._turns))
        self._scale_bar = QCheckBox("Scale bar")
        bar = self.bench.viewer.canvas.overlays.scale_bar
        self._scale_bar.setChecked(True)
        bar.visible = True
        self._scale_bar.toggled.connect(lambda shown: setattr(bar, "visible", shown))
        bar.events.visible.connect(lambda _e: self._scale_bar.setChecked(bar.visible))
        column.addWidget(self._scale_bar)

    def _build_measure(self) -> None:
        column = self.section("Measure")
        take = self.measurements.take
        self._tools = {
            "ruler": button("Ruler", lambda: take(self._other("ruler")), "Drag a line"),
            "area": button(
                "Area",
                lambda: take(self._other("area")),
                "Click the corners; double-click ends",
            ),
        }
        for tool in self._tools.values():
            tool.setCheckable(True)
        self._clear = button("Clear", self.measurements.clear)
        column.addLayout(row(*self._tools.values(), self._clear))
        self._sizes = note()
        column.addWidget(self._sizes)

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

    def _build_worklist(self) -> None:
        column = self.section("Worklist")
        self.worklist = WorklistPanel(self.bench)
        column.addWidget(self.worklist)

    def _bind_keys(self) -> None:
        turn, step = self.bench.rotation.turn, self.worklist.step
        turns = {TURN_LEFT.name: lambda: turn(-1), TURN_RIGHT.name: lambda: turn(1)}
        steps = {
            NEXT_SLIDE.name: lambda: step(1),
            PREVIOUS_SLIDE.name: lambda: step(-1),
        }
        self.keys = LayerKeys(self.bench, {**turns, **steps})
        bind_on_page(self, turns)  # here the page keys scroll

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
        for widget in (self._find, self.overview, *self._turns, *self._tools.values()):
            widget.setEnabled(shown is not None)
        self.overview.setVisible(shown is not None)
        if shown is not None:
            for name, value in describe_slide(shown.slide, shown.name).items():
                self._facts.addRow(name, note(value))
        self._show_colours()
        self.pictures.refresh()
        self._show_magnification()
        self._show_measurements()
        self._show_tissue()

    def _show_colours(self) -> None:
        shown = self.bench.shown
        self._colours.setVisible(shown is not None)
        sentence, can_choose = ("", False)
        if shown is not None:
            sentence, can_choose = describe_colours(shown.slide)
            tiles = shown.layer.metadata[METADATA_KEY].get("tiles")
            self._use_profile.setChecked(isinstance(tiles, ColourManagedSlide))
        self._colours.setText(sentence)
        self._use_profile.setVisible(can_choose)

    def _show_magnification(self, _event: Any = None) -> None:
        shown = self.bench.shown
        if shown is None or shown.slide.mpp_yx is None:
            known = "–" if shown is None else "Magnification unknown: no pixel size."
            self._power.setText(known)
            return
        zoom = self.bench.viewer.scene.camera.zoom
        self._power.setText(describe_zoom(zoom, self.devicePixelRatioF()))

    def _show_measurements(self) -> None:
        held = self.measurements.tool
        for name, tool in self._tools.items():
            tool.setChecked(name == held)
        self._clear.setEnabled(self.measurements.layer is not None)
        texts = [text for text in self.measurements.texts() if text]
        hints = {
            "ruler": "Drag a line on the slide.",
            "area": "Click the corners; double-click ends.",
        }
        latest = f"Latest: {texts[-1]}" if texts else ""
        self._sizes.setText(latest or hints.get(held or "", "Lengths and areas."))

    def _show_tissue(self) -> None:
        self._tissue_text.setText(self.tissue.sentence())
        self._save.setEnabled(self.tissue.is_shown)
        self._show.setEnabled(self.tissue.is_saved and not self.tissue.is_shown)

    def showEvent(self, event: QShowEvent) -> None:
        """Put position and colour into the status bar of the window."""
        super().showEvent(event)
        self.cursor.show_in(self)

    # ---- asked for

    def _ask_for_slide(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a slide")
        if path:
            self.bench.open_path(Path(path))

    def _use_mpp(self) -> None:
        self.bench.set_mpp(self._mpp.value())

    def _zoom_to(self, power: float) -> None:
        self.bench.viewer.scene.camera.zoom = magnification_zoom(power)

    def _other(self, tool: str) -> str | None:
        """Return a tool, or None if it is in hand already and is to be laid aside."""
        return None if self.measurements.tool == tool else tool

    def _choose_colours(self, with_profile: bool) -> None:
        self.bench.show_colours(as_scanned=not with_profile)
        self.overview.read()

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
