"""The tools of the Correct page: what they are called, and which mode of napari."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_histossl.widgets import _key_table as keys
from napari_histossl.widgets._key_table import Key
from napari_histossl.widgets._tool_base import Tool, Work
from napari_histossl.widgets._tool_holes import HolesTool
from napari_histossl.widgets._tool_lasso import LassoTool
from napari_histossl.widgets._tool_polygon import PolygonTool
from napari_histossl.widgets._tool_take import TakeTool
from napari_histossl.widgets._tool_wand import WandTool

OURS = "polygon"
"""napari's mode while a tool of ours has the mouse: napari itself then leaves clicks
and drags alone, and the space bar moves the slide and gives the mode back."""


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """One tool.

    Attributes
    ----------
    name : str
        On its button.
    key : Key
        That takes it.
    hint : str
        How to use it, in one sentence.
    mode : str
        napari's mode.
    make : callable or None
        Makes the tool from the mask in hand; None where napari's own does it.
    uses : frozenset of str
        Which choices of the page it heeds: "class", "size", "wand", "proposal",
        "within", "protect".
    """

    name: str
    key: Key
    hint: str
    mode: str = OURS
    make: Callable[[Work], Tool] | None = None
    uses: frozenset[str] = frozenset()


_OUTLINE = frozenset({"class", "protect"})

TOOLS = (
    ToolInfo(
        "Brush",
        keys.PAINT,
        "Drag to paint.",
        "paint",
        uses=frozenset({"class", "size", "protect"}),
    ),
    ToolInfo(
        "Eraser",
        keys.ERASE,
        "Drag to take labels away.",
        "erase",
        uses=frozenset({"size", "protect"}),
    ),
    ToolInfo(
        "Polygon",
        keys.POLYGON,
        "Click corners; Enter or a double click fills, Backspace takes one back, Esc "
        "gives up. Begun with Alt: takes away.",
        make=PolygonTool,
        uses=_OUTLINE,
    ),
    ToolInfo(
        "Lasso",
        keys.LASSO,
        "Drag around an area; let go to fill it. With Alt: takes away.",
        make=LassoTool,
        uses=_OUTLINE,
    ),
    ToolInfo(
        "Wand",
        keys.WAND,
        "Press or drag on tissue: what has its colour is labelled. With Alt: takes "
        "away.",
        make=WandTool,
        uses=frozenset({"class", "wand", "protect"}),
    ),
    ToolInfo(
        "Take",
        keys.TAKE,
        "Brush over a proposal to take its classes. With Alt: takes them away.",
        make=TakeTool,
        uses=frozenset({"size", "proposal", "protect"}),
    ),
    ToolInfo(
        "Fill",
        keys.FILL,
        "Click: what is connected and alike gets the class.",
        "fill",
        uses=frozenset({"class", "within", "protect"}),
    ),
    ToolInfo(
        "Holes",
        keys.HOLES,
        "Click an object: what it encloses gets its class.",
        make=HolesTool,
        uses=frozenset({"within", "protect", "holes"}),
    ),
    ToolInfo("Pick", keys.PICK, "Click a label to paint with its class.", "pick"),
    ToolInfo("Move", keys.MOVE, "Drag to move the slide.", "pan_zoom"),
)
"""In the order of their buttons."""


def named(name: str) -> ToolInfo:
    """Return the tool of a name."""
    return next(info for info in TOOLS if info.name == name)
