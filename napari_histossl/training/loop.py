"""Step after step: progress, checkpoints, the loss on disk, the weights in the end."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from napari_histossl.errors import WeightsError
from napari_histossl.jobs import Progress
from napari_histossl.models.weights import check_target, save_weights
from napari_histossl.training.checkpoint import read_checkpoint, write_checkpoint
from napari_histossl.training.curve import LossCurve, draw_curve
from napari_histossl.training.trainer import Trainer

_CHECKPOINT_S = 60.0
"""Seconds between checkpoints: what a kill costs at most."""


def steps_in(
    make_trainer: Callable[[], Trainer], minutes: float, *, trial: int = 12
) -> int:
    """Return how many steps fit into a time, measured on this machine now.

    Parameters
    ----------
    make_trainer : callable
        Returns a trainer, which is thrown away.
    minutes : float
        Time for the training.
    trial : int
        Steps that are measured, after two that are not.
    """
    with closing(make_trainer()) as trainer:
        for _ in range(2):
            trainer.step()
        start_s = time.monotonic()
        for _ in range(trial):
            trainer.step()
        step_s = (time.monotonic() - start_s) / trial
    return max(1, int(minutes * 60 / step_s))


def begun_steps(out: str | Path) -> int | None:
    """Return the steps of the unfinished training of a file, or None if none is there.

    A training whose steps were measured must go on with the number it began with.

    Raises
    ------
    WeightsError
        If its checkpoint is damaged.
    """
    checkpoint = _checkpoint_path(Path(out))
    if not checkpoint.exists():
        return None
    try:
        return int(json.loads(read_checkpoint(checkpoint)["recipe"])["steps"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{checkpoint} is not a checkpoint of this training; delete it or start "
            f"anew with --overwrite"
        ) from error


def train(
    trainer: Trainer,
    out: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    half: bool = False,
) -> Iterator[Progress]:
    """Train and write the model.

    Parameters
    ----------
    trainer : Trainer
        Knows the method, the recipe and the pictures.
    out : str or Path
        File of weights to write, ending in ``.safetensors``. Beside it are written
        ``.checkpoint`` while it is not finished, ``.csv`` with the loss of every step,
        and ``.png`` with its curve.
    provenance : mapping, optional
        Written into the file with the recipe and versions.
    overwrite : bool
        Start anew although a checkpoint is there.
    half : bool
        Store 16-bit numbers: half the size, features equal to about three digits.

    Yields
    ------
    Progress
        After each step; the message gives its numbers.

    Raises
    ------
    PlanError
        If a checkpoint of another recipe is there.
    TrainingError
        If the loss is no longer a number; the last good checkpoint stays.
    WeightsError
        If a file cannot be written.
    """
    check_target(out)
    target = Path(out)
    checkpoint = _checkpoint_path(target)
    with closing(trainer):
        if checkpoint.exists() and not overwrite:
            trainer.restore(read_checkpoint(checkpoint))
        yield from _steps(trainer, checkpoint, target.with_suffix(".csv"))
    draw_curve(target.with_suffix(".csv"), target.with_suffix(".png"))
    recipe = asdict(trainer.recipe)
    facts = {**(provenance or {}), "recipe": recipe, "torch": torch.__version__}
    model = copy.deepcopy(trainer.model).cpu()
    save_weights(
        model.half() if half else model, trainer.spec, target, provenance=facts
    )
    checkpoint.unlink(missing_ok=True)


def _steps(trainer: Trainer, checkpoint: Path, table: Path) -> Iterator[Progress]:
    """Take the steps that are left, with a checkpoint now and then."""
    saved_s = time.monotonic()
    total = trainer.total_steps
    with closing(LossCurve(table, trainer.step_index)) as curve:
        while not trainer.is_done:
            report = trainer.step()
            curve.add(trainer.step_index, report)
            if time.monotonic() - saved_s > _CHECKPOINT_S:
                write_checkpoint(checkpoint, trainer.state())
                draw_curve(table, table.with_suffix(".png"))
                saved_s = time.monotonic()
            yield Progress(trainer.step_index, total, message=str(report))


def _checkpoint_path(out: Path) -> Path:
    return out.with_name(out.name + ".checkpoint")
