"""The value of the overlay under the mouse, in the status bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_histossl.errors import HistoSSLError
from napari_histossl.widgets._mouse_readout import MouseReadout
from napari_histossl.widgets._overlay_layer import OverlayLayer


class ValueReadout(MouseReadout):
    """The stored value of the token under the mouse, of the head on the screen.

    Parameters
    ----------
    overlay : OverlayLayer
        What is looked at.

    Notes
    -----
    The finest level is read, whatever level is drawn, in a thread where the tile is not
    there already.
    """

    def __init__(self, overlay: OverlayLayer) -> None:
        super().__init__(overlay.bench, "histossl overlay value")
        self._overlay = overlay
        self._at: tuple[int, int] | None = None
        self._reads.answered.connect(self._on_tile)
        overlay.changed.connect(self.show_value)

    def look(self, world: Any) -> None:
        """Show the value at a point of the world."""
        layer, tiles = self._overlay.layer, self._overlay.tiles
        self._at = None
        if layer is not None and tiles is not None:
            place = np.round(layer.world_to_data(world)[-2:]).astype(int)
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
