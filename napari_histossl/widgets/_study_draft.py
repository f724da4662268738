"""An answer while it is being given, question by question. No Qt."""

from __future__ import annotations

from enum import Enum
from typing import Any

from napari_histossl.study.asked import Asked
from napari_histossl.study.session import CONFIDENCES

Mark = tuple[int, int, int, int]
"""First row, first column, height and width in pixels of the picture."""


class Step(Enum):
    """Which question is open."""

    CLASS = "class"
    SURE = "sure"
    THIRD = "third"
    REASONS = "reasons"
    MARK = "mark"
    DONE = "done"


class Draft:
    """What has been answered to one picture; nothing of it is saved yet.

    Parameters
    ----------
    asked : Asked
        What is asked of each picture.

    Attributes
    ----------
    step : Step
        The question that is open.
    synthetic : bool or None
        What was chosen.
    confidence : int
        How sure; 0 before that is said.
    reasons : list of str
        In the order in which they were given.
    mark : tuple of int or None
        The place that gave it away.
    decided_ms : int
        When real or synthetic, and how sure, had been said.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._path: list[Step] = []
        self.step = Step.CLASS
        self.synthetic: bool | None = None
        self.confidence = 0
        self.category = ""
        self.reasons: list[str] = []
        self.mark: Mark | None = None
        self.decided_ms = 0

    def choose(self, synthetic: bool) -> bool:
        """Choose real or synthetic; it may be changed until one says how sure."""
        if self.step not in (Step.CLASS, Step.SURE):
            return False
        self.synthetic = synthetic
        if self.step is Step.CLASS:
            self._go_to(Step.SURE)
        return True

    def be_sure(self, confidence: int, now_ms: int) -> bool:
        """Say how sure; return whether that was asked."""
        if self.step is not Step.SURE or confidence not in CONFIDENCES:
            return False
        self.confidence, self.decided_ms = confidence, now_ms
        self._advance()
        return True

    def categorise(self, number: int) -> bool:
        """Answer the third question by its place, from 1."""
        if self.step is not Step.THIRD:
            return False
        if not 1 <= number <= len(self._asked.third_choices):
            return False
        self.category = self._asked.third_choices[number - 1]
        self._advance()
        return True

    def toggle_reason(self, number: int) -> bool:
        """Give a reason by its place, from 1, or take it back."""
        if self.step is not Step.REASONS or not 1 <= number <= len(self._asked.reasons):
            return False
        reason = self._asked.reasons[number - 1]
        if reason in self.reasons:
            self.reasons.remove(reason)
        else:
            self.reasons.append(reason)
        return True

    def place_mark(self, mark: Mark | None) -> bool:
        """Say which place gave it away; None for none."""
        if self.step is not Step.MARK:
            return False
        self.mark = mark
        return True

    def accept(self) -> bool:
        """Go on from reasons or mark; return whether there was something to end."""
        if self.step not in (Step.REASONS, Step.MARK):
            return False
        self._advance()
        return True

    def back(self) -> bool:
        """Go back by one question; return whether there was one."""
        if not self._path or self.step is Step.DONE:
            return False
        self.step = self._path.pop()
        if self.step is Step.CLASS:
            self.synthetic = None
        return True

    def _go_to(self, step: Step) -> None:
        self._path.append(self.step)
        self.step = step

    def _advance(self) -> None:
        steps = [Step.SURE, *self._more_steps(), Step.DONE]
        self._go_to(steps[steps.index(self.step) + 1])

    def _more_steps(self) -> list[Step]:
        # Only where it was called synthetic is there something that gave it away.
        wanted = {
            Step.THIRD: bool(self._asked.third_question),
            Step.REASONS: bool(self._asked.reasons) and self.synthetic is True,
            Step.MARK: self._asked.mark and self.synthetic is True,
        }
        return [step for step, is_wanted in wanted.items() if is_wanted]

    def details(self) -> dict[str, Any]:
        """Return what belongs to the answer beside class and confidence."""
        found: dict[str, Any] = {}
        if self._asked.third_question:
            found["category"] = self.category
        if self.synthetic and self._asked.reasons:
            found["reasons"] = list(self.reasons)
        if self.synthetic and self._asked.mark:
            found["mark"] = None if self.mark is None else list(self.mark)
        return found
