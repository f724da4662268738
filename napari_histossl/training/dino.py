"""Train without labels, small enough for two processor cores: loop, files, resuming.

The method and its references are in `trainer`.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_histossl.jobs import Progress
from napari_histossl.models.weights import check_target, save_weights
from napari_histossl.training.checkpoint import read_checkpoint, write_checkpoint
from napari_histossl.training.recipe import DinoRecipe
from napari_histossl.training.trainer import DinoTrainer, StepReport

_CHECKPOINT_S = 60.0
"""Seconds between checkpoints: what a kill costs at most."""


def steps_in(
    images: NDArray[np.uint8], recipe: DinoRecipe, minutes: float, *, trial: int = 12
) -> int:
    """Return how many steps fit into a time, measured on this machine now.

    Parameters
    ----------
    images : ndarray of shape (N, H, W, 3) and dtype uint8
        Pictures to train on.
    recipe : DinoRecipe
        Numbers; `steps` is not used.
    minutes : float
        Time for the training.
    trial : int
        Steps that are measured, after two that are not.
    """
    trainer = DinoTrainer(images, recipe)
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
    return int(json.loads(read_checkpoint(checkpoint)["recipe"])["steps"])


def _checkpoint_path(out: Path) -> Path:
    return out.with_name(out.name + ".checkpoint")


def train_dino(
    images: NDArray[np.uint8],
    recipe: DinoRecipe,
    out: str | Path,
    *,
    mpp: float = 0.5,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
) -> Iterator[Progress]:
    """Train and write the teacher's transformer.

    Parameters
    ----------
    images : ndarray of shape (N, H, W, 3) and dtype uint8
        Pictures.
    recipe : DinoRecipe
        All numbers.
    out : str or Path
        File of weights to write, ending in ``.safetensors``. Beside it are written
        ``.checkpoint`` while it is not finished, and ``.csv`` with the loss of every
        step.
    mpp : float
        Micrometres per pixel of the pictures.
    provenance : dict, optional
        Written into the file with the recipe and versions.
    overwrite : bool
        Start anew although a checkpoint is there.

    Yields
    ------
    Progress
        After each step; the message gives loss and entropies.

    Raises
    ------
    PlanError
        If the pictures are too few, or a checkpoint of another recipe is there.
    WeightsError
        If a file cannot be written.
    """
    check_target(out)
    target = Path(out)
    trainer = DinoTrainer(images, recipe, mpp=mpp)
    checkpoint = _checkpoint_path(target)
    if checkpoint.exists() and not overwrite:
        trainer.restore(read_checkpoint(checkpoint))
    saved_s = time.monotonic()
    with closing(_LossCurve(target.with_suffix(".csv"), trainer.step_index)) as curve:
        while trainer.step_index < recipe.steps:
            report = trainer.step()
            curve.add(trainer.step_index, report)
            if time.monotonic() - saved_s > _CHECKPOINT_S:
                write_checkpoint(checkpoint, trainer.state())
                saved_s = time.monotonic()
            yield Progress(trainer.step_index, recipe.steps, message=_words(report))
    facts = {**(provenance or {}), "recipe": asdict(recipe), "torch": torch.__version__}
    save_weights(trainer.model, trainer.spec, target, provenance=facts)
    checkpoint.unlink(missing_ok=True)


def _words(report: StepReport) -> str:
    return (
        f"loss {report.loss:.3f}, entropy {report.row_entropy:.2f} of one view, "
        f"{report.mean_entropy:.2f} of all"
    )


class _LossCurve:
    """The loss of every step as CSV; a resumed training cuts off what it repeats."""

    def __init__(self, path: Path, steps_kept: int) -> None:
        rows = _rows(path)[:steps_kept] if steps_kept else []
        self._stream = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._stream)
        self._writer.writerow(["step", "loss", "row_entropy", "mean_entropy"])
        self._writer.writerows(rows)

    def add(self, step: int, report: StepReport) -> None:
        values = (report.loss, report.row_entropy, report.mean_entropy)
        self._writer.writerow([step, *(f"{value:.5f}" for value in values)])
        self._stream.flush()  # a kill must not leave a gap before the checkpoint

    def close(self) -> None:
        self._stream.close()


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1:]
