"""The leak check: whether something trivial can tell real from synthetic.

Where it can, readers may find out how a picture was made and not what is on it. A study
that leaks is refused unless its owner overrides that, and the override is recorded.

Notes
-----
How small a leak shows depends on how much pictures differ among themselves. Tried on
drawn tissue of 15 slides, 120 pictures of each class, with stain as stratum: JPEG at
quality 90, a border of 1 px, 3 grey levels and a blur of 0.5 px are found in all of 100
trials each, and 2 % of 200 clean pairs are refused. Without strata 3 grey levels drown
in the differences between stains and are found in 12 %: name the strata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.study.leak_auc import Separation
from napari_histossl.study.leak_features import GROUPS, likeness, miniature
from napari_histossl.study.leak_scores import DEALINGS, find_separations

NEAR_DUPLICATES = "near-duplicates"
"""Name of the group that compares pictures with one another."""

_ALIKE = 0.99
"""Correlation of miniatures from which two pictures are shown as nearly the same."""

_MOST_PAIRS = 50


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture as the check sees it.

    Attributes
    ----------
    name : str
        By what it is called where two are nearly the same.
    synthetic : bool
        Class.
    cluster, stratum : str
        Slide or patient; and site, stain or organ.
    """

    name: str
    synthetic: bool
    cluster: str
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What the leak check found.

    Attributes
    ----------
    real, synthetic : int
        Pictures looked at.
    separations : tuple of Separation
        One for each thing that was looked at.
    alike : tuple of tuple of str
        Pairs of pictures that are nearly the same, the most alike first.
    """

    real: int
    synthetic: int
    separations: tuple[Separation, ...]
    alike: tuple[tuple[str, str], ...] = field(default=())

    @property
    def leaks(self) -> tuple[Separation, ...]:
        """What tells the classes apart."""
        return tuple(found for found in self.separations if found.is_leak)

    @property
    def sentence(self) -> str:
        """The outcome in plain words."""
        looked = f"{self.real} real and {self.synthetic} synthetic pictures"
        if not self.leaks:
            return (
                f"No leak found in {looked}. That does not prove that there is none: "
                f"small differences need many pictures to show."
            )
        named = ", ".join(
            f"{leak.name} (AUC {leak.auc:.2f}, {leak.low:.2f} to {leak.high:.2f})"
            for leak in self.leaks
        )
        return (
            f"The classes of {looked} can be told apart without looking at tissue, by "
            f"{named}: make both classes in the same way"
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> LeakReport:
        """Return the report that `as_json` described."""
        return cls(
            int(content["real"]),
            int(content["synthetic"]),
            tuple(Separation(**row) for row in content["separations"]),
            tuple((str(a), str(b)) for a, b in content["alike"]),
        )


class LeakCheck:
    """Looks for leaks, one step a picture.

    Parameters
    ----------
    suspects : sequence of Suspect
        What is known about each picture.
    read : callable
        Returns the picture at a place, RGB of shape (height, width, 3), uint8.
    seed : int
        Decides how the pictures are cut into parts.
    dealings : int
        How often classes are dealt anew to learn what chance reaches.

    Attributes
    ----------
    report : LeakReport or None
        Set when `run` is through.
    """

    def __init__(
        self,
        suspects: Sequence[Suspect],
        read: Callable[[int], NDArray[np.uint8]],
        seed: int = 0,
        dealings: int = DEALINGS,
    ) -> None:
        self.report: LeakReport | None = None
        self._suspects = tuple(suspects)
        self._read = read
        self._seed, self._dealings = seed, dealings

    def run(self) -> Iterator[Progress]:
        """Look at every picture, then try to tell the classes apart.

        Yields
        ------
        Progress
            Pictures looked at.

        Raises
        ------
        StudyError
            If there are fewer than two pictures of a class.
        """
        rows: dict[str, list[list[float]]] = {name: [] for name in GROUPS}
        miniatures = []
        for place in range(len(self._suspects)):
            picture = self._read(place)
            for name, look in GROUPS.items():
                rows[name].append(look(picture))
            miniatures.append(miniature(picture))
            yield Progress(place + 1, len(self._suspects))
        groups = {name: np.array(numbers) for name, numbers in rows.items()}
        self.report = self._judge(groups, np.array(miniatures))

    def _judge(
        self, groups: dict[str, NDArray[np.float64]], miniatures: NDArray[np.float64]
    ) -> LeakReport:
        labels = [suspect.synthetic for suspect in self._suspects]
        found = find_separations(
            {**groups, NEAR_DUPLICATES: likeness(miniatures)} if len(labels) else {},
            labels,
            [suspect.cluster for suspect in self._suspects],
            [suspect.stratum for suspect in self._suspects],
            self._seed,
            self._dealings,
        )
        return LeakReport(
            len(labels) - sum(labels), sum(labels), found, self._alike(miniatures)
        )

    def _alike(self, miniatures: NDArray[np.float64]) -> tuple[tuple[str, str], ...]:
        alike = np.triu(miniatures @ miniatures.T, 1)
        pairs = np.argwhere(alike > _ALIKE)
        most = np.argsort(-alike[tuple(pairs.T)])[:_MOST_PAIRS]
        names = [suspect.name for suspect in self._suspects]
        return tuple((names[one], names[other]) for one, other in pairs[most].tolist())


def refuse_leaks(report: LeakReport, override: str = "") -> None:
    """Raise `StudyError` if classes leak and nobody took the blame for it.

    Parameters
    ----------
    report : LeakReport
        What was found.
    override : str
        Why the study is made all the same; recorded by the caller.
    """
    if report.leaks and not override.strip():
        raise StudyError(
            f"{report.sentence}, or say why the study is made all the same (override); "
            f"that stands in its report"
        )
