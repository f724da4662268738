"""What was found: small pictures to go to, and the switch of the heat map."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histossl.panels.similar import Found, PatchPicture, Searched
from napari_histossl.widgets._form import button, row
from napari_histossl.widgets._overlays_colour_bar import ColourBar
from napari_histossl.widgets._similar_layer import SimilarLayer
from napari_histossl.widgets._similar_results import ResultList, captions

UNIT = "similarity (cosine), most similar quarter"
"""What the colours of the heat map are."""


class SimilarAnswers(QWidget):
    """Results of a search, and how similar all patches of the slide in view are.

    Parameters
    ----------
    layer : SimilarLayer
        Shows it on the slide.

    Attributes
    ----------
    cleared : Signal
        Results are to be taken off.
    results : ResultList
        Pictures of what was found.
    heat : QCheckBox
        Whether the heat map is seen.
    bar : ColourBar
        What its colours mean.
    """

    cleared = Signal()

    def __init__(self, layer: SimilarLayer) -> None:
        super().__init__()
        self._layer = layer
        self.results, self.bar = ResultList(), ColourBar()
        self.heat = QCheckBox("Heat map")
        self.heat.setToolTip("Colours the most similar quarter of the patches")
        self.heat.toggled.connect(layer.set_heat_visible)
        layer.heat_seen.connect(self.heat.setChecked)
        self.clear_button = button(
            "Clear", self.cleared.emit, "Take results and heat map off"
        )
        line = row(self.heat, self.clear_button)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.results)
        column.addLayout(line)
        column.addWidget(self.bar)
        self.clear()

    def set_enabled(self, enabled: bool) -> None:
        """Let people switch and clear; pictures stay as they are."""
        for widget in (self.heat, self.clear_button):
            widget.setEnabled(enabled)

    def fill(
        self, found: Found, searched: list[Searched], name_of: Callable[[Searched], str]
    ) -> None:
        """List what was found."""
        texts = captions(found, searched, name_of)
        self.results.fill(texts, is_list=len(searched) > 1)
        self.results.show()

    def show_heat(self, picture: PatchPicture) -> None:
        """Show similarity on the slide, or have it ready where it is switched off."""
        self._layer.show_heat(picture, visible=self.heat.isChecked())
        self.bar.show_scale(self._layer.table(), picture.limits, UNIT)
        self.bar.show()

    def clear(self) -> None:
        """Take results, heat map and frame off."""
        self._layer.clear()
        self.results.clear()
        self.results.hide()
        self.bar.hide()
        self.heat.setChecked(False)
