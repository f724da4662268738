"""What can be chosen for the tool in hand; the rest is out of the way."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QLabel, QSlider, QVBoxLayout, QWidget

from napari_histossl.geometry import Box
from napari_histossl.panels.mask_place import Place
from napari_histossl.panels.wand import WandChoice
from napari_histossl.widgets._form import button, form, note, row
from napari_histossl.widgets._later import later
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._overlays_region import Region
from napari_histossl.widgets._tool_base import Options
from napari_histossl.widgets._tool_proposal import ProposalControl
from napari_histossl.widgets._tool_size import SizeControl
from napari_histossl.widgets._tool_table import ToolInfo
from napari_histossl.widgets._workbench import Workbench

_DEFAULT = WandChoice()


class ToolOptions(QWidget):
    """Size, tolerance, proposal, bounds: what the tool in hand heeds.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    chosen : Options
        For the tools; always what the controls say.
    size : SizeControl
        Of the brush.
    proposal : ProposalControl
        What is taken from.
    fill_all : QPushButton
        Asks for all holes on the screen.
    region_drawn : Signal
        The mouse is free again for the tool.
    """

    region_drawn = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._session: MaskSession | None = None
        self.chosen = Options(_DEFAULT, lambda: self.proposal.proposed, self.region_px0)
        self.size = SizeControl(bench)
        self.proposal = ProposalControl(bench)
        self._build_wand()
        self._build_bounds(bench)
        self._hint = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._hint)
        self._parts = {
            "size": self.size,
            "wand": self._wand,
            "proposal": self.proposal,
            "within": self._bounds,
            "holes": self.fill_all,
        }
        for part in self._parts.values():
            column.addWidget(part)

    def follow(self, session: MaskSession | None) -> None:
        """Choose for another mask, or for none."""
        self._session = session
        self.size.follow(None if session is None else session.layer)
        self.proposal.follow(session)

    def show_for(self, info: ToolInfo | None) -> None:
        """Show what a tool heeds, and how it is used."""
        uses = frozenset[str]() if info is None else info.uses
        self._hint.setText("" if info is None else info.hint)
        for name, part in self._parts.items():
            part.setVisible(name in uses)
        self.proposal.take_in_hand("proposal" in uses)

    def region_px0(self) -> Box | None:
        """Return the region in pixels of the mask, where fills are to stay in it."""
        region, shown, session = (
            self._region.box_px0(),
            self._bench.shown,
            self._session,
        )
        if not self._in_region.isChecked() or session is None or shown is None:
            return None
        if region is None:
            return None
        return Place.of(session.store, shown.slide).box_px0(region)

    def _build_wand(self) -> None:
        self._wand = QWidget()
        rows = form()
        self._tolerance, tolerance = _slider(1, 60, round(_DEFAULT.tolerance))
        self._smoothing, smoothing = _slider(0, 8, round(_DEFAULT.smoothing_px))
        self._tolerance.setToolTip("Largest difference of colours (CIELAB)")
        self._smoothing.setToolTip("Pixels of the screen that are blurred")
        for words, part in (("Tolerance", tolerance), ("Smoothing", smoothing)):
            rows.addRow(words, part)
        for one in (self._tolerance, self._smoothing):
            one.valueChanged.connect(self._on_wand)
        rows.setContentsMargins(0, 0, 0, 0)
        self._wand.setLayout(rows)

    def _on_wand(self, _value: int) -> None:
        self.chosen.wand = WandChoice(
            float(self._tolerance.value()), float(self._smoothing.value())
        )

    def _build_bounds(self, bench: Workbench) -> None:
        self._region, self._draws = Region(bench), False
        self._laid_aside = later(self, 0, self.region_drawn.emit)
        self._bounds = QWidget()
        self._in_region = QCheckBox("Only inside the region")
        self._in_region.setToolTip(
            "The rectangle that is drawn on the slide; else the part on the screen"
        )
        draw = button("Draw region", self._region.draw, "A rectangle on the slide")
        line = row(self._in_region, draw)
        line.setContentsMargins(0, 0, 0, 0)
        line.setStretch(0, 1)
        self._bounds.setLayout(line)
        self._region.changed.connect(self._on_region)
        self.fill_all = button("Fill all holes on the screen", lambda: None)
        self.fill_all.setToolTip("Those of the class in hand")

    def _on_region(self) -> None:
        layer = self._region.layer
        if layer is None:
            self._in_region.setChecked(False)
        was_drawing, self._draws = self._draws, self._region.is_drawing
        if self._draws:
            self._in_region.setChecked(True)
        elif was_drawing:
            self._laid_aside.start()


def _slider(least: int, most: int, value: int) -> tuple[QSlider, QWidget]:
    """Return a slider, and it with its value beside it."""
    made, words = QSlider(Qt.Orientation.Horizontal), QLabel(str(value))
    made.setRange(least, most)
    made.setValue(value)
    words.setMinimumWidth(24)
    made.valueChanged.connect(lambda number: words.setText(str(number)))
    both = QWidget()
    line = row(made, words)
    line.setContentsMargins(0, 0, 0, 0)
    both.setLayout(line)
    return made, both
