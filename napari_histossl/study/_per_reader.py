"""One reader alone: figures, curve, confidence, time, drift, and second readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_histossl.errors import StudyError
from napari_histossl.study._auc import roc_points
from napari_histossl.study._intervals import Proportion
from napari_histossl.study._reader import ReaderFigures, figures
from napari_histossl.study.agreement import Agreement, cohen_kappa
from napari_histossl.study.calibration import Calibration, calibrate
from napari_histossl.study.course import Times, drift, summarise_times
from napari_histossl.study.readings import Reading, Selected


@dataclass(frozen=True, slots=True)
class Repeats:
    """How far a reader agrees with themselves.

    Attributes
    ----------
    same : Proportion
        Repeats that got the same answer, real or synthetic.
    kappa : Agreement or None
        Cohen's kappa of real or synthetic.
    weighted : Agreement or None
        Quadratically weighted kappa of the scale of six.
    note : str
        Why a kappa has no value.
    """

    same: Proportion
    kappa: Agreement | None
    weighted: Agreement | None
    note: str


@dataclass(frozen=True, slots=True)
class ReaderSummary:
    """What one reader did under one condition.

    Attributes
    ----------
    reader, condition : str
        Pseudonym; condition, empty where there is one.
    read, total : int
        Test pictures answered, and asked for.
    is_complete : bool
        Whether the reader is in the primary analysis.
    figures : ReaderFigures
        Accuracy and the rest, of first readings.
    roc : tuple of (float, float)
        False and true positive shares; empty if a class is.
    calibration : Calibration or None
        None without answers, like `times`.
    times : Times or None
        How long answers took.
    drift : float or None
        Change of accuracy per 100 pictures.
    repeats : Repeats or None
        None without repeats.
    note : str
        What to know before a figure of this reader is believed.
    """

    reader: str
    condition: str
    read: int
    total: int
    is_complete: bool
    figures: ReaderFigures
    roc: tuple[tuple[float, float], ...]
    calibration: Calibration | None
    times: Times | None
    drift: float | None
    repeats: Repeats | None
    note: str

    @property
    def name(self) -> str:
        """The reader, and the condition where there are two."""
        return f"{self.reader}, {self.condition}" if self.condition else self.reader


def summarise_reader(reader: str, condition: str, selected: Selected) -> ReaderSummary:
    """Return what one reader did under one condition.

    Parameters
    ----------
    reader, condition : str
        Pseudonym; condition, empty where there is one.
    selected : Selected
        The answers of the study.
    """
    here = [of for of in selected.test if of.condition == condition]
    mine = [reading for reading in here if reading.reader == reader]
    truth = [reading.synthetic for reading in mine]
    correct = [reading.is_correct for reading in mine]
    confidence = [reading.confidence for reading in mine]
    ratings = [reading.rating for reading in mine]
    both = any(truth) and not all(truth)
    positions = [reading.position for reading in mine]
    asked = {reading.case_id for reading in here} if condition else ()
    again = (pair for pair in selected.repeats if pair[0].condition == condition)
    return ReaderSummary(
        reader,
        condition,
        len(mine),
        len(asked) or selected.flow.pictures,
        reader in selected.flow.complete,
        figures(truth, [reading.said_synthetic for reading in mine], confidence),
        tuple((x, y) for x, y in roc_points(ratings, truth)) if both else (),
        calibrate(confidence, correct) if mine else None,
        summarise_times([of.rt_ms for of in mine], correct) if mine else None,
        drift(positions, correct) if len(set(positions)) > 1 else None,
        _repeats([pair for pair in again if pair[0].reader == reader]),
        _note(mine),
    )


def _note(mine: Sequence[Reading]) -> str:
    if mine and len({reading.rating for reading in mine}) == 1:
        return (
            "gave the same answer to every picture: an accuracy of one half then says "
            "nothing about the pictures"
        )
    if mine and len({reading.said_synthetic for reading in mine}) == 1:
        said = "synthetic" if mine[0].said_synthetic else "real"
        return f"called every picture {said}"
    return ""


def _repeats(pairs: Sequence[tuple[Reading, Reading]]) -> Repeats | None:
    if not pairs:
        return None
    said = [
        [reading.said_synthetic for reading in of] for of in zip(*pairs, strict=True)
    ]
    rated = [[reading.rating for reading in of] for of in zip(*pairs, strict=True)]
    same = sum(first == second for first, second in zip(*said, strict=True))
    kappa, note = _kappa(said[0], said[1], weighted=False)
    weighted, _ = _kappa(rated[0], rated[1], weighted=True)
    return Repeats(Proportion(same, len(pairs)), kappa, weighted, note)


def _kappa(
    first: Sequence[int], second: Sequence[int], *, weighted: bool
) -> tuple[Agreement | None, str]:
    try:
        return cohen_kappa(first, second, "quadratic" if weighted else None), ""
    except StudyError as error:
        return None, str(error)
