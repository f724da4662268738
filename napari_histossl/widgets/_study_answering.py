"""Answering one picture: keys and buttons become a draft, the draft an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QKeyEvent

from napari_histossl.study.asked import Asked
from napari_histossl.study.showings import Case
from napari_histossl.widgets._study_draft import Draft, Step
from napari_histossl.widgets._study_keys import Command, reading_command
from napari_histossl.widgets._study_screen import ReadingScreen

_PAN = 0.1
"""How far a key moves the picture, as a part of the window."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be saved.

    Attributes
    ----------
    case : Case
        The picture.
    synthetic, confidence : bool, int
        As `Session.answer` takes them.
    rt_ms : int
        From the first frame to how sure.
    details : dict
        What else belongs to it.
    again : bool
        Whether it corrects an answer given before.
    """

    case: Case
    synthetic: bool
    confidence: int
    rt_ms: int
    details: dict[str, Any]
    again: bool = False


class Answering(QObject):
    """What the reader does to the picture on the screen.

    Parameters
    ----------
    asked : Asked
        What is asked of each picture.
    screen : ReadingScreen
        Where it is shown and asked.

    Attributes
    ----------
    answered : Signal of Answer
        Everything that was asked has been answered; nothing is saved yet.
    went_on : Signal
        The feedback has been seen.
    """

    answered = Signal(object)
    went_on = Signal()

    def __init__(self, asked: Asked, screen: ReadingScreen) -> None:
        super().__init__(screen)
        self._asked, self._screen = asked, screen
        self.case: Case | None = None
        self.draft: Draft | None = None
        self.again = False
        questions = screen.questions
        for signal, name in (
            (questions.chosen, "choose"),
            (questions.was_sure, "number"),
            (questions.picked, "number"),
        ):
            signal.connect(lambda value, name=name: self.do((name, value)))
        for signal, name in (
            (questions.accepted, "accept"),
            (questions.unmarked, "unmark"),
            (questions.cleared, "clear"),
        ):
            signal.connect(lambda name=name: self.do((name, None)))
        screen.picture.marked.connect(self._on_marked)

    # ---- the picture

    def show(self, case: Case, image: QImage, training: int, again: bool) -> None:
        """Show a picture and ask about it."""
        self.case, self.again = case, again
        self._screen.show_place(case, training, again)
        self._screen.picture.show_picture(image)
        self.draft = Draft(Asked() if again else self._asked)
        self._show_draft()

    def restart(self) -> None:
        """Forget what was answered to this picture and not saved."""
        if self.draft is not None:
            self.draft = Draft(Asked() if self.again else self._asked)
            self._show_draft()

    def show_feedback(self, text: str) -> None:
        """Say what the picture was; nothing more is asked about it."""
        self.draft = None
        self._screen.questions.show_feedback(text)

    def _show_draft(self) -> None:
        draft = self.draft
        if draft is None:
            return
        self._screen.questions.show_draft(draft)
        picture = self._screen.picture
        is_marking = draft.step is Step.MARK
        if is_marking != (picture.marker is not None):
            picture.mark(is_marking, draft.mark)

    # ---- the reader

    def take_key(self, event: QKeyEvent) -> Command | None:
        """Do what a key asks for; return what is for others to do."""
        command = reading_command(event, self._step)
        if command is None:
            return None
        return None if self.do(command) else command

    @property
    def _step(self) -> Step:
        return Step.DONE if self.draft is None else self.draft.step

    def do(self, command: Command) -> bool:
        """Do something to the picture or its answer; return whether it was known."""
        self._screen.picture.watch.touch()
        return self._move(command) or self._answer(command)

    def _move(self, command: Command) -> bool:
        name, value = command
        picture = self._screen.picture
        if name == "zoom" and isinstance(value, int):
            picture.zoom_by(value)
        elif name == "whole":
            picture.show_whole()
        elif name in ("pan", "mark") and isinstance(value, tuple):
            if name == "mark":
                picture.move_mark(*value)
            else:
                picture.pan_by(-_PAN * value[0], -_PAN * value[1])
        else:
            return False
        return True

    def _answer(self, command: Command) -> bool:
        name, value = command
        draft = self.draft
        if name == "accept" and draft is None:
            self.went_on.emit()
            return True
        if name not in ("choose", "number", "accept", "clear", "unmark"):
            return False
        # What is not on the screen yet cannot be answered.
        if draft is not None and self._screen.picture.is_seen:
            self._change(draft, name, value)
            self._show_draft()
            if draft.step is Step.DONE:
                self._finish(draft)
        return True

    def _change(self, draft: Draft, name: str, value: object) -> None:
        if name == "choose":
            draft.choose(bool(value))
        elif name == "number" and isinstance(value, int):
            self._take_number(draft, value)
        elif name == "clear":
            draft.back()
        elif name == "unmark":
            if draft.place_mark(None):
                draft.accept()
        elif draft.step is not Step.MARK or draft.mark is not None:
            draft.accept()

    def _take_number(self, draft: Draft, number: int) -> None:
        now_ms = self._screen.picture.seen_ms
        if not draft.be_sure(number, now_ms) and not draft.categorise(number):
            draft.toggle_reason(number)

    def _on_marked(self, mark: Any) -> None:
        if self.draft is not None and self.draft.place_mark(mark):
            self._screen.questions.show_draft(self.draft)

    def _finish(self, draft: Draft) -> None:
        if self.case is None or draft.synthetic is None:
            return
        picture = self._screen.picture
        watch, now_ms = picture.watch, picture.seen_ms
        details = {
            **draft.details(),
            "viewport": picture.viewport.log(now_ms),
            "first_input_ms": watch.first_input_ms,
            "idle_ms": watch.idle_ms,
            "total_ms": now_ms,
        }
        self.answered.emit(
            Answer(
                self.case,
                draft.synthetic,
                draft.confidence,
                draft.decided_ms,
                details,
                self.again,
            )
        )
