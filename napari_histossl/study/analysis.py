"""The whole analysis of a study, from answers to sentences.

Nothing here is chosen by looking at the answers: the figure of merit and the margin
come with the plan, the primary analysis uses first readings of complete readers, and
what is not valid for the data is said in place of a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_histossl.errors import StudyError
from napari_histossl.study._between_readers import NamedAgreement, agree
from napari_histossl.study._conclusions import conclude
from napari_histossl.study._equivalence import Equivalence, tost
from napari_histossl.study._layouts import TwoConditions
from napari_histossl.study._orh import OneCondition
from napari_histossl.study._overall import AnalysisPlan, Overall
from napari_histossl.study._per_reader import ReaderSummary, summarise_reader
from napari_histossl.study._sensitivity import check_assumptions
from napari_histossl.study.course import MeanOfReaders, mean_of_readers
from napari_histossl.study.fooling import (
    GeneratorPair,
    GeneratorRate,
    PictureRate,
    analyse_readings,
    compare_generators,
    generators_of,
    holm,
    rate_generators,
    rate_pictures,
)
from napari_histossl.study.readings import (
    Flow,
    Reading,
    Selected,
    in_order,
    select_readings,
)

FEW_CLUSTERS = 20
"""Below it a caution stands beside an interval.

Simulated: 200 pictures of 10 slides, 15 readers, risk 5 %: 6 to 7 % on one side; of 20
slides 5.5 %. Taking the pictures as independent: 20 % and more.
"""


@dataclass(frozen=True, slots=True)
class StudyAnalysis:
    """Everything that a report shows.

    Attributes
    ----------
    plan : AnalysisPlan
        What was asked.
    flow : Flow
        Which answers went where.
    readers : tuple of ReaderSummary
        One by one, condition by condition, sorted by name.
    overall : tuple of Overall
        Means over readers, one for each condition.
    comparison : Overall or None
        The difference of two conditions; None if there is one condition.
    sensitivity : tuple of Overall
        The same with other choices.
    per_generator : tuple of Overall
        Each generator against all real pictures; empty if there is one.
    generators : tuple of GeneratorRate
        How often each was called real; this and the two beside it are empty where
        there are two conditions.
    pairs : tuple of GeneratorPair
        Generators compared, Holm-corrected.
    pictures : tuple of PictureRate
        Those called real most often first.
    agreement : tuple of NamedAgreement
        Between readers.
    drift : MeanOfReaders or None
        Change of accuracy per 100 pictures.
    conclusions : tuple of str
        In plain words, no more than the tests say.
    """

    plan: AnalysisPlan
    flow: Flow
    readers: tuple[ReaderSummary, ...]
    overall: tuple[Overall, ...]
    comparison: Overall | None
    sensitivity: tuple[Overall, ...]
    per_generator: tuple[Overall, ...]
    generators: tuple[GeneratorRate, ...]
    pairs: tuple[GeneratorPair, ...]
    pictures: tuple[PictureRate, ...]
    agreement: tuple[NamedAgreement, ...]
    drift: MeanOfReaders | None
    conclusions: tuple[str, ...]


def analyse_study(
    readings: Sequence[Reading], plan: AnalysisPlan | None = None
) -> StudyAnalysis:
    """Analyse the answers of a study.

    Parameters
    ----------
    readings : sequence of Reading
        All answers, beside the truth.
    plan : AnalysisPlan, optional
        Figure of merit and margin, set before the study.

    Raises
    ------
    StudyError
        If the answers contradict one another.
    """
    plan = AnalysisPlan() if plan is None else plan
    selected = select_readings(readings, plan.pictures)
    readers = _summarise(readings, selected)
    overall = tuple(
        analyse_overall(condition, _under(selected.primary, condition), plan)
        for condition in _conditions(selected)
    )
    comparison = _compare_conditions(selected, plan)
    is_single = len(overall) == 1
    return StudyAnalysis(
        plan,
        selected.flow,
        readers,
        overall,
        comparison,
        check_assumptions(selected, plan) if is_single else (),
        _analyse_generators(selected, plan) if is_single else (),
        rate_generators(selected.primary) if is_single else (),
        compare_generators(selected.primary) if is_single else (),
        rate_pictures(selected.primary or selected.test),
        agree(selected, _conditions(selected)),
        _mean_drift(readers),
        conclude(overall, comparison, readers, plan),
    )


def _summarise(
    readings: Sequence[Reading], selected: Selected
) -> tuple[ReaderSummary, ...]:
    """Return what each reader did under each condition that was theirs."""
    found = []
    for condition in _conditions(selected):
        names = {of.reader for of in readings if of.condition in (condition, "")}
        found += [
            summarise_reader(name, condition, selected)
            for name in sorted(names, key=in_order)
        ]
    return tuple(found)


def _mean_drift(readers: Sequence[ReaderSummary]) -> MeanOfReaders | None:
    """Return the mean drift; who read under two conditions counts once."""
    slopes: dict[str, list[float]] = {}
    for reader in readers:
        if reader.drift is not None:
            slopes.setdefault(reader.reader, []).append(reader.drift)
    means = [sum(of) / len(of) for of in slopes.values()]
    return mean_of_readers(means) if means else None


def _conditions(selected: Selected) -> list[str]:
    return sorted({reading.condition for reading in selected.test}) or [""]


def _under(readings: Sequence[Reading], condition: str) -> list[Reading]:
    return [reading for reading in readings if reading.condition == condition]


def analyse_overall(
    name: str, readings: Sequence[Reading], plan: AnalysisPlan
) -> Overall:
    """Return the mean over readers, with its test, or why there is none.

    Parameters
    ----------
    name : str
        What to call it.
    readings : sequence of Reading
        First readings of complete readers under one condition.
    plan : AnalysisPlan
        Figure of merit and margin.
    """
    try:
        found = analyse_readings(readings, figure=plan.figure)
    except StudyError as error:
        return Overall(name, None, None, str(error))
    few = any(reading.cluster for reading in readings) and found.clusters < FEW_CLUSTERS
    note = (
        f"from {found.clusters} slides or patients only: with so few, intervals are a "
        f"little too short"
    )
    return Overall(name, found, tost(found, margin=plan.margin), note if few else "")


def _compare_conditions(selected: Selected, plan: AnalysisPlan) -> Overall | None:
    conditions = _conditions(selected)
    if len(conditions) < 2:
        return None
    name = " minus ".join(conditions)
    ordered = sorted(selected.primary, key=lambda reading: reading.condition)
    of = [reading.condition for reading in ordered]
    try:
        found = analyse_readings(ordered, of, plan.figure)
    except StudyError as error:
        return Overall(name, None, None, str(error))
    if not isinstance(found, TwoConditions):
        return Overall(name, None, None, "one of the conditions has no complete reader")
    return Overall(name, found, tost(found, chance=0.0, margin=plan.margin), "")


def _analyse_generators(selected: Selected, plan: AnalysisPlan) -> tuple[Overall, ...]:
    """Return each generator alone, with p-values corrected for their number."""
    names = generators_of(selected.primary)
    if len(names) < 2:
        return ()
    found = [
        analyse_overall(
            name,
            [of for of in selected.primary if not of.synthetic or of.generator == name],
            plan,
        )
        for name in names
    ]
    tested = [index for index, of in enumerate(found) if of.equivalence is not None]
    corrected = holm([_p_of(found[index].equivalence) for index in tested])
    for index, p_holm in zip(tested, corrected, strict=True):
        found[index] = replace(found[index], p_holm=p_holm)
    return tuple(found)


def _p_of(equivalence: Equivalence | None) -> float:
    assert equivalence is not None
    return equivalence.p


__all__ = [
    "AnalysisPlan",
    "NamedAgreement",
    "OneCondition",
    "Overall",
    "ReaderSummary",
    "StudyAnalysis",
    "analyse_overall",
    "analyse_study",
]
