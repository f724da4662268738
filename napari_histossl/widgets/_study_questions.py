"""The questions under the picture: one bar, always of one height."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.study.asked import Asked
from napari_histossl.study.session import CONFIDENCES
from napari_histossl.widgets._study_controls import GAP_PX, KeyButton
from napari_histossl.widgets._study_draft import Draft, Step
from napari_histossl.widgets._study_look import PlainLabel, bar_of

_BUTTONS_IN_A_ROW = 4


class QuestionBar(QStackedWidget):
    """Shows the question that is open.

    Parameters
    ----------
    asked : Asked
        What is asked of each picture.

    Attributes
    ----------
    chosen : Signal of bool
        True for synthetic.
    was_sure : Signal of int
        1 to 3.
    picked : Signal of int
        An answer of a list by its place, from 1.
    accepted : Signal
        Go on: the list, the mark or the feedback is done with.
    unmarked : Signal
        No place gave it away.
    cleared : Signal
        Back by one question.
    """

    chosen = Signal(bool)
    was_sure = Signal(int)
    picked = Signal(int)
    accepted = Signal()
    unmarked = Signal()
    cleared = Signal()

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._class = _ClassPage(self)
        self._feedback = _FeedbackPage(self)
        self._reasons = _ListPage(
            self, "What gave it away?", asked.reasons, "Go on" if asked.mark else "Save"
        )
        self._mark = _MarkPage(self)
        self._pages = {
            Step.CLASS: self._class,
            Step.SURE: self._class,
            Step.THIRD: _ListPage(self, asked.third_question, asked.third_choices),
            Step.REASONS: self._reasons,
            Step.MARK: self._mark,
        }
        # Pages that are never shown must not make the bar higher.
        self.addWidget(self._class)
        self.addWidget(self._feedback)
        for step, is_asked in (
            (Step.THIRD, bool(asked.third_question)),
            (Step.REASONS, bool(asked.reasons)),
            (Step.MARK, asked.mark),
        ):
            if is_asked:
                self.addWidget(self._pages[step])

    def show_draft(self, draft: Draft) -> None:
        """Show the question that is open, and what has been answered."""
        page = self._pages.get(draft.step)
        if page is None:
            return
        self._class.show_draft(draft)
        self._reasons.check(draft.reasons)
        self._mark.show_mark(draft.mark is not None)
        self.setCurrentWidget(page)

    def show_feedback(self, text: str) -> None:
        """Show what the picture is, after an answer of the training block."""
        self._feedback.text.setText(text)
        self.setCurrentWidget(self._feedback)


class _Page(QWidget):
    """A dark bar with something in its middle."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(GAP_PX)
        self.grid.setVerticalSpacing(10)
        column.addWidget(bar_of(self.grid))


class _ClassPage(_Page):
    """Real or synthetic, and how sure."""

    def __init__(self, bar: QuestionBar) -> None:
        super().__init__()
        grid = self.grid
        grid.addWidget(_question("Is it real or synthetic?"), 0, 1)
        grid.addWidget(_question("How sure are you?"), 1, 1)
        self._choices = {
            False: KeyButton("Real", "R", partial(bar.chosen.emit, False)),
            True: KeyButton("Synthetic", "S", partial(bar.chosen.emit, True)),
        }
        self._sure = {
            number: KeyButton(
                word.capitalize(), str(number), partial(bar.was_sure.emit, number)
            )
            for number, word in CONFIDENCES.items()
        }
        # Six columns: two buttons of three, or three buttons of two.
        for place, button in enumerate(self._choices.values()):
            button.setCheckable(True)
            grid.addWidget(button, 0, 2 + 3 * place, 1, 3)
        for place, button in enumerate(self._sure.values()):
            grid.addWidget(button, 1, 2 + 2 * place, 1, 2)
        for column in range(2, 8):
            grid.setColumnMinimumWidth(column, 84)
        self._clear = KeyButton("Clear", "Esc", bar.cleared.emit, 12)
        grid.addWidget(self._clear, 0, 8, Qt.AlignmentFlag.AlignLeft)
        # As wide on both sides, so that the buttons are in the middle.
        for column in (0, 9):
            grid.setColumnStretch(column, 1)

    def show_draft(self, draft: Draft) -> None:
        is_chosen = draft.synthetic is not None
        for synthetic, button in self._choices.items():
            button.setChecked(draft.synthetic is synthetic)
        for button in (*self._sure.values(), self._clear):
            button.setEnabled(is_chosen)


class _ListPage(_Page):
    """One question with a list of answers, by number."""

    def __init__(
        self, bar: QuestionBar, question: str, answers: Iterable[str], go_on: str = ""
    ) -> None:
        super().__init__()
        self._buttons: dict[str, KeyButton] = {}
        self.grid.addWidget(PlainLabel(14, question), 0, 1, 1, _BUTTONS_IN_A_ROW)
        for place, answer in enumerate(answers):
            button = KeyButton(
                answer, str(place + 1), partial(bar.picked.emit, place + 1), 13
            )
            button.setCheckable(bool(go_on))
            row, column = divmod(place, _BUTTONS_IN_A_ROW)
            self.grid.addWidget(button, 1 + row, 1 + column)
            self._buttons[answer] = button
        last = _BUTTONS_IN_A_ROW + 1
        if go_on:
            done = KeyButton(go_on, "Enter", bar.accepted.emit, 13)
            self.grid.addWidget(done, 1, last)
        back = KeyButton("Back", "Esc", bar.cleared.emit, 12)
        self.grid.addWidget(back, 0, last, Qt.AlignmentFlag.AlignLeft)
        for column in (0, last + 1):
            self.grid.setColumnStretch(column, 1)

    def check(self, answers: list[str]) -> None:
        for answer, button in self._buttons.items():
            button.setChecked(answer in answers)


class _MarkPage(_Page):
    """Where is it? By mouse or by keys."""

    def __init__(self, bar: QuestionBar) -> None:
        super().__init__()
        self.grid.addWidget(PlainLabel(14, "Which place gave it away?"), 0, 1, 1, 2)
        hint = PlainLabel(12, "Click it, or drag a box; arrow keys move a cross.")
        hint.setObjectName("faint")
        self.grid.addWidget(hint, 1, 1, 1, 2)
        self._save = KeyButton("Save", "Enter", bar.accepted.emit, 13)
        self.grid.addWidget(self._save, 1, 4)
        self.grid.addWidget(KeyButton("No place", "N", bar.unmarked.emit, 13), 1, 3)
        back = KeyButton("Back", "Esc", bar.cleared.emit, 12)
        self.grid.addWidget(back, 0, 4, Qt.AlignmentFlag.AlignLeft)
        for column in (0, 5):
            self.grid.setColumnStretch(column, 1)

    def show_mark(self, is_marked: bool) -> None:
        self._save.setEnabled(is_marked)


class _FeedbackPage(_Page):
    """What the picture is; only ever in the training block."""

    def __init__(self, bar: QuestionBar) -> None:
        super().__init__()
        self.text = PlainLabel(15)
        line = QHBoxLayout()
        line.setSpacing(2 * GAP_PX)
        line.addWidget(self.text)
        line.addWidget(KeyButton("Next picture", "Enter", bar.accepted.emit))
        self.grid.addLayout(line, 0, 1)
        for column in (0, 2):
            self.grid.setColumnStretch(column, 1)


def _question(text: str) -> PlainLabel:
    label = PlainLabel(14, text)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label
