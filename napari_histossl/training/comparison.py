"""Several kinds of features judged on the same pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.jobs import Progress
from napari_histossl.training.batches import Items
from napari_histossl.training.features import Encoder, encode_all
from napari_histossl.training.labelled import Labelled
from napari_histossl.training.probing import ClassScore, NumberScore, subset

SAME, OTHER = "same", "other"
"""Stain of the pictures that are tested, against those that are known."""

Score = ClassScore | NumberScore

Probe = Callable[
    [
        NDArray[np.float32],
        Labelled,
        NDArray[np.intp],
        Sequence[NDArray[np.float32]],
        Labelled,
    ],
    Sequence[Score],
]
"""Known features, what is known, which of it, tested features in several stains, and
the truth of these, to a score for each stain."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """Features that are judged.

    Attributes
    ----------
    name : str
        What people call them; scores of the same name are averaged.
    make : callable
        Returns the encoder; called when its turn comes.
    """

    name: str
    make: Callable[[], Encoder]


@dataclass(frozen=True, slots=True, eq=False)
class ProbeSets:
    """Pictures to be judged on.

    Attributes
    ----------
    known : Labelled
        In stain A.
    test : Labelled
        Others in stain A.
    restained : Items or None
        Pictures with the labels of `test`, in stain B.
    """

    known: Labelled
    test: Labelled
    restained: Items | None

    def __post_init__(self) -> None:
        if self.known.classes != self.test.classes:
            raise PlanError(
                f"what is known has the classes {', '.join(self.known.classes)}, what "
                f"is tested {', '.join(self.test.classes)}; they must be the same"
            )
        if (self.known.numbers is None) != (self.test.numbers is None):
            raise PlanError(
                "one of the two sets has a score for each picture, the other has not; "
                "give two sets of the same kind"
            )

    @property
    def stains(self) -> dict[str, Items]:
        """What is tested, by stain."""
        stains: dict[str, Items] = {SAME: self.test.pictures}
        if self.restained is not None:
            stains[OTHER] = self.restained
        return stains


@dataclass(frozen=True, slots=True)
class Row:
    """One result.

    Attributes
    ----------
    name : str
        Of the features.
    share : float
        Of the labels that were used, 0 to 1.
    stain : str
        `SAME` or `OTHER`.
    score : ClassScore or NumberScore
        The numbers.
    """

    name: str
    share: float
    stain: str
    score: Score


def compare(
    contestants: Sequence[Contestant],
    sets: ProbeSets,
    probe: Probe,
    into: list[Row],
    *,
    shares: Iterable[float] = (1.0,),
) -> Iterator[Progress]:
    """Judge features one after the other.

    Parameters
    ----------
    contestants : sequence of Contestant
        Whose features.
    sets : ProbeSets
        On what.
    probe : callable
        How.
    into : list of Row
        Receives the results.
    shares : iterable of float
        Of the labels that are used, each above 0 and at most 1.

    Yields
    ------
    Progress
        After each batch of pictures.
    """
    wanted: list[Items] = [sets.known.pictures, *sets.stains.values()]
    total = len(contestants) * sum(map(len, wanted))
    done = 0
    for contestant in contestants:
        encoder = contestant.make()
        found: list[NDArray[np.float32]] = []
        for pictures in wanted:
            for progress in encode_all(encoder, pictures, found):
                yield Progress(done + progress.done, total, message=contestant.name)
            done += len(pictures)
        for share in shares:
            into += _rows(contestant.name, share, sets, probe, found)


def _rows(
    name: str,
    share: float,
    sets: ProbeSets,
    probe: Probe,
    found: Sequence[NDArray[np.float32]],
) -> list[Row]:
    known, *tests = found
    chosen = subset(sets.known.labels, len(known), share)
    scores = probe(known[chosen], sets.known, chosen, tests, sets.test)
    return [
        Row(name, share, stain, score)
        for stain, score in zip(sets.stains, scores, strict=True)
    ]
