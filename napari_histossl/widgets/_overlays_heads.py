"""Heads as small pictures of what is in view; a click shows one on the slide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap, QShowEvent
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QSizePolicy, QToolButton, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box, to_level
from napari_histossl.panels.head_view import high_of
from napari_histossl.panels.overlay_colours import colour_table, paint
from napari_histossl.panels.overlay_facts import MEAN, OverlayFacts
from napari_histossl.store import Pyramid
from napari_histossl.widgets._later import later
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._worker import BackgroundReads

COLUMNS = 4
"""Pictures in a row of a dock of 360 px."""

_SIDE_PX = 64
"""Edge of a picture in logical pixels."""

_SETTLE_MS = 250
"""The view has settled when it has not moved for so long."""

_BACKGROUND = (46, 50, 58)
"""Where nothing has been computed."""


_UNDER = Qt.ToolButtonStyle.ToolButtonTextUnderIcon
_KEEP = Qt.AspectRatioMode.KeepAspectRatio
_SQUARES = Qt.TransformationMode.FastTransformation


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What pictures are made from; picklable facts only, for a thread."""

    pyramid: Pyramid
    facts: OverlayFacts
    box_px: Box
    level: int
    colours: str
    turns: int


class HeadPictures(QWidget):
    """A grid of small pictures, one a head, and their mean.

    Parameters
    ----------
    overlay : OverlayLayer
        Whose heads are shown and chosen.

    Attributes
    ----------
    chosen : Signal of int
        A head was clicked: a channel, or `head_view.MEAN`.
    """

    chosen = Signal(int)

    def __init__(self, overlay: OverlayLayer) -> None:
        super().__init__()
        self._overlay, self._bench = overlay, overlay.bench
        self.colours = "viridis"
        self._names: tuple[str, ...] = ()
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(lambda number: self.chosen.emit(number - 1))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self.setStyleSheet("QToolButton:checked { border: 2px solid #ffb000; }")
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_pictures)
        self._settled = later(self, _SETTLE_MS, self._ask)
        camera = self._bench.viewer.scene.camera
        camera.events.center.connect(self.ask_soon)
        camera.events.zoom.connect(self.ask_soon)
        self._bench.viewer.canvas.events.size.connect(self.ask_soon)
        overlay.changed.connect(self.refresh)
        overlay.grown.connect(self.ask_soon)
        self._bench.closing.connect(self._reads.drop)
        self.refresh()

    def buttons(self) -> dict[int, QToolButton]:
        """Return the pictures by channel."""
        return {self._group.id(one) - 1: one for one in self._group.buttons()}

    def refresh(self) -> None:
        """Show the heads of the overlay on the screen."""
        facts = self._overlay.said
        names = () if facts is None else facts.channel_names
        if names != self._names:
            self._names = names
            self._fill(facts)
        for channel, made in self.buttons().items():
            made.setChecked(channel == self._overlay.head)
        self.setVisible(bool(names))
        self.ask_soon()

    def _fill(self, facts: OverlayFacts | None) -> None:
        for made in self._group.buttons():
            self._group.removeButton(made)
            made.deleteLater()
        if facts is None:
            return
        channels = [*range(len(facts.channel_names)), *([MEAN] if facts.heads else [])]
        for place, channel in enumerate(channels):
            made = QToolButton()
            made.setCheckable(True)
            made.setText(_short(facts.name_of(channel)))
            made.setToolTip(facts.name_of(channel))
            made.setIconSize(QSize(_SIDE_PX, _SIDE_PX))
            made.setToolButtonStyle(_UNDER)
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._group.addButton(made, channel + 1)
            self._grid.addWidget(made, place // COLUMNS, place % COLUMNS)

    # ---- Pictures

    def showEvent(self, event: QShowEvent) -> None:
        """Read the pictures when there is somebody to see them."""
        super().showEvent(event)
        self.ask_soon()

    def ask_soon(self, _event: Any = None) -> None:
        """Read the pictures anew once the view has settled."""
        if not self._bench.closed:
            self._settled.start()

    def _ask(self) -> None:
        wanted = self._wanted()
        if wanted is not None:
            path = self._overlay.path
            self._reads.ask("heads", lambda: (path, _pictures(wanted)))

    def _wanted(self) -> _Wanted | None:
        """Return what to read: the view, at a level that is small."""
        overlay, bench = self._overlay, self._bench
        view_px0 = bench.view_box_px0()
        if overlay.tiles is None or view_px0 is None or not self.isVisible():
            return None
        pyramid = overlay.tiles.view.pyramid
        pixel = pixel_px0(pyramid, bench.shown.pixel_um_yx if bench.shown else None)
        box = to_level(view_px0, (max(pixel[0], 1.0), max(pixel[1], 1.0)))
        inside = box.intersection(pyramid.levels[0].box)
        if inside is None:
            return None
        steps = max(0, math.ceil(math.log2(max(inside.shape) / _SIDE_PX / 1.5)))
        level = min(steps, len(pyramid.levels) - 1)
        scaled = to_level(inside, (2.0**level,) * 2)
        turns = bench.rotation.quarter_turns
        facts = overlay.tiles.view.facts
        return _Wanted(pyramid, facts, scaled, level, self.colours, turns)

    def _on_pictures(self, _name: Any, answer: Any) -> None:
        if isinstance(answer, HistoSSLError) or self._bench.closed:
            return  # the canvas shows and says what cannot be read
        path, pictures = answer
        if path != self._overlay.path:
            return
        for channel, made in self.buttons().items():
            if channel in pictures:
                made.setIcon(_icon(pictures[channel]))


def pixel_px0(
    pyramid: Pyramid, slide_um_yx: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the size of an overlay's pixel in level-0 pixels of its slide."""
    if pyramid.pixel_px0_yx is not None:
        return pyramid.pixel_px0_yx
    if pyramid.pixel_um_yx is None or slide_um_yx is None:
        return 1.0, 1.0
    (y, x), (slide_y, slide_x) = pyramid.pixel_um_yx, slide_um_yx
    return y / slide_y, x / slide_x


def _pictures(wanted: _Wanted) -> dict[int, NDArray[np.uint8]]:
    """Read and colour all heads on one scale, in a thread."""
    values = wanted.pyramid.read(wanted.box_px, wanted.level).astype(np.float32)
    if values.ndim == 2:
        values = values[None]
    planes = dict(enumerate(values))
    heads = list(wanted.facts.heads)
    if heads:
        planes[MEAN] = values[heads].mean(0)
    high = wanted.facts.full_scale or high_of(values)
    table = colour_table(wanted.colours, clear=False)
    return {
        channel: _picture(np.rot90(plane, -wanted.turns), table, high)
        for channel, plane in planes.items()
    }


def _picture(
    plane: NDArray[np.float32], table: NDArray[np.float32], high: float
) -> NDArray[np.uint8]:
    painted = paint(plane, table, (0.0, high))
    opacity = painted[..., 3:]
    rgb = painted[..., :3] * 255 * opacity + np.array(_BACKGROUND) * (1 - opacity)
    return np.ascontiguousarray(np.round(rgb), np.uint8)


def _icon(rgb: NDArray[np.uint8]) -> QIcon:
    height, width = rgb.shape[:2]
    image = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    pixels = QPixmap.fromImage(image.copy())
    return QIcon(pixels.scaled(_SIDE_PX, _SIDE_PX, _KEEP, _SQUARES))


def _short(name: str) -> str:
    """Return a name that fits under a small picture."""
    return name.replace("mean of heads", "mean").replace(" head", "")
