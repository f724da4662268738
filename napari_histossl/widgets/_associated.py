"""Label and macro picture of a slide, hidden until somebody asks for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.slide import private_pictures
from napari_histossl.slide import Slide
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import button, note
from napari_histossl.widgets._overview import as_image
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads

_WIDTH, _HEIGHT = 300, 150
"""Largest size of a picture, in logical pixels."""


class PrivatePictures(QWidget):
    """A button that shows label and macro; another slide hides them again.

    Parameters
    ----------
    bench : Workbench
        Whose slide is shown.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_pictures)
        self._button = button("Show label and macro", self._toggle)
        self._sentence = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._button)
        column.addWidget(self._sentence)
        self._pictures = QVBoxLayout()
        column.addLayout(self._pictures)
        self.refresh()

    @property
    def are_shown(self) -> bool:
        """Whether pictures are on the page."""
        return self._pictures.count() > 0

    def refresh(self) -> None:
        """Hide the pictures and say what there is; another slide is in view."""
        self._reads.drop()
        self._clear()
        shown = self._bench.shown
        names = () if shown is None else private_pictures(shown.slide)
        is_masked = shown is not None and shown.is_masked
        self.setVisible(bool(names))
        self._button.setText(f"Show {' and '.join(names)}")
        self._button.setEnabled(not is_masked)
        self._sentence.setText(
            "Hidden while names are masked."
            if is_masked
            else "Hidden: they may show the patient's name."
        )
        self._sentence.show()

    def _toggle(self) -> None:
        shown = self._bench.shown
        if self.are_shown or shown is None:
            self.refresh()
            return
        slide = shown.slide
        self._reads.ask(slide, lambda: _read_all(slide))

    def _on_pictures(self, slide: Slide, pictures: Any) -> None:
        shown = self._bench.shown
        if shown is None or shown.slide is not slide or shown.is_masked:
            return
        if isinstance(pictures, HistoSSLError):
            show_error(pictures)
            return
        self._clear()
        for name, picture in pictures.items():
            self._pictures.addWidget(QLabel(name))
            self._pictures.addWidget(_picture_label(picture))
        self._button.setText(f"Hide {' and '.join(pictures)}")
        self._sentence.hide()

    def _clear(self) -> None:
        while self._pictures.count():
            item = self._pictures.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()


def _read_all(slide: Slide) -> dict[str, NDArray[np.uint8]]:
    return {name: slide.read_associated(name) for name in private_pictures(slide)}


def _picture_label(picture: NDArray[np.uint8]) -> QLabel:
    label = QLabel()
    ratio = label.devicePixelRatioF()
    image = as_image(picture).scaled(
        int(_WIDTH * ratio),
        int(_HEIGHT * ratio),
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    image.setDevicePixelRatio(ratio)
    label.setPixmap(QPixmap.fromImage(image))
    return label
