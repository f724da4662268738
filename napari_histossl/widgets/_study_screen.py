"""The reading screen: how far one is, the picture, the questions."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from napari_histossl.study.asked import Asked
from napari_histossl.study.showings import Case
from napari_histossl.widgets._study_controls import MINUS, KeyButton
from napari_histossl.widgets._study_look import PlainLabel, bar_of
from napari_histossl.widgets._study_picture import PictureView
from napari_histossl.widgets._study_questions import QuestionBar


class ReadingScreen(QWidget):
    """Everything that is on the screen while a picture is judged.

    Parameters
    ----------
    asked : Asked
        What is asked of each picture.
    clock : callable
        Returns nanoseconds that never go back.

    Attributes
    ----------
    paused : Signal
        A pause is wanted.
    went_back : Signal
        The picture before is wanted; the button is there if the design allows it.
    went_forward : Signal
        The picture whose turn it is is wanted.
    """

    paused = Signal()
    went_back = Signal()
    went_forward = Signal()

    def __init__(
        self, asked: Asked, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__()
        self.picture = PictureView(clock, asked.idle_s)
        self.questions = QuestionBar(asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._build_header(asked))
        column.addWidget(self.picture, 1)
        column.addWidget(self.questions)

    def _build_header(self, asked: Asked) -> QWidget:
        self._place = PlainLabel(13)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMinimumWidth(60)
        self._bar.setAccessibleName("Pictures read")
        self._saved = PlainLabel(12)
        self._saved.setObjectName("faint")
        line = QHBoxLayout()
        line.setSpacing(20)
        line.addWidget(self._place)
        line.addWidget(self._bar, 1)
        line.addWidget(self._saved)
        near = QHBoxLayout()
        near.setSpacing(6)
        picture = self.picture
        for button in (
            KeyButton("", MINUS, lambda: picture.zoom_by(-1), 12, says="Zoom out"),
            KeyButton("", "+", lambda: picture.zoom_by(1), 12, says="Zoom in"),
            KeyButton("Whole", "0", picture.show_whole, 12, says="Whole picture"),
        ):
            near.addWidget(button)
        line.addLayout(near)
        self._back = KeyButton("Back", "B", self.went_back.emit, 12)
        self._back.setVisible(asked.way_back)
        line.addWidget(self._back)
        self._forward = KeyButton("Forward", "F", self.went_forward.emit, 12)
        line.addWidget(self._forward)
        line.addWidget(KeyButton("Pause", "P", self.paused.emit, 12))
        return bar_of(line)

    def show_place(self, case: Case, training: int, again: bool) -> None:
        """Say which picture it is, of how many; never how well one does."""
        done, total = case.position - training, case.total - training
        if case.is_training:
            done, total = case.position, training
        self._forward.setVisible(again)
        word = "Training " if case.is_training else "Again: " if again else ""
        self._place.setText(f"{word}{done} of {total}")
        self._bar.setRange(0, total)
        self._bar.setValue(done - 1)

    def show_saved(self, count: int) -> None:
        """Say how many answers are on the disk."""
        self._saved.setText(f"✓ {count} saved")
