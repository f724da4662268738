"""Measure how fast a plan's model is here; loads it, which the run then need not."""

from __future__ import annotations

import time

import numpy as np
import torch

from napari_histossl.overlays.cost import Calibration, choose_batch
from napari_histossl.overlays.device import (
    choose_device,
    describe_device,
    half_precision,
)
from napari_histossl.overlays.loaded import loaded_model
from napari_histossl.overlays.plan import RunPlan

_LEAST_S = 0.15
"""Measured at least this long, unless a single batch takes longer."""


def calibrate(plan: RunPlan) -> Calibration:
    """Time the model of a plan on drawn tiles.

    Parameters
    ----------
    plan : RunPlan
        Its tiles are not used.

    Returns
    -------
    Calibration
        For batches of the size that suits the model.

    Raises
    ------
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    PlanError
        If a GPU is asked for and absent.

    Notes
    -----
    Takes about half a second with a model that is loaded. Reading the slide is not
    measured: it goes on beside the model.
    """
    device = choose_device(plan.device)
    model = loaded_model(plan.spec, plan.weights, plan.weights_sha256, str(device))
    edge = plan.spec.tile_px
    noise = np.random.default_rng(0).normal(size=(1, 3, edge, edge))
    tile = torch.from_numpy(noise.astype(np.float32)).to(device)

    def batch_s(count: int) -> float:
        start_s = time.perf_counter()
        with torch.inference_mode(), half_precision(device, plan.precision):
            weights = model.attention_from(
                tile.expand(count, -1, -1, -1), block=plan.block
            )
            weights.float().cpu()  # waits for a GPU
        return time.perf_counter() - start_s

    batch_s(1)  # the first call of all sets up threads and kernels
    count = choose_batch(batch_s(1))
    times = [batch_s(count)]
    while sum(times) < _LEAST_S:
        times.append(batch_s(count))
    return Calibration(float(np.median(times)) / count, describe_device(device))
