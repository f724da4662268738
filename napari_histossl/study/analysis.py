"""The whole analysis of a study, from answers to sentences.

Nothing here is chosen by looking at the answers: the figure of merit and the margin
come with the plan, the primary analysis uses first readings of complete readers, and
what is not valid for the data is said in place of a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_histossl.study._between_readers import NamedAgreement, agree
from napari_histossl.study._conclusions import conclude
from napari_histossl.study._over_readers import (
    analyse_generators,
    analyse_overall,
    compare_conditions,
    conditions_of,
    under,
)
from napari_histossl.study._overall import AnalysisPlan, Overall
from napari_histossl.study._per_reader import ReaderSummary, summarise_reader
from napari_histossl.study._sensitivity import check_assumptions
from napari_histossl.study.course import MeanOfReaders, mean_of_readers
from napari_histossl.study.fooling import (
    GeneratorPair,
    GeneratorRate,
    PictureRate,
    compare_generators,
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

__all__ = [
    "AnalysisPlan",
    "Overall",
    "ReaderSummary",
    "StudyAnalysis",
    "analyse_study",
]


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
        analyse_overall(condition, under(selected.primary, condition), plan)
        for condition in conditions_of(selected)
    )
    comparison = compare_conditions(selected, plan)
    is_single = len(overall) == 1
    return StudyAnalysis(
        plan,
        selected.flow,
        readers,
        overall,
        comparison,
        check_assumptions(selected, plan) if is_single else (),
        analyse_generators(selected, plan) if is_single else (),
        rate_generators(selected.primary) if is_single else (),
        compare_generators(selected.primary) if is_single else (),
        rate_pictures(selected.primary or selected.test),
        agree(selected, conditions_of(selected)),
        _mean_drift(readers),
        conclude(overall, comparison, readers, plan),
    )


def _summarise(
    readings: Sequence[Reading], selected: Selected
) -> tuple[ReaderSummary, ...]:
    """Return what each reader did under each condition that was theirs."""
    found = []
    for condition in conditions_of(selected):
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
