"""A picture of all patches at once: those that are alike lie near one another.

References
----------
McInnes, Healy & Melville 2018, "UMAP: Uniform Manifold Approximation and Projection",
arXiv:1802.03426; computed by umap-learn. Changed: a seeded sample where there are very
many patches, and a seed, so that the same patches give the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_histossl.errors import PlanError
from napari_histossl.store.whole import written_whole

_LEAST, _MOST = 10, 20_000
"""Patches on a picture: fewer have no neighbourhoods, more hide one another."""

_SIDE_PX, _MARGIN_PX, _LEGEND_PX = 1000, 40, 260
"""Edge of the plot, white around it, width of the legend."""

_TEXT_PX, _LINE_PX, _DOT_PX = 18, 28, 3
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


def choose_patches(count: int, seed: int = 0) -> NDArray[np.intp]:
    """Return which of many patches are put on a picture.

    Parameters
    ----------
    count : int
        How many there are.
    seed : int, optional
        The same seed gives the same patches.

    Returns
    -------
    ndarray of dtype intp
        All of them up to 20,000, ascending.

    Raises
    ------
    PlanError
        If there are fewer than 10.
    """
    if count < _LEAST:
        raise PlanError(f"a map shows at least {_LEAST} patches; got {count}")
    if count <= _MOST:
        return np.arange(count)
    drawn = np.random.default_rng(seed).choice(count, _MOST, replace=False)
    return np.sort(drawn)


def project(features: NDArray[Any], seed: int = 0) -> NDArray[np.float32]:
    """Lay vectors out in a plane, by direction.

    Parameters
    ----------
    features : ndarray of shape (N, D)
        Finite numbers, N of at least 10.
    seed : int, optional
        The same seed gives the same places.

    Returns
    -------
    ndarray of shape (N, 2) and dtype float32
        Only who is near whom means something.

    Raises
    ------
    PlanError
        If umap-learn is not installed.
    """
    try:
        from umap import UMAP
    except ImportError as error:
        raise PlanError(
            "a map of patches needs umap-learn, which is not installed; install it "
            "with: pip install 'napari-histossl[embeddings]'"
        ) from error
    neighbours = min(15, len(features) - 1)
    layout = UMAP(
        n_neighbors=neighbours, metric="cosine", random_state=seed, n_jobs=1
    ).fit_transform(features)
    return np.asarray(layout, np.float32)


def draw_map(
    path: Path,
    points: NDArray[np.floating],
    groups: NDArray[np.integer[Any]],
    legend: Sequence[tuple[str, tuple[int, int, int]]],
    title: str,
) -> None:
    """Draw points in the colours of their groups, with a legend, as a PNG.

    Parameters
    ----------
    path : Path
        File to write.
    points : ndarray of shape (N, 2)
        As `project` gives them; their frame is fitted to the picture.
    groups : ndarray of shape (N,)
        Which line of the legend each belongs to, from 0.
    legend : sequence of (str, (int, int, int))
        Name and colour of each group.
    title : str
        What is shown, of which model.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    side = _SIDE_PX + 2 * _MARGIN_PX
    size = side + _LEGEND_PX, side + 2 * _LINE_PX
    image = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(_TEXT_PX)
    pen.text((_MARGIN_PX, _MARGIN_PX // 2), title, fill=_INK, font=font)
    _draw_points(pen, points, groups, [colour for _, colour in legend])
    _draw_legend(pen, groups, legend, font)
    note = "UMAP: near one another means alike; distances far apart mean little"
    pen.text((_MARGIN_PX, size[1] - _LINE_PX), note, fill=_INK, font=font)
    with written_whole(path) as temporary:
        image.save(temporary, "PNG")


def _draw_points(
    pen: ImageDraw.ImageDraw,
    points: NDArray[np.floating],
    groups: NDArray[np.integer[Any]],
    colours: list[tuple[int, int, int]],
) -> None:
    low, high = points.min(0), points.max(0)
    places = (points - low) / max(float((high - low).max()), 1e-9) * _SIDE_PX
    places += _MARGIN_PX + np.array([0, _LINE_PX])
    # large groups would cover small ones: the points are drawn in a mixed order
    for index in np.random.default_rng(0).permutation(len(places)):
        x, y = places[index].tolist()
        dot = (x - _DOT_PX, y - _DOT_PX, x + _DOT_PX, y + _DOT_PX)
        pen.ellipse(dot, fill=colours[int(groups[index])])


def _draw_legend(
    pen: ImageDraw.ImageDraw,
    groups: NDArray[np.integer[Any]],
    legend: Sequence[tuple[str, tuple[int, int, int]]],
    font: Any,
) -> None:
    counts = np.bincount(groups, minlength=len(legend))
    left, lines = _SIDE_PX + 2 * _MARGIN_PX, (_SIDE_PX + _MARGIN_PX) // _LINE_PX
    for line, ((name, colour), count) in enumerate(zip(legend, counts, strict=True)):
        top = _MARGIN_PX + line * _LINE_PX
        if line == lines - 1 and len(legend) > lines:
            pen.text((left, top), f"and {len(legend) - line} more", _INK, font)
            return
        pen.rectangle((left, top, left + _TEXT_PX, top + _TEXT_PX), fill=colour)
        text = f"{name[:18]}  {count:,}"
        pen.text((left + _LINE_PX, top), text, _INK, font)
