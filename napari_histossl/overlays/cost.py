"""What a run will cost: operations, seconds, and how many tiles to compute at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.plan import RunPlan

_FLOPS = 3e10
"""Floating-point operations a second on one core, about; until it is measured."""

_CONVOLUTION_FLOPS = 1.5e11
"""The same for networks that are convolutions and little else, which use it better."""

_RESIDUAL_FLOPS = 5e9
"""Of a residual network on 224 px, about: 3.6 for 18 layers, 8.2 for 50."""

_CLASSIFIER_FLOPS = 2.0e11
"""Of ResNet38d of full width on 224 px; they go with the square of the width."""

_SEGMENTER_FLOPS = {"resnet101": 3.4e10, "small": 1.4e9}
"""Of DeepLabV3+ on 224 px, by backbone."""

_BATCH_S = 0.25
"""A batch takes about this long: a person who moves the view waits for one."""

_MOST_TILES = 64
"""In a batch; more make nothing faster, and what is in flight is lost with a kill."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How fast a model is on this machine, measured.

    Attributes
    ----------
    tile_s : float
        Seconds a tile takes in a batch.
    device : str
        Where it was computed, in words for people.
    """

    tile_s: float
    device: str


def tile_flops(spec: ModelSpec) -> float:
    """Return the floating-point operations that one tile costs, about."""
    scale = (spec.tile_px / 224) ** 2
    if spec.task == "classifier":
        return _CLASSIFIER_FLOPS * float(spec.config["width"]) ** 2 * scale
    if spec.task == "segmenter":
        return _SEGMENTER_FLOPS[spec.config["backbone"]] * scale
    if not spec.has_attention:  # residual networks: 2 to 8 GFLOP at 224 px
        return _RESIDUAL_FLOPS * scale
    dim, depth = int(spec.config["embed_dim"]), int(spec.config["depth"])
    tokens = spec.tokens + 1
    per_block = 24 * tokens * dim**2 + 4 * tokens**2 * dim
    embedding = 6 * spec.tokens * dim * spec.token_px**2
    return float(depth * per_block + embedding)


def estimated_tile_s(spec: ModelSpec) -> float:
    """Return the seconds that a tile takes, guessed from its operations."""
    speed = _FLOPS if spec.has_attention else _CONVOLUTION_FLOPS
    return tile_flops(spec) / speed


def choose_batch(tile_s: float) -> int:
    """Return how many tiles to compute at once, so that a batch is short.

    Parameters
    ----------
    tile_s : float
        Seconds a tile takes.

    Returns
    -------
    int
        A power of two from 1 to 64; a batch takes at most a quarter of a second where
        a tile does.

    Examples
    --------
    >>> choose_batch(0.01), choose_batch(0.2), choose_batch(3.0), choose_batch(1e-5)
    (16, 1, 1, 64)
    """
    batch = 1
    while batch < _MOST_TILES and 2 * batch * tile_s <= _BATCH_S:
        batch *= 2
    return batch


def calibrated(
    plan: RunPlan, calibration: Calibration, *, keep_batch: bool = False
) -> RunPlan:
    """Return a plan with its time, and its batch, by measurement.

    Parameters
    ----------
    plan : RunPlan
        As `resolve` gives it, with estimates.
    calibration : Calibration
        As `overlays.calibrate` measures it.
    keep_batch : bool
        Whether the batch was chosen by a person.
    """
    return replace(
        plan,
        seconds=len(plan.tiles_ij) * calibration.tile_s,
        batch=plan.batch if keep_batch else choose_batch(calibration.tile_s),
        notes=(
            *plan.notes,
            f"computed on {calibration.device}, {1 / calibration.tile_s:,.0f} tiles "
            f"a second"
            if calibration.tile_s < 1
            else f"computed on {calibration.device}, {calibration.tile_s:.1f} s a tile",
        ),
    )
