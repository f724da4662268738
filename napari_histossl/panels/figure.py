"""A part of a slide as a figure: overlay, scale bar, colour bar, legend.

First every piece gets its place (`lay_out`), then the pieces are drawn, as pixels
(`draw`) or as an SVG with text that stays text (`to_svg`). Texts are measured before
they are placed, one below the other: none covers another one.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_histossl.errors import PlanError
from napari_histossl.store.whole import written_whole

SUFFIXES = (".png", ".svg", ".pdf")
"""Kinds of files that can be written; a PDF holds pixels, an SVG text."""

_LEAST_WIDTH_PX = 480
"""Below a smaller picture the legend would have no room."""

_TEXT_SHARE, _TEXT_PX = 1 / 55, (14, 36)
"""Height of text as a share of the width of the figure, and its bounds."""

_BAR_SHARE = 0.25
"""Of the width of the picture at most is the length of its scale bar."""

_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_PDF_DPI = 200.0


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
class Text:
    """A line of text and its box, in pixels from the upper left corner."""

    x: int
    y: int
    width: int
    height: int
    text: str
    size_px: int


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
        return [_text(x, y, "scale not known", text_px)]
    um = scale_length_um(figure.picture.shape[1] * figure.um_per_pixel)
    bar = Bar(x, y, max(round(um / figure.um_per_pixel), 1), max(text_px // 3, 3))
    said = f"{um / 1000:g} mm" if um >= 1000 else f"{um:g} µm"
    return [bar, _text(x, bar.y + bar.height + text_px // 3, said, text_px)]


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
    ends = [_text(x, below, low, text_px)]
    ends.append(_text(x + width - _width(high, text_px), below, high, text_px))
    unit_y = below + ends[0].height + text_px // 4
    lines = _wrapped(bar.unit, width, text_px)
    return [colours, *ends, *_stacked(lines, x, unit_y, text_px)]


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
        for line in _wrapped(f"{name}: {value}", width, small)
    ]
    return _stacked(lines, x, y, small)


# ---- Text ----


def _stacked(lines: Sequence[str], x: int, y: int, size_px: int) -> list[Text]:
    placed: list[Text] = []
    for line in lines:
        placed.append(_text(x, y, line, size_px))
        y += placed[-1].height + size_px // 4
    return placed


def _text(x: int, y: int, text: str, size_px: int) -> Text:
    return Text(x, y, _width(text, size_px), _line_px(size_px), text, size_px)


def _wrapped(text: str, width: int, size_px: int) -> list[str]:
    """Break a text into lines that fit; a word that is too long is broken too."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer, size_px) <= width:
            lines[-1] = longer
            continue
        lines.append(word)
        while _width(lines[-1], size_px) > width:
            fitting = _fitting(lines[-1], width, size_px)
            lines[-1:] = [lines[-1][:fitting], lines[-1][fitting:]]
    return [line for line in lines if line]


def _fitting(word: str, width: int, size_px: int) -> int:
    """Return how many letters of a word fit, at least one."""
    count = len(word)
    while count > 1 and _width(word[:count], size_px) > width:
        count -= 1
    return count


@lru_cache(maxsize=8)
def _font(size_px: int) -> Any:
    return ImageFont.load_default(size_px)


def _width(text: str, size_px: int) -> int:
    length: float = _font(size_px).getlength(text)
    return math.ceil(length)


def _line_px(size_px: int) -> int:
    ascent, descent = _font(size_px).getmetrics()
    return int(ascent + descent)


# ---- Drawing ----


def draw(layout: Layout) -> Image.Image:
    """Draw a figure as pixels."""
    image = Image.new("RGB", (layout.width, layout.height), _PAPER)
    pen = ImageDraw.Draw(image)
    for piece in layout.pieces:
        if isinstance(piece, Pixels):
            image.paste(Image.fromarray(piece.rgb), (piece.x, piece.y))
        elif isinstance(piece, Bar):
            end = piece.x + piece.width - 1, piece.y + piece.height - 1
            pen.rectangle((piece.x, piece.y, *end), fill=_INK)
        else:
            pen.text((piece.x, piece.y), piece.text, _INK, _font(piece.size_px))
    return image


def to_svg(layout: Layout) -> str:
    """Return a figure as SVG: pictures in it as PNG, text as text."""
    size = f'width="{layout.width}" height="{layout.height}"'
    pieces = "\n".join(_svg_piece(piece) for piece in layout.pieces)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {layout.width} {layout.height}">\n'
        f'<rect {size} fill="#ffffff"/>\n{pieces}\n</svg>\n'
    )


def _svg_piece(piece: Pixels | Bar | Text) -> str:
    place = f'x="{piece.x}" y="{piece.y}"'
    size = f'width="{piece.width}" height="{piece.height}"'
    ink = "#{:02x}{:02x}{:02x}".format(*_INK)
    if isinstance(piece, Bar):
        return f'<rect {place} {size} fill="{ink}"/>'
    if isinstance(piece, Pixels):
        stream = io.BytesIO()
        Image.fromarray(piece.rgb).save(stream, "PNG")
        data = base64.b64encode(stream.getvalue()).decode()
        return f'<image {place} {size} href="data:image/png;base64,{data}"/>'
    ascent = _font(piece.size_px).getmetrics()[0]
    return (
        f'<text x="{piece.x}" y="{piece.y + ascent}" font-family="sans-serif" '
        f'font-size="{piece.size_px}" textLength="{piece.width}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{ink}">{escape(piece.text)}</text>'
    )


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the suffix says as what.

    Parameters
    ----------
    figure : Figure
        What is to be seen.
    path : Path
        File that ends in one of `SUFFIXES`; what is there is replaced.

    Raises
    ------
    PlanError
        If the suffix is another one.
    StoreError
        If the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise PlanError(
            f"{path.name} is no name for a figure; it ends in one of "
            f"{', '.join(SUFFIXES)}"
        )
    layout = lay_out(figure)
    with written_whole(path) as temporary:
        if suffix == ".svg":
            temporary.write_text(to_svg(layout), encoding="utf-8")
        elif suffix == ".pdf":
            draw(layout).save(temporary, "PDF", resolution=_PDF_DPI)
        else:
            draw(layout).save(temporary, "PNG")
