"""Figures as files: pixels, or an SVG with text that stays text."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw

from napari_histossl.errors import PlanError
from napari_histossl.panels.figure import Bar, Figure, Layout, Pixels, lay_out
from napari_histossl.panels.figure_text import Text, font, spelt
from napari_histossl.store.whole import written_whole

SUFFIXES = (".png", ".svg", ".pdf")
"""Kinds of files that can be written; a PDF holds pixels, an SVG text."""

_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_PDF_DPI = 200.0


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
            text = spelt(piece.text)
            pen.text((piece.x, piece.y), text, _INK, font(piece.size_px))
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
    ascent = font(piece.size_px).getmetrics()[0]
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
    save_layout(lay_out(figure), path)


def save_layout(layout: Layout, path: Path) -> None:
    """Write pieces that have their places; see `save_figure`.

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
    with written_whole(path) as temporary:
        if suffix == ".svg":
            temporary.write_text(to_svg(layout), encoding="utf-8")
        elif suffix == ".pdf":
            draw(layout).save(temporary, "PDF", resolution=_PDF_DPI)
        else:
            draw(layout).save(temporary, "PNG")
