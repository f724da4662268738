"""Outline an area corner by corner."""

from __future__ import annotations

from napari_histossl.annotate import Polygon
from napari_histossl.widgets._tool_base import At, Tool, Work, pixels_px0

_LEAST = 3


class PolygonTool(Tool):
    """Click corners; Enter or a double click closes; Backspace takes one back.

    Parameters
    ----------
    work : Work
        The mask in hand.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._corners: list[At] = []
        self._mouse: At | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a corner has been set."""
        return bool(self._corners)

    def press(self, at: At) -> None:
        """Set a corner."""
        if not self._corners or self._corners[-1].px0 != at.px0:
            self._corners.append(at)
        self._show(at)

    def drag(self, at: At) -> None:
        """Show the next side."""
        self._show(at)

    def hover(self, at: At) -> None:
        """Show the next side."""
        self._show(at)

    def finish(self) -> None:
        """Fill what the corners go around."""
        corners = self._corners
        if len(corners) < _LEAST:
            self.work.refuse(
                f"an area has at least {_LEAST} corners; got {len(corners)}: click "
                f"one more, or press Esc to give up"
            )
            return
        style = self.work.style(removes=corners[0].alt)
        self.cancel()
        shape = Polygon((pixels_px0(corners),), tool="polygon", **style)
        self.work.session.draw(shape)

    def step_back(self) -> None:
        """Take the newest corner back."""
        if self._corners:
            self._corners.pop()
        self._show(self._mouse)

    def cancel(self) -> None:
        """Forget the corners."""
        self._corners = []
        super().cancel()

    def _show(self, at: At | None) -> None:
        self._mouse = at
        points = [corner.world for corner in self._corners]
        if not points:
            self.work.outline.clear()
            return
        if at is not None:
            points.append(at.world)
        self.work.outline.show([*points, points[0]])
