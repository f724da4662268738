"""Simulated readers and cases, to plan a study and to try the tests that judge it.

What a reader sees in a picture is a number: synthetic pictures lie higher, real ones
lower, by half the separation; readers differ in how far, pictures in how typical they
are of their class, and the rest is noise. Five cuts make the scale of six of it.

References
----------
C. A. Roe, C. E. Metz, "Dorfman-Berbaum-Metz method for statistical analysis of
multireader, multimodality receiver operating characteristic data: validation with
computer simulation", Academic Radiology 4(4), 1997, doi:10.1016/S1076-6332(97)80032-3:
effects of readers and cases on a normal scale. Changed: one condition; an effect acts
towards the right answer, in both classes alike, so that a figure of accuracy follows as
simply as one of area; pictures of one slide share a part of their effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from napari_histossl.errors import StudyError
from napari_histossl.study._covariances import Figure
from napari_histossl.study._ratings import Floats

CUTS = (-1.2, -0.6, 0.0, 0.6, 1.2)
"""Where a step of the scale ends, in standard deviations of the noise."""

_WIDEST = 12.0
"""Separation at which every figure is 1, in standard deviations."""

Levels = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """How readers and pictures differ, in standard deviations of the noise.

    Attributes
    ----------
    reader_sd : float
        How much readers differ in skill.
    case_sd : float
        How much pictures differ in how well they show their class, to all readers.
    slide_share : float
        Part of the variance of pictures that those of one slide share, 0 to 1.
    """

    reader_sd: float = 0.2
    case_sd: float = 0.5
    slide_share: float = 0.5

    def __post_init__(self) -> None:
        if min(self.reader_sd, self.case_sd) < 0 or not 0 <= self.slide_share <= 1:
            raise StudyError(
                f"standard deviations are at least 0 and the share of slides is from 0 "
                f"to 1; got {self}"
            )

    def expected(self, separation: float, figure: Figure) -> float:
        """Return the figure of merit over all readers and pictures.

        Parameters
        ----------
        separation : float
            Distance of the two classes from the middle.
        figure : str
            ``auc``, of the scale of six, ``accuracy`` or ``balanced_accuracy``.
        """
        if figure != "auc":
            spread = np.sqrt(1 + self.reader_sd**2 + self.case_sd**2)
            return float(norm.cdf(separation / spread))
        nodes, weights = np.polynomial.hermite_e.hermegauss(25)
        skill = separation + self.reader_sd * nodes
        synthetic, real = self._share_of_levels(skill), self._share_of_levels(-skill)
        below = np.cumsum(real, axis=1) - real / 2
        area = (synthetic * below).sum(axis=1)
        return float((area * weights).sum() / weights.sum())

    def _share_of_levels(self, middle: Floats) -> Floats:
        edges = np.array([-np.inf, *CUTS, np.inf])
        scaled = (edges - middle[:, None]) / np.sqrt(1 + self.case_sd**2)
        shares: Floats = np.diff(norm.cdf(scaled), axis=1)
        return shares

    def separation_for(self, value: float, figure: Figure) -> float:
        """Return the separation at which a figure has a value.

        Raises
        ------
        StudyError
            If no separation gives that value.
        """
        if not (0 < value < 1):
            raise StudyError(f"a figure lies between 0 and 1; got {value}")
        return float(
            brentq(lambda of: self.expected(of, figure) - value, -_WIDEST, _WIDEST)
        )


@dataclass(frozen=True, slots=True)
class SimulatedStudies:
    """Answers of many simulated studies, as levels 0 to 5 of the scale.

    Attributes
    ----------
    synthetic, real : ndarray of shape (studies, readers, cases) and dtype int8
        Answers to the pictures of each class.
    per_slide : int
        Pictures that follow one another and come from one slide.
    """

    synthetic: Levels
    real: Levels
    per_slide: int

    def first(self, readers: int, per_class: int) -> SimulatedStudies:
        """Return the same studies with the first readers and pictures only."""
        return SimulatedStudies(
            self.synthetic[:, :readers, :per_class],
            self.real[:, :readers, :per_class],
            self.per_slide,
        )


def simulate_studies(
    model: ReaderModel,
    separation: float,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    per_slide: int = 1,
) -> SimulatedStudies:
    """Draw the answers of many studies.

    Parameters
    ----------
    model : ReaderModel
        How readers and pictures differ.
    separation : float
        Distance of the classes from the middle.
    shape : tuple of int
        Studies, readers, and pictures of each class.
    rng : Generator
        Where chance comes from.
    per_slide : int
        Pictures from one slide; each class has slides of its own.
    """
    studies, readers, per_class = shape
    skill = separation + model.reader_sd * rng.standard_normal((studies, readers, 1))
    answers = []
    for sign in (1, -1):
        seen = skill + _case_effects(model, (studies, per_class), rng, per_slide)
        seen = sign * seen + rng.standard_normal(shape)
        answers.append(np.searchsorted(CUTS, seen).astype(np.int8))
    return SimulatedStudies(answers[0], answers[1], per_slide)


def _case_effects(
    model: ReaderModel, shape: tuple[int, int], rng: np.random.Generator, per_slide: int
) -> Floats:
    """Return effects of pictures, of shape (studies, 1, cases)."""
    effects = rng.standard_normal(shape)
    if per_slide > 1:
        slide = np.arange(shape[1]) // per_slide
        of_slide = rng.standard_normal((shape[0], slide[-1] + 1))[:, slide]
        share = model.slide_share
        effects = np.sqrt(1 - share) * effects + np.sqrt(share) * of_slide
    scaled: Floats = model.case_sd * effects[:, None, :]
    return scaled
