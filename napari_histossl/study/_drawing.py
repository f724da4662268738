"""How drawings are made: axes without a window, SVG that stands alone on a page.

Colours are those of Okabe and Ito, which people with any kind of colour vision tell
apart; lines differ in style as well, and every drawing has a text that says what it
shows.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito, without black and yellow."""

STYLES = ("-", "--", "-.", ":")
"""Styles of lines, for when the colours are used up."""

INK = "#222222"
"""Of what matters most."""

GREY = "#888888"
"""Of chance and of limits."""


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty drawing of a size in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def as_svg(figure: Figure, text: str) -> str:
    """Return a drawing as an SVG element with a title, the same each time."""
    import matplotlib as mpl

    sink = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": text}):
        figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    drawn = sink.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    # Names inside a drawing must not meet those of the next one on the page.
    stem = re.sub(r"\W+", "-", text.lower())
    drawn = re.sub(r'id="', f'id="{stem}-', drawn)
    drawn = re.sub(r'="#(?=\w)', f'="#{stem}-', drawn)
    drawn = re.sub(r"url\(#", f"url(#{stem}-", drawn)
    head, body = drawn.split(">", 1)
    return f'{head} role="img" aria-label="{text}"><title>{text}</title>{body}'
