"""What of an overlay is on the screen, how it looks, and what its numbers mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histossl.panels.overlay_colours import COLOUR_MAPS, colour_table
from napari_histossl.widgets._form import combo, form, note, slider
from napari_histossl.widgets._later import later
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_colour_bar import ColourBar
from napari_histossl.widgets._overlays_heads import HeadPictures
from napari_histossl.widgets._overlays_levels import LevelSwitch
from napari_histossl.widgets._overlays_peek import Peek, peek_button
from napari_histossl.widgets._overlays_texts import about_threshold, about_values

_KEPT = (
    ("Everything", "all"),
    ("From a value on", "value"),
    ("The most attended", "mass"),
)
"""Words for people, and how a threshold is meant."""

_STEPS = 1000
"""Of the slider of a threshold."""

_DELAY_MS = 40
"""What is left out is read anew when the slider has rested for so long."""


class HeadControls(QWidget):
    """Head, scale, threshold, colours and opacity of the overlay on the screen.

    Parameters
    ----------
    overlay : OverlayLayer
        Followed, and told what the person chooses.
    peek : Peek
        What the button that hides the overlay holds.
    """

    def __init__(self, overlay: OverlayLayer, peek: Peek) -> None:
        super().__init__()
        self._overlay = overlay
        self.pictures = HeadPictures(overlay)
        self.pictures.chosen.connect(overlay.choose_head)
        self.pictures.chosen.connect(lambda _head: overlay.bring_up())
        self._levels = LevelSwitch(overlay)
        self._late = later(self, _DELAY_MS, self._choose)
        self._build()
        self._peek = peek_button(peek)
        self._lay_out()
        self._followed: Any = None
        overlay.changed.connect(self.refresh)
        overlay.grown.connect(self._show_scale)
        self.refresh()

    def _build(self) -> None:
        self._values = combo()
        self._values.addItem("Attention as it is", False)
        self._values.addItem("Rank within each tile", True)
        self._values.currentIndexChanged.connect(lambda _index: self._choose())
        self._kept = combo()
        for words, kind in _KEPT:
            self._kept.addItem(words, kind)
        self._kept.currentIndexChanged.connect(lambda _index: self._choose())
        self._level = slider(_STEPS)
        self._level.setValue(_STEPS // 2)
        self._level.valueChanged.connect(lambda _value: self._late.start())
        self._level_text = note()
        self._opacity = slider(100)
        self._opacity.valueChanged.connect(self._set_opacity)
        self._colours = combo()
        for name in COLOUR_MAPS:
            self._colours.addItem(name, name)
        self._colours.currentIndexChanged.connect(lambda _index: self._set_colours())
        self._clear = QCheckBox("Low values let the tissue through")
        self._clear.setChecked(True)
        self._clear.toggled.connect(lambda _on: self._set_colours())
        self.bar = ColourBar()
        self._meaning = note()

    def _lay_out(self) -> None:
        self._rows = form()
        self._rows.addRow("Values", self._values)
        self._rows.addRow("Show", self._kept)
        self._rows.addRow("", self._level)
        self._rows.addRow(self._level_text)
        self._rows.addRow("Colours", self._colours)
        self._rows.addRow("", self._clear)
        self._rows.addRow("Opacity", self._opacity)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.pictures)
        column.addWidget(self._levels)
        column.addWidget(self.bar)
        column.addLayout(self._rows)
        column.addWidget(self._peek)
        column.addWidget(self._meaning)

    # ---- Showing

    def refresh(self) -> None:
        """Show what is on the screen."""
        overlay = self._overlay
        layer, said = overlay.layer, overlay.said
        self.setVisible(layer is not None)
        if layer is None or said is None:
            self._followed = None
            return
        can_rank = said.tile_tokens is not None
        self._values.setEnabled(can_rank)
        self._values.setToolTip("" if can_rank else "These values are ranks already")
        with QSignalBlocker(self._values), QSignalBlocker(self._opacity):
            self._values.setCurrentIndex(int(overlay.choice.ranked))
            self._opacity.setValue(round(layer.opacity * 100))
        self._kept.model().item(2).setEnabled(can_rank)
        if not can_rank and self._kept.currentData() == "mass":
            self._kept.setCurrentIndex(0)
        if layer is not self._followed:
            self._follow(layer)
        self._meaning.setText(about_values(said, overlay.choice))
        self._show_scale()

    def _follow(self, layer: Any) -> None:
        """Give a new layer the looks that were chosen, and hear of its limits."""
        self._followed = layer
        layer.events.contrast_limits.connect(lambda _event: self._show_scale())
        self._set_colours()
        self._choose()

    def _show_scale(self) -> None:
        """Show limits, threshold and unit, and colour the layer accordingly."""
        overlay, said = self._overlay, self._overlay.said
        if overlay.layer is None or said is None:
            return
        unit = said.unit_of(overlay.choice)
        self.bar.show_scale(self.table(), overlay.limits, unit)
        for widget in (self._level, self._level_text):
            self._rows.setRowVisible(widget, self._kept.currentData() != "all")
        self._level_text.setText(self.said_threshold())

    # ---- Chosen

    @property
    def _share(self) -> float:
        """Place of the slider, from above 0 to 1."""
        return max(self._level.value(), 1) / _STEPS

    def table(self) -> NDArray[np.float32]:
        """Return the colours of the scale, (1024, 4) from 0 to 1, as they are seen."""
        (low, high), least = self._overlay.limits, self._overlay.choice.least
        cut = 0.0 if least is None else (least - low) / max(high - low, 1e-6)
        name, clear = self._colours.currentData(), self._clear.isChecked()
        return colour_table(name, clear=clear, threshold=cut)

    def said_threshold(self) -> str:
        """Return what is left on the screen, in a sentence."""
        choice, said = self._overlay.choice, self._overlay.said
        return "" if said is None else about_threshold(choice, said.unit_of(choice))

    def _choose(self) -> None:
        """Show what the form says."""
        said = self._overlay.said
        if said is None:
            return
        can_rank, kind = said.tile_tokens is not None, self._kept.currentData()
        ranked = bool(self._values.currentData()) and can_rank
        self._overlay.choose(replace(self._overlay.choice, ranked=ranked, least=None))
        low, high = self._overlay.limits  # of the ranks, or of what is stored
        choice = replace(
            self._overlay.choice,
            mass=self._share if kind == "mass" and can_rank else 1.0,
            least=low + self._share * (high - low) if kind == "value" else None,
        )
        self._overlay.choose(choice)

    def _set_colours(self) -> None:
        layer, name = self._overlay.layer, self._colours.currentData()
        clear = self._clear.isChecked()
        if layer is not None:
            table = colour_table(name, clear=clear)
            known = f"{name}, clear where low" if clear else f"{name}, all over"
            layer.colormap = Colormap(table, name=known)
        self.pictures.colours = name
        self.pictures.ask_soon()
        self._show_scale()

    def _set_opacity(self, percent: int) -> None:
        if self._overlay.layer is not None:
            self._overlay.layer.opacity = percent / 100
