"""Signal detection: how far two classes lie apart, and where the line is drawn.

References
----------
M. J. Hautus, "Corrections for extreme proportions and their biasing effects on
estimated values of d'", Behavior Research Methods 27(1), 1995, doi:10.3758/BF03203619:
half a hit and one trial are added, for every table, also where no count is zero.
"""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import norm

from napari_histossl.errors import StudyError


class Detection(NamedTuple):
    """Signal detection: how far the classes lie apart, where the line is drawn.

    Attributes
    ----------
    d_prime : float
        Distance of the classes in standard deviations; 0 is no information.
    criterion : float
        Above 0 leans to answering real, below 0 to answering synthetic.
    """

    d_prime: float
    criterion: float


def d_prime(hits: int, n_signal: int, false_alarms: int, n_noise: int) -> Detection:
    """Return d' and the criterion c, log-linearly corrected.

    Parameters
    ----------
    hits, n_signal : int
        Synthetic pictures called synthetic, and synthetic pictures in all.
    false_alarms, n_noise : int
        Real pictures called synthetic, and real pictures in all.

    Raises
    ------
    StudyError
        If a class is empty or a count is larger than its class.

    Examples
    --------
    >>> found = d_prime(40, 50, 15, 50)
    >>> round(found.d_prime, 3), round(found.criterion, 3)
    (1.334, -0.154)
    """
    if not (0 <= hits <= n_signal and 0 <= false_alarms <= n_noise) or (
        min(n_signal, n_noise) < 1
    ):
        raise StudyError(
            f"d' needs pictures of both classes and counts within them; got {hits} of "
            f"{n_signal} synthetic, {false_alarms} of {n_noise} real"
        )
    z_hit = norm.ppf((hits + 0.5) / (n_signal + 1))
    z_false_alarm = norm.ppf((false_alarms + 0.5) / (n_noise + 1))
    return Detection(float(z_hit - z_false_alarm), float(-(z_hit + z_false_alarm) / 2))
