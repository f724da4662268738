"""Where the mouse is on the slide, and the pixel there, in the status bar."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.panels.slide import describe_position
from napari_histossl.slide import Slide
from napari_histossl.widgets._mouse_readout import MouseReadout
from napari_histossl.widgets._workbench import Workbench

_BLOCK_PX = 256
"""Edge of what is read at a time: moving the mouse a little reads nothing."""

_KEPT = 32
"""Blocks that are kept; 6 MB."""


class CursorReadout(MouseReadout):
    """Position and colour as scanned, under the mouse.

    Parameters
    ----------
    bench : Workbench
        Whose slide is looked at.

    Notes
    -----
    The window's thread looks into blocks that have been read; what is missing is read
    in a thread, the newest position first, and the colour appears when it is there.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench, "histossl position")
        self._blocks: OrderedDict[tuple[Slide, int, int], Any] = OrderedDict()
        self._at_px0: tuple[float, float] | None = None
        self._reads.answered.connect(self._on_block)
        bench.slide_changed.connect(self._forget)

    def _forget(self) -> None:
        self._reads.drop()
        self._blocks.clear()
        self._at_px0 = None
        self.label.clear()

    def look(self, world: Any) -> None:
        """Show position and colour at a point of the world."""
        shown = self._bench.shown
        if shown is None:
            return
        row, column = shown.px0(world)
        height, width = shown.slide.levels[0].shape
        if not (0 <= row < height and 0 <= column < width):
            self._at_px0 = None
            self.label.clear()
            return
        self._at_px0 = row, column
        key = shown.slide, int(row) // _BLOCK_PX, int(column) // _BLOCK_PX
        if key in self._blocks:
            self._blocks.move_to_end(key)
        else:
            self._reads.ask("block", lambda: (key, _read_block(*key)))
        self._show()

    def _on_block(self, _name: Any, answer: Any) -> None:
        if isinstance(answer, HistoSSLError):
            return  # the canvas shows and says what cannot be read
        key, pixels = answer
        if self._bench.shown is None or key[0] is not self._bench.shown.slide:
            return
        self._blocks[key] = pixels
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        self._show()

    def _show(self) -> None:
        shown = self._bench.shown
        if shown is None or self._at_px0 is None:
            return
        row, column = (int(value) for value in self._at_px0)
        key = shown.slide, row // _BLOCK_PX, column // _BLOCK_PX
        block = self._blocks.get(key)
        rgb = None if block is None else block[row % _BLOCK_PX, column % _BLOCK_PX]
        text = describe_position(self._at_px0, shown.slide.mpp_yx, rgb)
        self.label.setText(text)


def _read_block(slide: Slide, row: int, column: int) -> NDArray[np.uint8]:
    return slide.read(Box(row * _BLOCK_PX, column * _BLOCK_PX, _BLOCK_PX, _BLOCK_PX), 0)
