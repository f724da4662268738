"""The loss of every step, as a table and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.training.trainer import StepReport

_SIZE_PX = (640, 360)
"""Width and height of the picture."""

_MARGIN_PX = (64, 24, 16, 40)
"""Left, top, right, bottom: room for the numbers."""

_INK, _PALE, _BLUE = (40, 40, 40), (190, 205, 225), (20, 80, 160)
_ORANGE = (215, 110, 0)

_VALIDATION = "validation"
"""Column of a measure from 0 to 1, where a training has one."""


class LossCurve:
    """A CSV file with a row for every step.

    A resumed training cuts off what it repeats.

    Parameters
    ----------
    path : Path
        The file.
    steps_kept : int
        Steps that the training it goes on from has done.
    """

    def __init__(self, path: Path, steps_kept: int) -> None:
        self._rows = _read(path)[: steps_kept + 1] if steps_kept else []
        self._stream = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._stream)
        self._writer.writerows(self._rows)
        self._begun = bool(self._rows)

    def add(self, step: int, report: StepReport) -> None:
        """Write the numbers of a step."""
        named = asdict(report)
        if not self._begun:
            self._writer.writerow(["step", *named])
            self._begun = True
        self._writer.writerow([step, *(f"{value:.5f}" for value in named.values())])
        self._stream.flush()  # a kill must not leave a gap before the checkpoint

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def draw_curve(table: Path, picture: Path) -> None:
    """Draw the loss over the steps: every step in pale, a running mean in blue.

    Where a training judges itself on other pictures, that measure is drawn in orange, 0
    at the bottom and 1 at the top.

    Parameters
    ----------
    table : Path
        What `LossCurve` wrote.
    picture : Path
        PNG file to write.
    """
    from PIL import Image, ImageDraw

    names, *rows = _read(table) or [[]]
    steps = np.array([int(row[0]) for row in rows])
    losses = np.array([float(row[1]) for row in rows])
    image = Image.new("RGB", _SIZE_PX, "white")
    pen = ImageDraw.Draw(image)
    if len(losses):
        scale = _Scale(steps, losses)
        _axes(pen, scale)
        pen.line(scale.points(steps, losses), fill=_PALE)
        pen.line(scale.points(steps, _running_mean(losses)), fill=_BLUE, width=2)
    if len(losses) and _VALIDATION in names:
        column = names.index(_VALIDATION)
        _draw_measure(pen, steps, np.array([float(row[column]) for row in rows]))
    image.save(picture, format="PNG")


def _draw_measure(pen: Any, steps: NDArray[Any], measures: NDArray[np.float64]) -> None:
    """Draw a measure from 0 to 1, as soon as there is one, and its last value."""
    known = np.isfinite(measures)
    if not known.any():
        return
    scale = _Scale(steps, np.array([0.0, 1.0]))
    pen.line(scale.points(steps[known], measures[known]), fill=_ORANGE, width=2)
    words = f"{_VALIDATION} {measures[known][-1]:.3f}, from 0 to 1"
    pen.text((scale.left + scale.width, 6), words, fill=_ORANGE, anchor="ra")


class _Scale:
    """Steps and losses to pixels of the picture."""

    def __init__(self, steps: NDArray[Any], losses: NDArray[np.float64]) -> None:
        left, top, right, bottom = _MARGIN_PX
        self.left, self.top = left, top
        self.width = _SIZE_PX[0] - left - right
        self.height = _SIZE_PX[1] - top - bottom
        self.steps = (float(steps[0]), max(float(steps[-1]), float(steps[0]) + 1))
        low, high = float(losses.min()), float(losses.max())
        spare = max(0.05 * (high - low), 1e-6)
        self.losses = (low - spare, high + spare)

    def points(
        self, steps: NDArray[Any], losses: NDArray[np.float64]
    ) -> list[tuple[float, float]]:
        """Return (x, y) of each step."""
        along = (steps - self.steps[0]) / (self.steps[1] - self.steps[0])
        up = (losses - self.losses[0]) / (self.losses[1] - self.losses[0])
        x = self.left + along * self.width
        y = self.top + (1 - up) * self.height
        return list(zip(x.tolist(), y.tolist(), strict=True))


def _axes(pen: Any, scale: _Scale) -> None:
    """Draw a frame, three numbers along each side, and what they are."""
    left, top = scale.left, scale.top
    right, bottom = left + scale.width, top + scale.height
    pen.rectangle([left, top, right, bottom], outline=_INK)
    for share in (0.0, 0.5, 1.0):
        step = scale.steps[0] + share * (scale.steps[1] - scale.steps[0])
        loss = scale.losses[0] + share * (scale.losses[1] - scale.losses[0])
        along, up = left + share * scale.width, bottom - share * scale.height
        pen.text((along, bottom + 4), f"{step:.0f}", fill=_INK, anchor="ma")
        pen.text((left - 6, up), f"{loss:.3g}", fill=_INK, anchor="rm")
    pen.text(((left + right) / 2, bottom + 20), "step", fill=_INK, anchor="ma")
    pen.text((left, 6), "loss", fill=_INK, anchor="la")


def _running_mean(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each step and those about it, fewer at both ends."""
    reach = max(1, len(losses) // 50)
    sums = np.concatenate([[0.0], losses.cumsum()])
    places = np.arange(len(losses))
    first = np.maximum(places - reach, 0)
    last = np.minimum(places + reach + 1, len(losses))
    mean: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return mean


def _read(path: Path) -> list[Sequence[str]]:
    """Return all rows, that of the names first; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))
