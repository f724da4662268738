"""The value of the overlay under the mouse, in the status bar."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QLabel, QMainWindow, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._worker import BackgroundReads


class ValueReadout(QObject):
    """The stored value of the token under the mouse, of the head on the screen.

    Parameters
    ----------
    overlay : OverlayLayer
        What is looked at.

    Attributes
    ----------
    label : QLabel
        Goes into the status bar of the window.

    Notes
    -----
    The finest level is read, whatever level is drawn, in a thread where the tile is not
    there already.
    """

    def __init__(self, overlay: OverlayLayer) -> None:
        super().__init__()
        self._overlay, self._bench = overlay, overlay.bench
        self._at: tuple[int, int] | None = None
        self.label = QLabel()
        self.label.setObjectName("histossl overlay value")
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_tile)
        self._bench.viewer.mouse_move_callbacks.append(self._on_move)
        self._bench.closing.connect(self.close)
        overlay.changed.connect(self.show_value)

    def show_in(self, page: QWidget) -> None:
        """Put the label into the status bar of the window that a page is in."""
        parent: Any = page.parentWidget()
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parentWidget()
        if parent is not None and self.label.parentWidget() is None:
            parent.statusBar().addPermanentWidget(self.label)
            self.label.show()

    def close(self) -> None:
        """Take the label out of the status bar."""
        self._reads.drop()
        if self._on_move in self._bench.viewer.mouse_move_callbacks:
            self._bench.viewer.mouse_move_callbacks.remove(self._on_move)
        if isalive(self.label):
            self.label.setParent(None)

    def _on_move(self, _viewer: Any, event: Any) -> None:
        layer, tiles = self._overlay.layer, self._overlay.tiles
        self._at = None
        if layer is not None and tiles is not None and not self._bench.closed:
            place = np.round(layer.world_to_data(event.position)[-2:]).astype(int)
            row, column = int(place[0]), int(place[1])
            height, width = tiles.levels[0].shape
            if 0 <= row < height and 0 <= column < width:
                self._at = row, column
        self.show_value()

    def show_value(self) -> None:
        """Show the value that is under the mouse now."""
        tiles = self._overlay.tiles
        if tiles is None or self._at is None or self._bench.closed:
            self.label.clear()
            return
        size = tiles.tile_size
        place = 0, self._at[0] // size, self._at[1] // size
        service = self._bench.canvas.service
        tile = service.get(tiles, *place)
        if tile is None:
            self._reads.ask("tile", lambda: service.load(tiles, *place))
            return
        value = float(tile[self._at[0] % size, self._at[1] % size])
        name = tiles.view.facts.name_of(tiles.view.choice.head)
        said = "nothing" if np.isnan(value) else f"{value:.3g}"
        self.label.setText(f"{name}: {said}")

    def _on_tile(self, _name: Any, answer: Any) -> None:
        if not isinstance(answer, HistoSSLError):
            self.show_value()
