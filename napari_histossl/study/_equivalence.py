"""Equivalence by two one-sided tests: a margin is shown, not the lack of a difference.

References
----------
D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power
approach for assessing the equivalence of average bioavailability", Journal of
Pharmacokinetics and Biopharmaceutics 15(6), 1987, doi:10.1007/BF01068419.
W. Chen, N. A. Petrick, B. Sahiner, "Hypothesis testing in noninferiority and
equivalence MRMC ROC studies", Academic Radiology 19(9), 2012,
doi:10.1016/j.acra.2012.04.011.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import t

from napari_histossl.errors import StudyError
from napari_histossl.study._intervals import CHANCE, Interval
from napari_histossl.study._layouts import TwoConditions
from napari_histossl.study._orh import OverReaders

ALPHA = 0.05
"""Risk of saying equivalent where the truth is at the margin."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The outcome of two one-sided tests.

    Attributes
    ----------
    estimate : float
        What was tested.
    chance, margin : float
        The truth is called equivalent within `chance` plus or minus `margin`.
    p_lower, p_upper : float
        Of "not above the lower limit", and of "not below the upper limit".
    interval : Interval
        Of 90 %; the test says equivalent when it lies within the margin.
    """

    estimate: float
    chance: float
    margin: float
    p_lower: float
    p_upper: float
    interval: Interval

    @property
    def p(self) -> float:
        """The larger of the two p-values."""
        return max(self.p_lower, self.p_upper)

    @property
    def is_equivalent(self) -> bool:
        """Whether both tests reject at 5 %."""
        return self.p < ALPHA

    @property
    def limits(self) -> Interval:
        """The margin about chance."""
        return Interval(self.chance - self.margin, self.chance + self.margin)


def tost(
    result: OverReaders, chance: float = CHANCE, margin: float = 0.1
) -> Equivalence:
    """Test whether a figure is equivalent to chance.

    Parameters
    ----------
    result : OverReaders
        What `obuchowski_rockette` returned.
    chance : float
        The middle of the margin; 0 for the difference of two conditions.
    margin : float
        Set before the study, above 0.

    Raises
    ------
    StudyError
        If the margin is not above 0 or too wide to mean anything, or a difference is
        held against 0.5.
    """
    if not (0 < margin < 0.5):
        raise StudyError(
            f"a margin lies between 0 and 0.5 and is set before the study; got {margin}"
        )
    if isinstance(result, TwoConditions) and abs(chance) >= margin:
        raise StudyError(
            f"the difference of two conditions is held against 0, not {chance}; "
            f"give chance=0"
        )
    error, df = result.standard_error, result.df
    return Equivalence(
        result.estimate,
        chance,
        margin,
        float(t.sf((result.estimate - (chance - margin)) / error, df)),
        float(t.cdf((result.estimate - (chance + margin)) / error, df)),
        result.interval(1 - 2 * ALPHA),
    )
