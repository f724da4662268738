"""Readers who are drawn by chance, to try a study out before anybody reads it.

References
----------
C. A. Roe, C. E. Metz, "Dorfman-Berbaum-Metz method for statistical analysis of
multireader, multimodality receiver operating characteristic data: validation with
computer simulation", Academic Radiology 4(4), 1997,
doi:10.1016/S1076-6332(97)80032-3: what a reader sees is the sum of the class, the
reader, the case and noise. We added a scale of six with fixed cuts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_histossl.study.session import Session

_CUTS = (-1.2, -0.5, 0.0, 0.5, 1.2)
"""Between the six answers, in standard deviations."""


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """How a simulated reader sees.

    Attributes
    ----------
    d_prime : float
        Distance of the classes; 0 cannot tell them apart.
    bias : float
        Above 0 leans to answering synthetic.
    case_spread : float
        Standard deviation of what is alike for all readers of a picture.
    seed : int
        Decides all answers.
    """

    d_prime: float = 0.5
    bias: float = 0.0
    case_spread: float = 0.5
    seed: int = 0


def simulate_session(
    session: Session,
    reader: SimulatedReader,
    look_up: Callable[[str], tuple[str, bool]],
    most: int | None = None,
) -> int:
    """Answer what is left of a session; return how many answers were given.

    Parameters
    ----------
    session : Session
        Open.
    reader : SimulatedReader
        How it sees.
    look_up : callable
        Returns the picture's id and class for the name in the session.
    most : int, optional
        Answers to give at most.
    """
    rng = np.random.default_rng([reader.seed, session.answered])
    given = 0
    while (case := session.next()) is not None and given != most:
        case_id, synthetic = look_up(case.case_id)
        seen = (
            (reader.d_prime if synthetic else -reader.d_prime) / 2
            + reader.bias
            + reader.case_spread * _of_case(case_id)
            + rng.normal()
        )
        ordinal = int(np.searchsorted(_CUTS, seen)) + 1
        rt_ms = int(rng.lognormal(np.log(6000), 0.5))
        said_synthetic = ordinal > 3
        confidence = ordinal - 3 if said_synthetic else 4 - ordinal
        session.answer(case.case_id, said_synthetic, confidence, rt_ms)
        given += 1
    return given


def _of_case(case_id: str) -> float:
    """Return a normal number that only the picture decides."""
    digest = hashlib.sha256(case_id.encode()).digest()
    return float(np.random.default_rng(list(digest)).normal())
