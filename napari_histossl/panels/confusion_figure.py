"""A table of pixels by true and predicted class, as a figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.metrics.segmentation import Confusion
from napari_histossl.panels.figure import Layout, Pixels
from napari_histossl.panels.figure_text import Text, line_of, width_of

_TEXT_PX, _CELL_PX, _MARGIN_PX, _KEY_PX = 18, 92, 24, 14

_NONE, _ALL = np.array([255, 255, 255]), np.array([96, 150, 215])
"""Colours of none and of all pixels of a class; both let dark text be read."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things begin, in pixels."""

    left: int
    top: int
    columns: tuple[str, ...]


def lay_out_confusion(
    confusion: Confusion, classes: ClassTable, title: str = ""
) -> Layout:
    """Return the figure: a row for each true class, its pixels in percent.

    Parameters
    ----------
    confusion : Confusion
        The table.
    classes : ClassTable
        Its classes, which give the colours beside the names.
    title : str, optional
        Line on top.

    Returns
    -------
    Layout
        For `figure_file.save_layout`. The last column is the intersection over union;
        one before it, if there are such pixels, holds what was left to no class.
    """
    names = [info.name for info in classes]
    places = _places(confusion, names, bool(title))
    pieces: list[Pixels | Text] = []
    if title:
        pieces.append(line_of(_MARGIN_PX, _MARGIN_PX, title, _TEXT_PX))
    pieces += _header(places, classes)
    shares = _shares(confusion)
    for row, info in enumerate(classes):
        y = places.top + row * _CELL_PX
        pieces.append(_key(_MARGIN_PX, y + (_CELL_PX - _KEY_PX) // 2, info.colour))
        pieces.append(_middled(_MARGIN_PX + 2 * _KEY_PX, y, None, info.name))
        for column, share in enumerate(shares[row]):
            x = places.left + column * _CELL_PX
            pieces.append(_cell(x, y, share))
            pieces.append(_middled(x, y, _CELL_PX, _percent(share)))
        x = places.left + shares.shape[1] * _CELL_PX
        pieces.append(_middled(x, y, _CELL_PX, _number(confusion.iou[row])))
    bottom = places.top + len(names) * _CELL_PX + _MARGIN_PX // 2
    pieces.append(line_of(_MARGIN_PX, bottom, _summary(confusion), _TEXT_PX))
    width = places.left + len(places.columns) * _CELL_PX + _MARGIN_PX
    width = max(width, *(p.x + p.width + _MARGIN_PX for p in pieces))
    height = bottom + 2 * _TEXT_PX + _MARGIN_PX
    return Layout(height=height, width=width, pieces=tuple(pieces))


def _places(confusion: Confusion, names: list[str], has_title: bool) -> _Places:
    own = ("no class",) if confusion.unassigned.any() else ()
    widest = max(width_of(name, _TEXT_PX) for name in (*names, "true \\ predicted"))
    top = _MARGIN_PX + (2 * _TEXT_PX if has_title else 0) + 3 * _TEXT_PX
    left = _MARGIN_PX + 2 * _KEY_PX + widest + _KEY_PX
    return _Places(left, top, (*names, *own, "IoU"))


def _header(places: _Places, classes: ClassTable) -> list[Pixels | Text]:
    y = places.top - 2 * _TEXT_PX
    pieces: list[Pixels | Text] = [
        line_of(_MARGIN_PX + 2 * _KEY_PX, y, "true \\ predicted", _TEXT_PX)
    ]
    colours = [info.colour for info in classes]
    for column, name in enumerate(places.columns):
        x = places.left + column * _CELL_PX
        if column < len(colours):
            pieces.append(_key(x + (_CELL_PX - _KEY_PX) // 2, y - 8, colours[column]))
        size = _TEXT_PX
        while width_of(name, size) > _CELL_PX - 6 and size > 9:
            size -= 1
        shift = (_CELL_PX - width_of(name, size)) // 2
        pieces.append(line_of(x + shift, y + 10, name, size))
    return pieces


def _shares(confusion: Confusion) -> NDArray[np.float64]:
    """Return what becomes of each true class, rows summing to 1; NaN for no pixel."""
    columns = [confusion.counts]
    if confusion.unassigned.any():
        columns.append(confusion.unassigned[:, None])
    counts = np.concatenate(columns, axis=1)
    support = confusion.support[:, None]
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, support, out=shares, where=support > 0)
    return shares


def _key(x: int, y: int, colour: tuple[int, int, int]) -> Pixels:
    return _block(x, y, _KEY_PX, np.array(colour))


def _cell(x: int, y: int, share: float) -> Pixels:
    share = 0.0 if np.isnan(share) else share
    return _block(x + 1, y + 1, _CELL_PX - 2, _NONE + share * (_ALL - _NONE))


def _block(x: int, y: int, edge: int, colour: NDArray[np.generic]) -> Pixels:
    rgb = np.broadcast_to(np.rint(colour).astype(np.uint8), (edge, edge, 3))
    return Pixels(x, y, np.ascontiguousarray(rgb))


def _middled(x: int, y: int, width: int | None, text: str) -> Text:
    shift = 0 if width is None else (width - width_of(text, _TEXT_PX)) // 2
    line = line_of(x + shift, y, text, _TEXT_PX)
    return line_of(line.x, y + (_CELL_PX - line.height) // 2, text, _TEXT_PX)


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _summary(confusion: Confusion) -> str:
    return (
        f"percent of the true pixels; mIoU {_number(confusion.mean_iou)}, FwIoU "
        f"{_number(confusion.weighted_iou)}, accuracy {_number(confusion.accuracy)}"
    )
