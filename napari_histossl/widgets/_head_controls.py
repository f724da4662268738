"""Which head is on the screen, how strongly, and what its numbers mean."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSlider, QSpinBox, QWidget

from napari_histossl.widgets._form import form, note
from napari_histossl.widgets._overlay_layer import OverlayLayer


class HeadControls(QWidget):
    """Head and opacity of the overlay on the screen.

    Parameters
    ----------
    overlay : OverlayLayer
        Followed, and told what the person chooses.
    """

    def __init__(self, overlay: OverlayLayer) -> None:
        super().__init__()
        self._overlay = overlay
        self._head = QSpinBox()
        self._head.setPrefix("head ")
        self._head.valueChanged.connect(overlay.choose_head)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.valueChanged.connect(self._set_opacity)
        self._meaning = note()
        rows = form()
        rows.addRow("Head", self._head)
        rows.addRow("Opacity", self._opacity)
        rows.addRow(self._meaning)
        self.setLayout(rows)

    def refresh(self) -> None:
        """Show what is on the screen."""
        overlay = self._overlay
        layer = overlay.layer
        for widget in (self._head, self._opacity):
            widget.setEnabled(layer is not None)
        if layer is None:
            self._meaning.setText("No overlay is shown.")
            return
        self._head.blockSignals(True)
        self._head.setRange(0, overlay.heads - 1)
        self._head.setValue(overlay.head)
        self._head.blockSignals(False)
        self._opacity.blockSignals(True)
        self._opacity.setValue(round(layer.opacity * 100))
        self._opacity.blockSignals(False)
        self._meaning.setText(meaning(overlay.facts()))

    def _set_opacity(self, percent: int) -> None:
        if self._overlay.layer is not None:
            self._overlay.layer.opacity = percent / 100


def meaning(provenance: dict[str, object]) -> str:
    """Return what the numbers of an overlay are and what made them, in two sentences.

    Parameters
    ----------
    provenance : dict
        As stored with the overlay.
    """
    options = provenance.get("parameters")
    values = options.get("values", "") if isinstance(options, dict) else ""
    model, weights = provenance.get("model"), provenance.get("weights_sha256")
    made = f"Made by {model}, weights {str(weights)[:8]}." if model else ""
    said = f"Values: {values}." if values else ""
    return " ".join(part for part in (said, made) if part)
