"""What a tool is that draws on a mask with the mouse, and what it gets to work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.panels.wand import WandChoice
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._mask_layer import MaskLayer
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets.canvas._napari import leave_out_brush_box
from napari_histossl.widgets.canvas._outline import Outline


@dataclass(frozen=True, slots=True)
class At:
    """Where the mouse is.

    Attributes
    ----------
    world : tuple of float
        (row, column) in world units.
    px0 : tuple of float
        (row, column) in pixels of the mask, centres at whole numbers.
    alt : bool
        Whether Alt is held down.
    """

    world: tuple[float, float]
    px0: tuple[float, float]
    alt: bool


@dataclass
class Options:
    """What the person chose for the tools.

    Attributes
    ----------
    wand : WandChoice
        How picky the wand is.
    proposal : callable
        Returns what is taken from, a `panels.proposals.Proposed`, or None.
    within : callable
        Returns the box of the mask in which fills stay; None for the view.
    """

    wand: WandChoice
    proposal: Callable[[], Any]
    within: Callable[[], Box | None]


class Work:
    """The mask in hand, for a tool.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    session : MaskSession
        The open mask; its layer is shown.
    options : Options
        What the person chose.
    on_end : callable
        Called when a gesture has ended, also one that ends by itself.

    Attributes
    ----------
    layer : MaskLayer
        The layer of the mask.
    outline : Outline
        A line on the canvas.
    """

    def __init__(
        self,
        bench: Workbench,
        session: MaskSession,
        options: Options,
        on_end: Callable[[], object],
    ) -> None:
        self.bench, self.session, self.options = bench, session, options
        self.on_end = on_end
        assert session.layer is not None
        self.layer: MaskLayer = session.layer
        self.layer.fill_within = self.bounds_px0
        self.outline = Outline(self.layer)
        leave_out_brush_box(self.layer)

    @property
    def screen_um(self) -> float:
        """World units a pixel of the screen."""
        return 1 / float(self.bench.viewer.scene.camera.zoom)

    def style(self, *, removes: bool = False) -> dict[str, Any]:
        """Return what every shape is told: class, who, what is not painted over."""
        index = UNLABELLED if removes else int(self.layer.selected_label)
        return {
            "class_index": index,
            "author": self.session.editor.author,
            "spared": self.layer.spared(index),
        }

    def bounds_px0(self) -> Box:
        """Return the box of the mask in which fills stay: the region, or the view."""
        bounds = self.options.within() or self.session.view_box_px0()
        return bounds or Box(0, 0, *self.session.shape)

    def class_at(self, at: At) -> int | None:
        """Return the class of a pixel as it is shown; None outside the mask."""
        y, x = (round(value) for value in at.px0)
        if Box(0, 0, *self.session.shape).intersection(Box(y, x, 1, 1)) is None:
            return None
        return self.session.editor.tiles.value_at(y, x)

    def at(self, event: Any) -> At:
        """Return where a mouse event is."""
        y, x = (float(value) for value in event.position[-2:])
        row, column = (float(v) for v in self.layer.world_to_data(event.position)[-2:])
        return At((y, x), (row, column), "Alt" in event.modifiers)

    def refuse(self, sentence: str) -> None:
        """Tell the person why nothing is done."""
        show_error(AnnotationError(sentence), self.bench.hidden_names)


class Tool:
    """What the mouse does while a tool is in hand; most tools override a few methods.

    Parameters
    ----------
    work : Work
        The mask in hand.
    """

    cursor = "cross"
    """napari's name of the pointer."""

    def __init__(self, work: Work) -> None:
        self.work = work

    @property
    def is_busy(self) -> bool:
        """Whether a gesture has begun that Escape gives up."""
        return False

    def press(self, at: At) -> None:
        """The left button goes down."""

    def drag(self, at: At) -> None:
        """The mouse moves with the button down."""

    def release(self, at: At) -> None:
        """The button goes up."""

    def hover(self, at: At) -> None:
        """The mouse moves with no button down."""

    def finish(self) -> None:
        """Enter, or a double click."""

    def step_back(self) -> None:
        """Backspace, or a click of the right button."""

    def cancel(self) -> None:
        """Escape, or another tool is taken."""
        self.work.outline.clear()
        self.work.on_end()


def pixels_px0(way: Sequence[At]) -> NDArray[np.float32]:
    """Return points in pixels of the mask, of shape (N, 2)."""
    return np.array([at.px0 for at in way], np.float32)


def far_apart(one: At, other: At, least: float) -> bool:
    """Whether two points are at least so many world units from each other."""
    return float(np.hypot(*np.subtract(one.world, other.world))) >= least
