"""Outline an area freehand."""

from __future__ import annotations

from napari_histossl.annotate import Polygon
from napari_histossl.widgets._tool_base import At, Tool, Work, far_apart, pixels_px0

_STEP_PX = 2
"""Pixels of the screen between points of the line: closer ones do not show."""

_LEAST = 3


class LassoTool(Tool):
    """Drag around an area; it is filled when the button goes up.

    Parameters
    ----------
    work : Work
        The mask in hand.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._way: list[At] = []

    @property
    def is_busy(self) -> bool:
        """Whether a line is being drawn."""
        return bool(self._way)

    def press(self, at: At) -> None:
        """Begin a line."""
        self._way = [at]

    def drag(self, at: At) -> None:
        """Go on with it."""
        if self._way and far_apart(at, self._way[-1], _STEP_PX * self.work.screen_um):
            self._way.append(at)
            points = [point.world for point in self._way]
            self.work.outline.show([*points, points[0]])

    def release(self, at: At) -> None:
        """Fill what the line goes around."""
        self.drag(at)
        way = self._way
        if not way:
            return
        style = self.work.style(removes=way[0].alt)
        self.cancel()
        if len(way) < _LEAST:
            self.work.refuse("a lasso goes around an area: drag it, do not only click")
            return
        shape = Polygon((pixels_px0(way),), tool="lasso", **style)
        self.work.session.draw(shape)

    def cancel(self) -> None:
        """Forget the line."""
        self._way = []
        super().cancel()
