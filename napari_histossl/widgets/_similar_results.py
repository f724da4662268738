"""Patches that were found, as small pictures to click."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from napari_histossl.panels.similar import Found, Searched

EDGE_PX = 54
"""Edge of a small picture."""

_HEIGHT_PX = 260
"""Of the list in logical pixels; more results scroll."""

_CELL, _CELL_OF_LIST = QSize(60, 76), QSize(80, 92)
"""Picture and score; and the slide where there are several."""


class ResultList(QListWidget):
    """Small pictures with scores, the most similar first.

    Attributes
    ----------
    chosen : Signal of int
        Which one was clicked, or chosen with the keys and Enter.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setIconSize(QSize(EDGE_PX, EDGE_PX))
        self.setFixedHeight(_HEIGHT_PX)
        self.itemClicked.connect(lambda item: self.chosen.emit(self.row(item)))
        self.itemActivated.connect(lambda item: self.chosen.emit(self.row(item)))

    def fill(self, texts: list[tuple[str, str]], *, is_list: bool) -> None:
        """Show results, each with what stands below it and what a hover says."""
        self.clear()
        self.setGridSize(_CELL_OF_LIST if is_list else _CELL)
        blank = QPixmap(EDGE_PX, EDGE_PX)
        blank.fill(self.palette().alternateBase().color())
        for text, tip in texts:
            item = QListWidgetItem(QIcon(blank), text)
            item.setToolTip(tip)
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self.addItem(item)

    def set_picture(self, index: int, picture: NDArray[np.uint8]) -> None:
        """Show the picture of a result when it has been read."""
        if index < self.count():
            drawn = pixmap(picture)
            icon = QIcon(drawn)
            icon.addPixmap(drawn, QIcon.Mode.Selected)  # Qt tints it otherwise
            self.item(index).setIcon(icon)


def captions(
    found: Found, searched: list[Searched], name_of: Callable[[Searched], str]
) -> list[tuple[str, str]]:
    """Return what stands below each result, and what a hover says."""
    made = []
    for match in found.matches:
        name, score = name_of(searched[match.part]), f"{match.score:.3f}"
        below = f"{score}\n{name}" if len(searched) > 1 else score
        made.append((below, f"{name}, similarity {score}"))
    return made


def summary(found: Found, *, is_list: bool) -> str:
    """Return what was found, in two sentences."""
    asked, slides = len(found.query.rows), len({m.part for m in found.matches})
    like = "this patch" if asked == 1 else f"the mean of {asked} patches"
    among = f" on {slides} slide{'s' if slides > 1 else ''}" if is_list else ""
    return (
        f"{len(found.matches)} patches{among} most like {like}; 1 is the same. Click "
        f"one to go there"
    )


def pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    """Return (H, W, 3) uint8 as Qt draws it."""
    picture = np.ascontiguousarray(picture)
    height, width, _ = picture.shape
    image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)  # a copy: the array may go
