"""Measure how fast a plan is here; loads its models, which the run then need not."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any, Protocol

import numpy as np

from napari_histossl.overlays.cost import Calibration, choose_batch
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Predictor, kind_of
from napari_histossl.slide import SlideSource

_LEAST_S = 0.15
"""Measured at least this long, unless a single batch takes longer."""


class Measurable(Predictor, Protocol):
    """A predictor that can be tried without reading the slide."""

    def drawn(self, count: int) -> Any:
        """Return what `read` might of so many tiles: noise."""


def calibrate(source: SlideSource, plan: RunPlan) -> Calibration:
    """Time what a plan does with tiles, on drawn ones.

    Parameters
    ----------
    source : SlideSource
        The slide; opened, not read.
    plan : RunPlan
        Of a kind that reads tiles of one size; its tiles are not used.

    Returns
    -------
    Calibration
        For batches of the size that suits the models.

    Raises
    ------
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    PlanError
        If a GPU is asked for and absent.

    Notes
    -----
    Takes about half a second with models that are loaded. Reading the slide is not
    measured: it goes on beside the models.
    """
    with closing(_measurable(source, plan)) as predictor:

        def batch_s(count: int) -> float:
            inputs = predictor.drawn(count)
            start_s = time.perf_counter()
            predictor.compute(inputs)
            return time.perf_counter() - start_s

        batch_s(1)  # the first call of all sets up threads and kernels
        count = choose_batch(batch_s(1))
        times = [batch_s(count)]
        while sum(times) < _LEAST_S:
            times.append(batch_s(count))
        return Calibration(float(np.median(times)) / count, predictor.device)


def _measurable(source: SlideSource, plan: RunPlan) -> Measurable:
    made: Any = kind_of(plan).make_predictor(source, plan)
    return made  # type: ignore[no-any-return]
