"""Pauses and breaks: the picture is hidden, its time stands still, all on record."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer

from napari_histossl.errors import StudyError
from napari_histossl.study.session import Session
from napari_histossl.widgets import _study_texts as texts
from napari_histossl.widgets._study_answering import Answering
from napari_histossl.widgets._study_frame import Frame
from napari_histossl.widgets._study_times import Watch

_LONGEST_IDLE_S = 300
"""Seconds without input after which the window pauses by itself."""

_LOOK_MS = 5000
"""How often it is looked whether anybody is there."""


class Pauses(QObject):
    """Pauses when asked, when nobody is there, and after so many pictures.

    Parameters
    ----------
    window : Frame
        Has a method ``go_on`` that shows the picture whose turn it is.
    session : Session
        The reader's session, whose record names each pause.
    answering : Answering
        The picture on the screen; what was answered and not saved is forgotten.
    watch : Watch
        Its time.
    """

    def __init__(
        self, window: Frame, session: Session, answering: Answering, watch: Watch
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._answering, self._watch = answering, watch
        self._since_break = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.pause_if_idle)
        self._timer.start()

    def stop(self) -> None:
        """Look no more whether anybody is there."""
        self._timer.stop()

    # ---- pauses

    def pause(self) -> None:
        """Hide the picture and stop its clock."""
        self._pause("")

    def pause_if_idle(self) -> None:
        """Pause if nobody did anything for long."""
        longest_s = max(_LONGEST_IDLE_S, self._session.asked.idle_s)
        if self._window.is_reading and self._watch.quiet_ms > 1000 * longest_s:
            self._pause(texts.describe_idle(round(longest_s / 60)))

    def _pause(self, why: str) -> None:
        if not self._window.is_reading:
            return
        self._answering.restart()
        text = why + texts.describe_pause(self._session.answered, self._session.total)
        text += self._note("pause", {"by_itself": bool(why)})
        self._window.show_message("Pause", text, "Go on", self._resume)

    def _resume(self) -> None:
        self._note("resumed", {})
        self._window.show_reading()

    # ---- breaks

    def count(self) -> None:
        """Note that a picture was answered."""
        self._since_break += 1

    def forget(self) -> None:
        """Count from here to the next break."""
        self._since_break = 0

    @property
    def is_break_due(self) -> bool:
        """Whether as many pictures were read as the design allows in one go."""
        return 0 < self._session.asked.break_after <= self._since_break

    def propose_break(self) -> None:
        """Say that it is time to rest."""
        done, total = self._session.answered, self._session.total
        text = texts.describe_break(self._since_break, done, total)
        text += self._note("break", {"after": self._since_break})
        self.forget()
        self._window.show_message("Time for a break", text, "Go on", self._end_break)

    def _end_break(self) -> None:
        self._note("resumed", {})
        self._window.go_on()

    def _note(self, event: str, payload: dict[str, object]) -> str:
        """Put something on record; return a sentence if that failed."""
        try:
            self._session.note(event, payload)
        except StudyError as error:
            return f"<p>This could not be recorded: {texts.in_html(error)}</p>"
        return ""
