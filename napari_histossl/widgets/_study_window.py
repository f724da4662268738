"""The reading window: one picture, its questions, nothing that could tell.

Not a napari viewer: no file name, no coordinates, no layer, no tooltip. The window
knows neither truth nor score. An answer is on the disk before the next picture comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QCloseEvent, QImage, QKeyEvent

from napari_histossl.errors import StudyError
from napari_histossl.study.session import OutOfTurnError, Session
from napari_histossl.study.showings import Case
from napari_histossl.widgets import _study_texts as texts
from napari_histossl.widgets._study_ahead import Ahead, decode
from napari_histossl.widgets._study_answering import Answer, Answering
from napari_histossl.widgets._study_frame import Frame
from napari_histossl.widgets._study_pauses import Pauses
from napari_histossl.widgets._study_screen import ReadingScreen

_RETRY_MS = 15_000
"""How often an answer that could not be saved is tried again."""


class ReaderWindow(Frame):
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
    """

    answered = Signal(int)

    def __init__(
        self, session: Session, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        screen = ReadingScreen(session.asked, clock)
        super().__init__(screen)
        self.session, self.picture = session, screen.picture
        self._screen, self._ahead = screen, Ahead(self)
        self._unsaved: Answer | None = None
        self._may_lose = False
        self._knows_test = session.training == 0
        self.answering = Answering(session.asked, screen)
        self.answering.answered.connect(self._on_answered)
        self.answering.went_on.connect(self.go_on)
        self.pauses = Pauses(self, session, self.answering, screen.picture.watch)
        screen.paused.connect(self.pauses.pause)
        screen.went_back.connect(self.go_back)
        screen.went_forward.connect(self.go_on)
        screen.picture.painted.connect(self._look_ahead)
        self._retry = QTimer(self)
        self._retry.setInterval(_RETRY_MS)
        self._retry.timeout.connect(self._save_by_itself)
        self._welcome()

    # ---- pages

    def _welcome(self) -> None:
        done, total = self.session.answered, self.session.total
        if done == total:
            self._finish()
            return
        text = texts.welcome_back(done, total) + texts.introduce(self.session)
        start = "Go on" if done else "Start"
        self.show_message(self.session.title, text, start, self.go_on)

    def _finish(self) -> None:
        title = f"All {self.session.total} pictures read"
        self.show_message(title, texts.FINISHED, "Close", self.close)

    def _show_failure(
        self, title: str, error: Exception, retry: Callable[[], object], more: str = ""
    ) -> None:
        text = f"<p>{texts.in_html(error)}</p><p>{more}</p>"
        self.show_message(title, text, "Try again", retry)

    def _show_training_over(self, case: Case) -> None:
        self._knows_test = True
        self.pauses.forget()
        text = texts.training_over(case.total - self.session.training)
        self.show_message("Now the test", text, "Start", self.go_on)

    # ---- reading

    def go_on(self) -> None:
        """Show the picture whose turn it is, or what comes before or after it."""
        try:
            case = self.session.next()
            image = None if case is None else self._ahead.take(case)
        except StudyError as error:
            self._show_failure("The next picture cannot be shown", error, self.go_on)
            return
        if case is None or image is None:
            self._finish()
        elif not (case.is_training or self._knows_test):
            self._show_training_over(case)
        elif self.pauses.is_break_due:
            self.pauses.propose_break()
        else:
            self._show(case, image)

    def _show(self, case: Case, image: QImage, again: bool = False) -> None:
        self.answering.show(case, image, self.session.training, again)
        self.show_reading()

    def _look_ahead(self) -> None:
        """Make the next picture ready while this one is looked at."""
        if self.answering.again:
            return
        try:
            case = self.session.peek()
        except StudyError:  # told when its turn has come
            return
        if case is not None:
            self._ahead.prepare(case)

    def go_back(self) -> None:
        """Show the picture before this one, if the design allows that."""
        now = self.answering.case
        if not self.is_reading or now is None or self.answering.draft is None:
            return
        try:
            case = self.session.earlier(now.position - 1)
            if case is not None:
                self._show(case, decode(case), again=True)
        except StudyError as error:
            self._show_failure("This picture cannot be shown", error, self.go_on)

    def on_reading_key(self, event: QKeyEvent) -> None:
        """Do what a key asks for."""
        command = self.answering.take_key(event)
        name = "" if command is None else command[0]
        if name == "pause":
            self.pauses.pause()
        elif name == "earlier":
            self.go_back()
        elif name == "forward" and self.answering.again:
            self.go_on()

    # ---- saving

    def _on_answered(self, answer: Answer) -> None:
        self._unsaved, self._may_lose = answer, False
        self._save()

    def _save(self) -> None:
        answer = self._unsaved
        if answer is not None and self._is_saved(answer):
            self._after_saving(answer)

    def _is_saved(self, answer: Answer) -> bool:
        """Save an answer; say so if that failed."""
        try:
            self._write(answer)
            done = self.session.answered
        except OutOfTurnError:  # its sentence names the case: not for readers
            self._unsaved = None
            title = "This picture is answered already"
            self.show_message(title, texts.OUT_OF_TURN, "Go on", self.go_on)
            return False
        except StudyError as error:
            self._retry.start()
            title = "Your answer is not saved yet"
            self._show_failure(title, error, self._save, texts.ANSWER_KEPT)
            return False
        self._unsaved = None
        self._retry.stop()
        if not answer.again:
            self.pauses.count()
        self._screen.show_saved(done)
        self.answered.emit(done)
        return True

    def _write(self, answer: Answer) -> None:
        given = (answer.case.case_id, answer.synthetic, answer.confidence)
        if answer.again:
            self.session.correct(*given, "the reader went back")
        else:
            self.session.answer(*given, answer.rt_ms, answer.details)

    def _after_saving(self, answer: Answer) -> None:
        truth = self.session.feedback(answer.case.case_id)
        if truth is None or answer.again:
            self.go_on()
            return
        self.answering.show_feedback(
            texts.describe_feedback(truth, answer.synthetic, answer.confidence)
        )
        self.show_reading()

    def _save_by_itself(self) -> None:
        """Try to save again; the next picture waits for the reader."""
        answer = self._unsaved
        if answer is None:
            self._retry.stop()
        elif self._is_saved(answer):
            self.show_message(
                "Your answer is saved now",
                texts.SAVED_LATER,
                "Go on",
                lambda: self._after_saving(answer),
            )

    # ---- closing

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Save what could not be saved before if that works now; let the file go."""
        if self._unsaved is not None:
            self._save()
        if self._unsaved is not None and not self._may_lose:
            self._may_lose = True
            self.show_message(
                "Your answer is still not saved",
                texts.CLOSING_UNSAVED,
                "Try again",
                self._save,
            )
            if event is not None:
                event.ignore()
            return
        self.pauses.stop()
        self._retry.stop()
        self._ahead.drop()
        self.session.close()
        super().closeEvent(event)
