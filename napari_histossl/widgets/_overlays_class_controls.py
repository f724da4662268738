"""What the colours of an overlay of classes mean, and how strongly it covers."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.classes import ClassTable
from napari_histossl.widgets._form import form, note, slider
from napari_histossl.widgets._overlays_classes import ClassOverlay
from napari_histossl.widgets._overlays_peek import Peek, peek_button


class ClassControls(QWidget):
    """Legend and opacity; nothing where no overlay of classes is on the slide.

    Parameters
    ----------
    overlay : ClassOverlay
        Followed, and told what the person chooses.
    peek : Peek
        What the button that hides the overlay holds.
    """

    def __init__(self, overlay: ClassOverlay, peek: Peek) -> None:
        super().__init__()
        self._overlay = overlay
        self.legend = note()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.opacity = slider(100)
        self.opacity.valueChanged.connect(self._set_opacity)
        rows = form()
        rows.addRow("Opacity", self.opacity)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.legend)
        column.addLayout(rows)
        column.addWidget(peek_button(peek))
        overlay.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is on the slide."""
        layer, classes = self._overlay.layer, self._overlay.classes
        self.setVisible(layer is not None)
        if layer is None:
            return
        self.legend.setText("" if classes is None else legend(classes))
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(round(layer.opacity * 100))

    def _set_opacity(self, percent: int) -> None:
        if self._overlay.layer is not None:
            self._overlay.layer.opacity = percent / 100


def legend(classes: ClassTable) -> str:
    """Return names with their colours, as rich text."""
    return " &nbsp; ".join(
        f'<span style="color:rgb{info.colour}">■</span>&nbsp;'
        f"{info.name.replace(' ', '&nbsp;')}"
        for info in classes
    )
