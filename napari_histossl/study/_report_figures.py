"""The drawings of a report, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histossl.study._drawing import (
    COLOURS,
    GREY,
    INK,
    STYLES,
    as_svg,
    new_axes,
)
from napari_histossl.study._intervals import CHANCE, Interval
from napari_histossl.study._orh import OneCondition
from napari_histossl.study._overall import FIGURE_NAMES, AnalysisPlan, Overall
from napari_histossl.study._per_reader import ReaderSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_COLOURED = 12
"""Readers that are told apart in one drawing."""

_BAND = "#DDE8F0"


def draw_roc(readers: Sequence[ReaderSummary]) -> str:
    """Return the ROC curves, and the means of those of complete readers."""
    figure, axes = new_axes(5.2, 5.0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="guessing")
    shown = [reader for reader in readers if reader.roc]
    for place, reader in enumerate(shown):
        x, y = np.array(reader.roc).T
        name = f"{reader.name} ({reader.figures.auc:.2f})"
        axes.plot(x, y, **_line(place, len(shown), name))
    grid = np.linspace(0, 1, 101)
    for place, condition in enumerate(sorted({reader.condition for reader in shown})):
        heights = [
            np.interp(grid, *np.array(reader.roc).T)
            for reader in shown
            if reader.is_complete and reader.condition == condition
        ]
        if len(heights) > 1:
            name = f"mean of curves {condition}".strip()
            mean, style = np.mean(heights, axis=0), STYLES[place]
            axes.plot(grid, mean, style, color=INK, linewidth=2.4, label=name)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("real pictures called synthetic")
    axes.set_ylabel("synthetic pictures called synthetic")
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    return as_svg(figure, "ROC curve of each reader, and the mean of the curves")


def _line(place: int, count: int, name: str) -> dict[str, Any]:
    """Return how a reader is drawn: more than can be told apart are all grey."""
    if count > _MOST_COLOURED:
        label = "each reader" if place == 0 else None
        return {"color": "#999999", "linewidth": 0.8, "label": label}
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": STYLES[place // len(COLOURS) % len(STYLES)],
        "linewidth": 1.2,
        "label": name,
    }


def draw_margin(
    overall: Sequence[Overall], readers: Sequence[ReaderSummary], plan: AnalysisPlan
) -> str:
    """Return the intervals of readers and means against the margin about chance."""
    rows = [_reader_row(reader, plan) for reader in readers]
    shown = [row for row in rows if row is not None]
    means = [of for of in overall if isinstance(of.result, OneCondition)]
    figure, axes = new_axes(7.2, 1.3 + 0.32 * (len(shown) + len(means)))
    low, high = CHANCE - plan.margin, CHANCE + plan.margin
    axes.axvspan(low, high, color=_BAND, zorder=0)
    axes.axvline(CHANCE, color=GREY, linewidth=1, zorder=1)
    names: list[str] = []
    complete = {reader.name for reader in readers if reader.is_complete}
    for name, value, interval in shown:
        place = len(names)
        if interval is not None:
            axes.plot(interval, [place, place], color=COLOURS[0], linewidth=1.2)
        axes.plot([value], [place], "o", color=COLOURS[0], markersize=4)
        names.append(name if name in complete else f"{name}, not finished")
    for of in means:
        _draw_mean(axes, of, len(names))
        names.append(f"mean {of.name}".strip())
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(
        f"{FIGURE_NAMES[plan.figure]}; shaded: margin of {plan.margin:g} about chance"
    )
    text = "Readers with 95 % intervals, means with 90 % (thick) and 95 % (thin)"
    return as_svg(figure, text)


def _draw_mean(axes: Axes, of: Overall, place: int) -> None:
    assert isinstance(of.result, OneCondition)
    assert of.equivalence is not None
    line = [place, place]
    axes.plot(of.result.confidence_interval, line, color=INK, linewidth=1.2)
    axes.plot(of.equivalence.interval, line, color=INK, linewidth=4)
    axes.plot([of.result.estimate], [place], "D", color=INK, markersize=7)


def _reader_row(
    reader: ReaderSummary, plan: AnalysisPlan
) -> tuple[str, float, Interval | None] | None:
    found = reader.figures
    if plan.figure == "accuracy" and found.accuracy is not None:
        return reader.name, found.accuracy.value, found.accuracy.interval
    if plan.figure == "balanced_accuracy" and found.balanced_accuracy is not None:
        return reader.name, found.balanced_accuracy, None
    if plan.figure == "auc" and found.auc is not None:
        return reader.name, found.auc, found.auc_interval
    return None


def draw_times(readers: Sequence[ReaderSummary]) -> str:
    """Return median and quartiles of the time for a picture, right and wrong."""
    timed = [reader for reader in readers if reader.times is not None]
    figure, axes = new_axes(7.2, 1.2 + 0.42 * len(timed))
    sides = (("right", -0.13, COLOURS[0], "o"), ("wrong", 0.13, COLOURS[1], "s"))
    for kind, shift, colour, marker in sides:
        for place, reader in enumerate(timed):
            quartiles = getattr(reader.times, kind)
            if quartiles is None:
                continue
            low, median, high = (value / 1000 for value in quartiles)
            at = place + shift
            axes.plot([low, high], [at, at], color=colour, linewidth=2)
            label = kind if place == 0 else None
            axes.plot([median], [at], marker, color=colour, markersize=5, label=label)
    axes.set_yticks(range(len(timed)), [reader.name for reader in timed])
    axes.set_ylim(len(timed) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds for a picture: median and quartiles")
    axes.legend(fontsize=8, frameon=False)
    return as_svg(figure, "Time for a picture, of right and of wrong answers")


def draw_calibration(readers: Sequence[ReaderSummary]) -> str:
    """Return the share of right answers at each confidence."""
    figure, axes = new_axes(5.2, 3.4)
    axes.axhline(CHANCE, color=GREY, linewidth=1, label="guessing")
    shown = [reader for reader in readers if reader.calibration is not None]
    for place, reader in enumerate(shown):
        assert reader.calibration is not None
        right = reader.calibration.right
        heights = [share.value for share in right.values()]
        line = _line(place, len(shown), reader.name)
        axes.plot(list(right), heights, marker="o", markersize=4, **line)
    axes.set_xticks((1, 2, 3), ("maybe", "probably", "definitely"))
    axes.set(ylim=(-0.03, 1.03), ylabel="share of right answers")
    axes.legend(fontsize=8, frameon=False, ncols=2)
    return as_svg(figure, "Share of right answers at each confidence")
