"""The analysis of one condition for thousands of simulated studies at once.

Does what `napari_histossl.study._orh.analyse_one` does, on answers to a scale of six. A
mean covariance of two readers needs no matrix: it is what the variance of the readers'
sum has more than the sum of their variances.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_histossl.study._covariances import Figure
from napari_histossl.study._orh import spread_of_mean
from napari_histossl.study._ratings import Floats
from napari_histossl.study._roe_metz import CUTS, Levels, SimulatedStudies

_STEPS = len(CUTS) + 1
_FIRST_SYNTHETIC = _STEPS // 2


class Means(NamedTuple):
    """Mean figures of many studies; each field has shape (studies,)."""

    estimate: Floats
    standard_error: Floats
    df: Floats


class _OfPart(NamedTuple):
    """What some of the pictures add to variances: of readers, and of their sum."""

    of_readers: Floats
    of_sum: Floats


def analyse_many(studies: SimulatedStudies, figure: Figure) -> Means:
    """Return the mean figure over readers of each study.

    Parameters
    ----------
    studies : SimulatedStudies
        Complete answers.
    figure : str
        ``auc``, ``accuracy`` or ``balanced_accuracy``; the classes are of equal size.

    Notes
    -----
    A study without any spread gets an error of 0; nothing is refused here.
    """
    synthetic, real = _placed(studies, figure)
    values = (
        synthetic.mean(axis=2)
        if figure == "auc"
        else (synthetic.mean(axis=2) + real.mean(axis=2)) / 2
    )
    per_class = synthetic.shape[2]
    starts = np.arange(0, per_class, studies.per_slide)
    if figure == "accuracy":
        both = np.concatenate([synthetic, real], axis=2)
        parts = [_of_part(both, np.append(starts, per_class + starts))]
    else:
        weight = 1.0 if figure == "auc" else 0.5
        parts = [_of_part(weight * of_class, starts) for of_class in (synthetic, real)]
    readers = values.shape[1]
    beyond = np.sum([part.of_sum - part.of_readers for part in parts], axis=0)
    cov2: Floats = beyond / (readers * (readers - 1))
    spread = spread_of_mean(values.var(axis=1, ddof=1), cov2, readers)
    return Means(values.mean(axis=1), spread.standard_error, spread.df)


def _placed(studies: SimulatedStudies, figure: Figure) -> tuple[Floats, Floats]:
    """Return what each picture adds to a reader's figure, of each class."""
    if figure != "auc":
        return (
            (studies.synthetic >= _FIRST_SYNTHETIC).astype(np.float64),
            (studies.real < _FIRST_SYNTHETIC).astype(np.float64),
        )
    synthetic, real = (_shares(of) for of in (studies.synthetic, studies.real))
    below: Floats = np.cumsum(real, axis=2) - real / 2
    above: Floats = 1 - np.cumsum(synthetic, axis=2) + synthetic / 2
    return _look_up(below, studies.synthetic), _look_up(above, studies.real)


def _shares(levels: Levels) -> Floats:
    """Return the share of each step of the scale, of shape (studies, readers, 6)."""
    counts = [(levels == step).sum(axis=2) for step in range(_STEPS)]
    shares: Floats = np.stack(counts, axis=2) / levels.shape[2]
    return shares


def _look_up(table: Floats, levels: Levels) -> Floats:
    studies, readers, _ = table.shape
    start = _STEPS * np.arange(studies * readers).reshape(studies, readers, 1)
    found: Floats = table.reshape(-1)[start + levels]
    return found


def _of_part(added: Floats, starts: NDArray[np.int64]) -> _OfPart:
    """Return variances of means over pictures; `starts` are the first of each slide."""
    centred = added - added.mean(axis=2, keepdims=True)
    if len(starts) < added.shape[2]:
        centred = np.add.reduceat(centred, starts, axis=2)
    factor = len(starts) / (len(starts) - 1) / added.shape[2] ** 2
    of_readers = np.einsum("srn,srn->s", centred, centred) * factor
    whole = centred.sum(axis=1)
    return _OfPart(of_readers, np.einsum("sn,sn->s", whole, whole) * factor)
