"""How the reading window looks: greys alone, at a size and contrast that one chooses.

No colour could tint what is seen or hint at an answer, and nothing is told by colour
alone. The surround of the picture is the same in every look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from qtpy.QtCore import Qt
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QLabel, QLayout, QWidget

SURROUND = "#808080"
"""Neutral grey around the picture."""

SIZES = (0.8, 1.0, 1.25, 1.5, 2.0)
"""Sizes of type, as shares of the usual one."""


@dataclass(frozen=True, slots=True)
class Greys:
    """Greys of a window: ink on ground; edges of buttons; what is chosen.

    Attributes
    ----------
    ground, ink, faint : str
        Bars and cards, text on them, and text that matters less.
    face, hover, down, edge : str
        Buttons: at rest, under the mouse, pressed, and their edge.
    unavailable, closed : str
        Ink and face of buttons that cannot be pressed now.
    """

    ground: str
    ink: str
    faint: str
    face: str
    hover: str
    down: str
    edge: str
    unavailable: str
    closed: str


USUAL = Greys(
    "#2e2e2e",
    "#f2f2f2",
    "#c4c4c4",
    "#484848",
    "#565656",
    "#6a6a6a",
    "#8a8a8a",
    "#969696",
    "#343434",
)
HIGH_CONTRAST = Greys(
    "#000000",
    "#ffffff",
    "#ffffff",
    "#000000",
    "#303030",
    "#505050",
    "#ffffff",
    "#9c9c9c",
    "#000000",
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader has chosen to read better.

    Attributes
    ----------
    size : float
        Of type, one of `SIZES`.
    high_contrast : bool
        White on black.
    """

    size: float = 1.0
    high_contrast: bool = False

    @property
    def greys(self) -> Greys:
        """The greys of this look."""
        return HIGH_CONTRAST if self.high_contrast else USUAL

    def resized(self, steps: int) -> Look:
        """Return a look with type that many sizes larger; 0 for the usual size."""
        if steps == 0:
            return replace(self, size=1.0)
        place = SIZES.index(self.size) + steps
        return replace(self, size=SIZES[min(max(place, 0), len(SIZES) - 1)])

    def contrasted(self) -> Look:
        """Return a look with the other contrast."""
        return replace(self, high_contrast=not self.high_contrast)

    def font(self, point_size: float, *, bold: bool = False) -> QFont:
        """Return the application's font in a size that can be read from afar."""
        font = QFont()
        font.setPointSizeF(point_size * self.size)
        font.setBold(bold)
        return font

    def style(self) -> str:
        """Return the style sheet of the window."""
        greys = self.greys
        line = f"border: 2px solid {greys.edge};" if self.high_contrast else ""
        return f"""
        #reader, #message {{ background: {SURROUND}; }}
        #bar {{ background: {greys.ground}; }}
        #card {{ background: {greys.ground}; border-radius: 12px; {line} }}
        QLabel {{ color: {greys.ink}; background: transparent; }}
        QLabel#faint {{ color: {greys.faint}; }}
        QProgressBar {{
            background: {greys.closed}; border: 1px solid {greys.edge};
            border-radius: 5px; min-height: 8px; max-height: 8px;
        }}
        QProgressBar::chunk {{ background: {greys.ink}; border-radius: 4px; }}
        """


class PlainLabel(QLabel):
    """A label that shows its text as it is.

    Parameters
    ----------
    point_size : float
        In the usual look.
    text : str
        What it shows.
    """

    def __init__(self, point_size: float, text: str = "") -> None:
        super().__init__(text)
        self._point_size = point_size
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.set_look(Look())

    def set_look(self, look: Look) -> None:
        """Show the text in a look."""
        self.setFont(look.font(self._point_size))


def bar_of(layout: QLayout) -> QWidget:
    """Return a dark bar with a layout in it."""
    bar = QWidget()
    bar.setObjectName("bar")
    bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    layout.setContentsMargins(24, 12, 24, 12)
    bar.setLayout(layout)
    return bar
