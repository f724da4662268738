"""A part of a slide as a figure: overlay, scale bar, colour bar, legend.

Every piece gets its place here; `figure_file` draws them. Texts are measured before
they are placed, one below the other: none covers another one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.panels.figure_text import (
    Text,
    line_of,
    stacked,
    width_of,
    wrapped,
)

_LEAST_WIDTH_PX = 480
"""Below a smaller picture the legend would have no room."""

_TEXT_SHARE, _TEXT_PX = 1 / 55, (14, 36)
"""Height of text as a share of the width of the figure, and its bounds."""

_BAR_SHARE = 0.25
"""Of the width of the picture at most is the length of its scale bar."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourBar:
    """What colours mean.

    Attributes
    ----------
    table : ndarray of shape (N, 4)
        RGBA from 0 to 1, lowest value first.
    limits : tuple of float
        Values of the first and the last colour.
    unit : str
        What the values are, in a few words.
    """

    table: NDArray[np.float32]
    limits: tuple[float, float]
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """What a figure is made of.

    Attributes
    ----------
    picture : ndarray of shape (height, width, 3) and dtype uint8
        The slide, RGB.
    overlay : ndarray of shape (height, width, 4) or None
        RGBA from 0 to 1, laid over it.
    um_per_pixel : float or None
        Micrometres per pixel of the picture; None where that is not known.
    colour_bar : ColourBar or None
        Of the overlay.
    legend : sequence of (str, str)
        Names and what they are, in reading order.
    """

    picture: NDArray[np.uint8]
    overlay: NDArray[np.float32] | None
    um_per_pixel: float | None
    colour_bar: ColourBar | None
    legend: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A picture and where it lies; drawn in its own size."""

    x: int
    y: int
    rgb: NDArray[np.uint8]

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.rgb.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Pieces of a figure, each with its place.

    Attributes
    ----------
    height, width : int
        Of the figure in pixels.
    pieces : tuple of Pixels, Bar or Text
        What is drawn.
    """

    height: int
    width: int
    pieces: tuple[Pixels | Bar | Text, ...]

    @property
    def texts(self) -> list[Text]:
        """The lines of text."""
        return [piece for piece in self.pieces if isinstance(piece, Text)]


# ---- Places ----


def lay_out(figure: Figure) -> Layout:
    """Give every piece of a figure its place.

    Parameters
    ----------
    figure : Figure
        What is to be seen.

    Returns
    -------
    Layout
        The picture on top in its own size, bars below it, the legend below those.
    """
    merged = merge(figure.picture, figure.overlay)
    inner = max(merged.shape[1], _LEAST_WIDTH_PX)
    low, high = _TEXT_PX
    text_px = min(max(round(inner * _TEXT_SHARE), low), high)
    margin = text_px
    left = margin + (inner - merged.shape[1]) // 2
    pieces: list[Pixels | Bar | Text] = [Pixels(left, margin, merged)]
    top = margin + merged.shape[0] + margin
    scale = _scale_bar(figure, margin, top, text_px)
    middle = margin + inner // 2
    colours = _colour_bar(
        figure.colour_bar, middle, top, margin + inner - middle, text_px
    )
    pieces += [*scale, *colours]
    top = max([top, *(piece.y + piece.height for piece in (*scale, *colours))])
    lines = _legend(figure.legend, margin, top + margin // 2, inner, text_px)
    pieces += lines
    bottom = max([top, *(line.y + line.height for line in lines)])
    return Layout(bottom + margin, inner + 2 * margin, tuple(pieces))


def merge(
    picture: NDArray[np.uint8], overlay: NDArray[np.float32] | None
) -> NDArray[np.uint8]:
    """Lay an overlay, RGBA from 0 to 1, over a picture of the same size.

    Raises
    ------
    PlanError
        If the sizes differ.
    """
    if overlay is None:
        return picture
    if overlay.shape[:2] != picture.shape[:2]:
        raise PlanError(
            f"an overlay of {overlay.shape[:2]} pixels does not lie on a picture of "
            f"{picture.shape[:2]}"
        )
    opacity = overlay[..., 3:]
    mixed = picture * (1 - opacity) + overlay[..., :3] * 255 * opacity
    return np.asarray(np.round(mixed), np.uint8)


def scale_length_um(width_um: float) -> float:
    """Return a round length of at most a quarter of a width.

    Examples
    --------
    >>> scale_length_um(950), scale_length_um(12_000)
    (200.0, 2000.0)
    """
    most = width_um * _BAR_SHARE
    power = 10.0 ** math.floor(math.log10(most))
    return max(
        step for step in (power, 2 * power, 5 * power) if step <= most * 1.000001
    )


def _scale_bar(figure: Figure, x: int, y: int, text_px: int) -> list[Bar | Text]:
    if figure.um_per_pixel is None:
        return [line_of(x, y, "scale not known", text_px)]
    um = scale_length_um(figure.picture.shape[1] * figure.um_per_pixel)
    bar = Bar(x, y, max(round(um / figure.um_per_pixel), 1), max(text_px // 3, 3))
    said = f"{um / 1000:g} mm" if um >= 1000 else f"{um:g} µm"
    return [bar, line_of(x, bar.y + bar.height + text_px // 3, said, text_px)]


def _colour_bar(
    bar: ColourBar | None, x: int, y: int, width: int, text_px: int
) -> list[Pixels | Text]:
    """Place the colours, their two ends below them, and what they are below that."""
    if bar is None:
        return []
    row = _on_paper(bar.table, width)
    colours = Pixels(x, y, np.repeat(row[None], text_px, axis=0))
    below = y + text_px + text_px // 3
    low, high = (f"{value:.3g}" for value in bar.limits)
    ends = [line_of(x, below, low, text_px)]
    ends.append(line_of(x + width - width_of(high, text_px), below, high, text_px))
    unit_y = below + ends[0].height + text_px // 4
    lines = wrapped(bar.unit, width, text_px)
    return [colours, *ends, *stacked(lines, x, unit_y, text_px)]


def _on_paper(table: NDArray[np.float32], width: int) -> NDArray[np.uint8]:
    """Return a row of colours as they look on paper, (width, 3)."""
    places = np.round(np.linspace(0, len(table) - 1, width)).astype(np.intp)
    colours, opacity = table[places, :3], table[places, 3:]
    return np.asarray(np.round((colours * opacity + 1 - opacity) * 255), np.uint8)


def _legend(
    legend: Sequence[tuple[str, str]], x: int, y: int, width: int, text_px: int
) -> list[Text]:
    small = max(round(text_px * 0.85), 11)
    lines = [
        line
        for name, value in legend
        for line in wrapped(f"{name}: {value}", width, small)
    ]
    return stacked(lines, x, y, small)
