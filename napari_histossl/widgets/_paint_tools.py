"""Class, tool and brush size for the mask layer that is being painted."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.classes import DEFAULT_CLASSES, ClassInfo, ClassTable
from napari_histossl.widgets._form import form, note, row
from napari_histossl.widgets._key_table import ERASE, MOVE, PAINT
from napari_histossl.widgets._mask_layer import MaskLayer

TOOLS = (
    ("Paint", "paint", PAINT.name),
    ("Erase", "erase", ERASE.name),
    ("Move", "pan_zoom", MOVE.name),
)
"""Words on the buttons, napari's mode, and napari's key for it."""


class PaintTools(QWidget):
    """Buttons that follow, and are followed by, napari's own controls."""

    def __init__(self) -> None:
        super().__init__()
        self._layer: MaskLayer | None = None
        self._mpp_yx: tuple[float, float] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        column.addLayout(self._grid)
        self._classes = QButtonGroup(self)
        self._tools = QButtonGroup(self)
        column.addLayout(row(*(self._tool(place) for place in range(len(TOOLS)))))
        self._size = QSlider(Qt.Orientation.Horizontal)
        self._size.setRange(1, 400)
        self._size.setToolTip("Diameter of the brush; also with the keys [ and ]")
        self._size.valueChanged.connect(self._set_brush_size)
        self._size_text = note()
        sizes = form()
        sizes.addRow("Brush", self._size)
        sizes.addRow("", self._size_text)
        column.addLayout(sizes)
        self._list_classes(DEFAULT_CLASSES)
        self.follow(None, DEFAULT_CLASSES, None)

    def follow(
        self,
        layer: MaskLayer | None,
        classes: ClassTable,
        mpp_yx: tuple[float, float] | None,
    ) -> None:
        """Follow another layer, or none.

        Parameters
        ----------
        layer : MaskLayer or None
            The layer to paint on; its class keys are bound to it alone.
        classes : ClassTable
            Classes of its mask.
        mpp_yx : tuple of float or None
            Micrometres per mask pixel.
        """
        self._layer, self._mpp_yx = layer, mpp_yx
        self.setEnabled(layer is not None)
        if layer is None:
            return
        self._list_classes(classes)
        for event in (
            layer.events.mode,
            layer.events.selected_label,
            layer.events.brush_size,
        ):
            event.connect(self._show)
        for info in classes:
            if info.key:
                layer.bind_key(info.key, self._picker(info.index), overwrite=True)
        self._show()

    def pick_class(self, index: int) -> None:
        """Paint with a class from now on."""
        if self._layer is not None:
            self._layer.selected_label = index
            self._layer.mode = "paint"

    def _picker(self, index: int) -> Any:
        return lambda _layer: self.pick_class(index)

    def _tool(self, place: int) -> QPushButton:
        word, mode, key = TOOLS[place]
        made = QPushButton(f"{word}  {key}")
        made.setCheckable(True)
        made.clicked.connect(lambda _checked=False: self._set_mode(mode))
        self._tools.addButton(made, place)
        return made

    def _list_classes(self, classes: ClassTable) -> None:
        for made in self._classes.buttons():
            self._classes.removeButton(made)
            made.deleteLater()
        for place, info in enumerate(classes):
            made = QPushButton(_swatch(info), f"{info.name}  {info.key}")
            made.setCheckable(True)
            made.setStyleSheet("text-align: left; padding: 4px 8px;")
            made.clicked.connect(
                lambda _checked=False, index=info.index: self.pick_class(index)
            )
            self._classes.addButton(made, info.index)
            self._grid.addWidget(made, place // 2, place % 2)

    def _show(self, _event: Any = None) -> None:
        layer = self._layer
        if layer is None:
            return
        for place, (_word, mode, _key) in enumerate(TOOLS):
            self._tools.button(place).setChecked(str(layer.mode) == mode)
        chosen = self._classes.button(int(layer.selected_label))
        if chosen is not None:
            chosen.setChecked(True)
        size = int(layer.brush_size)
        self._size.setValue(size)
        um = "" if self._mpp_yx is None else f", {size * self._mpp_yx[0]:.3g} µm"
        self._size_text.setText(f"{size} px{um}")

    def _set_mode(self, mode: str) -> None:
        if self._layer is not None:
            self._layer.mode = mode
            self._show()

    def _set_brush_size(self, size: int) -> None:
        if self._layer is not None and int(self._layer.brush_size) != size:
            self._layer.brush_size = size


def _swatch(info: ClassInfo) -> QIcon:
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(*info.colour))
    return QIcon(pixmap)
