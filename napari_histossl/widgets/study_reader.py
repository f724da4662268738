"""The reading window: one picture, two questions, nothing that could tell.

Not a napari viewer: no file name, no coordinates, no layer, no tooltip. The window
knows neither truth nor score. An answer is on the disk before the next picture comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QCloseEvent, QGuiApplication, QImage, QKeyEvent
from qtpy.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.errors import StudyError
from napari_histossl.study.session import (
    CONFIDENCES,
    Case,
    OutOfTurnError,
    Session,
)
from napari_histossl.widgets._study_controls import (
    STYLE,
    KeyButton,
    MessagePage,
    plain_label,
)
from napari_histossl.widgets._study_picture import PictureView
from napari_histossl.widgets._study_texts import ANSWER_KEPT, INTRODUCTION, in_html

_CHOICE_KEYS = {
    Qt.Key.Key_R: False,
    Qt.Key.Key_Left: False,
    Qt.Key.Key_S: True,
    Qt.Key.Key_Right: True,
}
_CONFIDENCE_KEYS = {Qt.Key.Key_1: 1, Qt.Key.Key_2: 2, Qt.Key.Key_3: 3}
_CLEAR_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Backspace)
_GO_ON_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_OTHER_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


@dataclass(frozen=True, slots=True)
class _Answer:
    case_id: str
    synthetic: bool
    confidence: int
    rt_ms: int


class ReaderWindow(QWidget):
    """Reads a study with one reader.

    Parameters
    ----------
    session : Session
        The reader's session; closed with the window.
    clock : callable
        Returns nanoseconds that never go back; measures the time of a picture.

    Attributes
    ----------
    answered : Signal of int
        An answer is on the disk; number of answers so far.
    closed : Signal
        The window is closed and the session with it.
    """

    answered = Signal(int)
    closed = Signal()

    def __init__(
        self, session: Session, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__()
        self.session = session
        self._case: Case | None = None
        self._choice: bool | None = None
        self._unsaved: _Answer | None = None
        self._go_on: Callable[[], object] = self.go_on
        self.setObjectName("reader")
        self.setWindowTitle("Reading")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(STYLE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.resize(1200, 900)
        self._build(clock)
        self._welcome()

    # ---- building

    def _build(self, clock: Callable[[], int]) -> None:
        self.picture = PictureView(clock)
        self.message = MessagePage()
        reading = QWidget()
        column = QVBoxLayout(reading)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._build_header())
        column.addWidget(self.picture, 1)
        column.addWidget(self._build_questions())
        self._pages = QStackedWidget()
        self._pages.addWidget(self.message)
        self._pages.addWidget(reading)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)

    def _build_header(self) -> QWidget:
        self._place = plain_label(13)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._saved = plain_label(12)
        self._saved.setObjectName("faint")
        line = QHBoxLayout()
        line.setSpacing(20)
        line.addWidget(self._place)
        line.addWidget(self._bar, 1)
        line.addWidget(self._saved)
        line.addWidget(KeyButton("Pause", "P", self.pause, point_size=12))
        return _bar(line)

    def _build_questions(self) -> QWidget:
        self._choices = {
            False: KeyButton("Real", "R", partial(self.choose, False)),
            True: KeyButton("Synthetic", "S", partial(self.choose, True)),
        }
        self._confidences = {
            number: KeyButton(
                word.capitalize(), str(number), partial(self.commit, number)
            )
            for number, word in CONFIDENCES.items()
        }
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        asked = _question("Is it real or synthetic?")
        grid.addWidget(asked, 0, 1)
        grid.addWidget(_question("How sure are you?"), 1, 1)
        # Six columns: two buttons of three, or three buttons of two.
        for place, button in enumerate(self._choices.values()):
            button.setCheckable(True)
            grid.addWidget(button, 0, 2 + 3 * place, 1, 3)
        for place, button in enumerate(self._confidences.values()):
            grid.addWidget(button, 1, 2 + 2 * place, 1, 2)
        for column in range(2, 8):
            grid.setColumnMinimumWidth(column, 84)
        self._clear = KeyButton("Clear", "Esc", self._clear_choice, point_size=12)
        grid.addWidget(self._clear, 0, 8, Qt.AlignmentFlag.AlignLeft)
        # As wide as the questions on the left, so that the buttons are in the middle.
        grid.setColumnMinimumWidth(8, asked.sizeHint().width())
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(9, 1)
        return _bar(grid)

    # ---- pages

    def _welcome(self) -> None:
        done, total = self.session.answered, self.session.total
        if done == total:
            self._finish()
            return
        again = "" if done == 0 else f"<p>Welcome back: {done} of {total} are read.</p>"
        start = "Start" if done == 0 else "Go on"
        self._show_message(self.session.title, again + INTRODUCTION, start, self.go_on)

    def _show_message(
        self, title: str, text: str, action: str, go_on: Callable[[], object]
    ) -> None:
        self._go_on = go_on
        buttons = [KeyButton(action, "Enter", go_on)]
        if go_on != self.close:
            buttons.append(KeyButton("Close", "Esc", self.close))
        self.message.show_message(title, text, *buttons)
        self._pages.setCurrentIndex(0)
        self.setFocus()

    @property
    def is_reading(self) -> bool:
        """Whether a picture is shown, and not a message."""
        return self._pages.currentIndex() == 1

    def pause(self) -> None:
        """Hide the picture and stop its clock."""
        if not self.is_reading:
            return
        self._clear_choice()
        done, total = self.session.answered, self.session.total
        self._show_message(
            "Pause",
            f"{done} of {total} pictures are read and saved. The time of this picture "
            f"stands still. You can go on now, or close the window and go on another "
            f"day with the same picture.",
            "Go on",
            self._resume,
        )

    def _resume(self) -> None:
        self._pages.setCurrentIndex(1)
        self.setFocus()

    def _finish(self) -> None:
        self._case = None
        total = self.session.total
        self._show_message(
            f"All {total} pictures read",
            "Thank you. Every answer is saved, you can close this window. The results "
            "are opened by the owner of the study.",
            "Close",
            self.close,
        )

    def _show_failure(
        self, title: str, error: Exception, retry: Callable[[], object], more: str = ""
    ) -> None:
        text = f"<p>{in_html(error)}</p><p>{more}</p>"
        self._show_message(title, text, "Try again", retry)

    # ---- reading

    def go_on(self) -> None:
        """Show the picture whose turn it is, or the last page."""
        try:
            case = self.session.next()
            image = None if case is None else _decode(case)
        except StudyError as error:
            self._show_failure("The next picture cannot be shown", error, self.go_on)
            return
        self._case = case
        if case is None or image is None:
            self._finish()
            return
        self._clear_choice()
        self._place.setText(f"{case.position} of {case.total}")
        self._bar.setRange(0, case.total)
        self._bar.setValue(case.position - 1)
        self.picture.show_picture(image)
        self._resume()

    def choose(self, synthetic: bool) -> None:
        """Choose real or synthetic; nothing is saved yet."""
        if not (self.is_reading and self.picture.is_seen):
            return
        self._choice = synthetic
        self._show_choice()

    def _clear_choice(self) -> None:
        self._choice = None
        self._show_choice()

    def _show_choice(self) -> None:
        for synthetic, button in self._choices.items():
            button.setChecked(self._choice is synthetic)
        for button in self._confidences.values():
            button.setEnabled(self._choice is not None)
        self._clear.setEnabled(self._choice is not None)

    def commit(self, confidence: int) -> None:
        """Save the choice with how sure the reader is, then show the next picture."""
        if not self.is_reading or self._choice is None or self._case is None:
            return
        self._unsaved = _Answer(
            self._case.case_id, self._choice, confidence, self.picture.seen_ms
        )
        self._save()

    def _save(self) -> None:
        answer = self._unsaved
        if answer is None:
            return
        try:
            self.session.answer(
                answer.case_id, answer.synthetic, answer.confidence, answer.rt_ms
            )
            done = self.session.answered
        except OutOfTurnError as error:
            self._unsaved = None
            self._show_message(
                "This picture is answered already",
                in_html(error),
                "Go on",
                self.go_on,
            )
            return
        except StudyError as error:
            title = "Your answer is not saved yet"
            self._show_failure(title, error, self._save, ANSWER_KEPT)
            return
        self._unsaved = None
        self._saved.setText(f"✓ {done} saved")
        self.answered.emit(done)
        self.go_on()

    # ---- events

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Answer by keys alone."""
        if event is None:
            return
        # A key that is held down must not answer the pictures that follow.
        if event.isAutoRepeat() or event.modifiers() & _OTHER_MODIFIERS:
            event.ignore()
            return
        key = Qt.Key(event.key())
        if self.is_reading:
            self._on_reading_key(key)
        elif key in _GO_ON_KEYS:
            self._go_on()
        elif key == Qt.Key.Key_Escape:
            self.close()

    def _on_reading_key(self, key: Qt.Key) -> None:
        if key in _CHOICE_KEYS:
            self.choose(_CHOICE_KEYS[key])
        elif key in _CONFIDENCE_KEYS:
            self.commit(_CONFIDENCE_KEYS[key])
        elif key in _CLEAR_KEYS:
            self._clear_choice()
        elif key == Qt.Key.Key_P:
            self.pause()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Save what could not be saved before if that works now; let the file go."""
        if self._unsaved is not None:
            self._save()
        self.session.close()
        self.closed.emit()
        if event is not None:
            event.accept()


def _decode(case: Case) -> QImage:
    image = QImage.fromData(case.png)
    if image.isNull():
        raise StudyError(
            f"picture {case.position} is damaged; go back to a copy of the study file"
        )
    return image


def _bar(layout: QLayout) -> QWidget:
    """Return a dark bar with a layout in it."""
    bar = QWidget()
    bar.setObjectName("bar")
    bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    layout.setContentsMargins(24, 12, 24, 12)
    bar.setLayout(layout)
    return bar


def _question(text: str) -> QLabel:
    label = plain_label(14)
    label.setText(text)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


def open_reader(study_path: str | Path, reader: str, code: str = "") -> ReaderWindow:
    """Open a study for a reader; the window is not shown yet.

    Raises
    ------
    StudyError
        If the file is no study, cannot be written, or does not know the reader.
    """
    display = _describe_display()
    return ReaderWindow(Session.open(study_path, reader, display=display, code=code))


def _describe_display() -> str:
    screen = QGuiApplication.primaryScreen()
    if screen is None:
        return ""
    size, scale = screen.size(), screen.devicePixelRatio()
    return f"{size.width()} x {size.height()} at scale {scale:g}"


def read_study(study_path: str | Path, reader: str, code: str = "") -> None:
    """Let a reader read, in a window of its own; returns when it is closed.

    Raises
    ------
    StudyError
        As `open_reader`.
    """
    application = QApplication.instance()
    if application is None:
        application = QApplication([])
    window = open_reader(study_path, reader, code)
    window.showMaximized()
    application.exec()
