"""What a study asks and how it will be analysed, fixed before the first answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.asked import Asked
from napari_histossl.study.plan import check_readers

FIGURES = ("auc", "accuracy", "balanced_accuracy")
"""Figures of merit; a margin on one is not a margin on another."""

LAYOUTS = ("one condition", "factorial", "readers nested", "cases nested")
"""Which of readers and cases two conditions share: both, cases only, readers only (the
cases wholly or in part)."""

_ESTIMAND = (
    "mean over the population of readers of the figure of merit with which a reader "
    "tells synthetic from real, over the population of pictures"
)

_HYPOTHESES = (
    "H0: the mean figure of merit is at least the margin away from chance; H1: it is "
    "nearer to chance than the margin (two one-sided tests)"
)

_PLAN = (
    "Obuchowski-Rockette-Hillis over readers and cases, cluster form where cases share "
    "a slide or patient; first readings of test pictures by readers who read all of "
    "them; incomplete readers in a sensitivity analysis"
)

_EXCLUSIONS = (
    "repeats, training and catch pictures are in no primary analysis",
    "readers who did not read all test pictures are in the sensitivity analysis only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Everything about a study but its pictures.

    Attributes
    ----------
    title : str
        Shown to readers.
    hypotheses, estimand, analysis_plan : str
        In words.
    figure : str
        Figure of merit, one of `FIGURES`.
    margin : float
        Of equivalence, about chance, on that figure; above 0, below 0.5.
    layout : str
        One of `LAYOUTS`.
    conditions : tuple of str
        Names of the two conditions; none where there is one.
    exclusions : tuple of str
        Rules by which answers are left out.
    readers : tuple of str
        Pseudonyms of those who are planned.
    training_per_class : int
        Pictures of each class in the training block.
    repeat_share : float
        Share of the test pictures that are shown twice, 0 to 0.5.
    repeat_gap : int
        Pictures from the first showing to the second, at least.
    third_question : str
        Asked after each picture; empty for none.
    third_choices : tuple of str
        Answers to it.
    reasons : tuple of str
        What may give a picture away, asked where it is called synthetic; may be none.
    mark : bool
        Whether the place that gave it away is asked for as well.
    way_back : bool
        Whether answers may be corrected; the answer given first stays on record.
    washout_days : int
        Days between two readings of the same pictures.
    break_after : int
        Pictures after which a break is proposed.
    idle_s : float
        Seconds without input that count as idle.
    """

    title: str = "Reader study"
    hypotheses: str = _HYPOTHESES
    estimand: str = _ESTIMAND
    analysis_plan: str = _PLAN
    figure: str = "auc"
    margin: float = 0.1
    layout: str = "one condition"
    conditions: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = _EXCLUSIONS
    readers: tuple[str, ...] = ("reader-1",)
    training_per_class: int = 5
    repeat_share: float = 0.1
    repeat_gap: int = 20
    third_question: str = ""
    third_choices: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    mark: bool = False
    way_back: bool = False
    washout_days: int = 28
    break_after: int = 50
    idle_s: float = 30.0

    def __post_init__(self) -> None:
        check_readers(self.readers)
        _check_choice("figure of merit", self.figure, FIGURES)
        _check_choice("layout", self.layout, LAYOUTS)
        if not 0 < self.margin < 0.5:
            raise StudyError(
                f"the margin of equivalence lies between 0 and 0.5 of the "
                f"{self.figure}; got {self.margin}"
            )
        if len(self.conditions) != (0 if self.layout == "one condition" else 2):
            raise StudyError(
                f"the layout {self.layout!r} has "
                f"{'no' if self.layout == 'one condition' else 'two'} names of "
                f"conditions; got {', '.join(self.conditions) or 'none'}"
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        if not 0 <= self.repeat_share <= 0.5 or self.repeat_gap < 1:
            raise StudyError(
                f"repeats are a share of 0 to 0.5 at least 1 picture apart; got "
                f"{self.repeat_share} and {self.repeat_gap}"
            )
        if min(self.training_per_class, self.washout_days, self.break_after) < 0:
            raise StudyError(
                "numbers of training pictures, days of washout and pictures before a "
                "break are at least 0"
            )
        if bool(self.third_question.strip()) != (len(self.third_choices) > 1):
            raise StudyError(
                f"a third question has a text and at least two choices; got "
                f"{self.third_question!r} with {len(self.third_choices)}"
            )

    @property
    def asked(self) -> Asked:
        """What a reader is asked, and how a session goes."""
        return Asked(
            third_question=self.third_question,
            third_choices=self.third_choices,
            reasons=self.reasons,
            mark=self.mark,
            way_back=self.way_back,
            break_after=self.break_after,
            idle_s=self.idle_s,
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Protocol:
        """Return a protocol; what is left out has its default.

        Raises
        ------
        StudyError
            If something is unknown or makes no sense.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(content) - known):
            raise StudyError(
                f"a protocol has no {unknown[0]!r}; it has {', '.join(sorted(known))}"
            )
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        try:
            return cls(**values)
        except TypeError as error:
            raise StudyError(f"the protocol makes no sense: {error}") from error


def _check_choice(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise StudyError(
            f"there is no {what} {given!r}; choose one of {', '.join(known)}"
        )
