"""Take what a model proposes where one brushes over it, or take it away."""

from __future__ import annotations

from napari_histossl.annotate import Take
from napari_histossl.widgets._tool_base import At, Tool, Work, far_apart, pixels_px0

_STEP_PX = 2
_ANY_CLASS = 1


class TakeTool(Tool):
    """Brush over a proposal: its classes are taken; with Alt they are removed.

    Parameters
    ----------
    work : Work
        The mask in hand.
    """

    cursor = "circle"

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._way: list[At] = []

    @property
    def is_busy(self) -> bool:
        """Whether the button is down."""
        return bool(self._way)

    def press(self, at: At) -> None:
        """Begin to brush."""
        if self.work.options.proposal() is None:
            self.work.refuse(
                "there is nothing to take from; choose a proposal for this tool, or "
                "compute one on the Overlays page"
            )
            return
        self._way = [at]

    def drag(self, at: At) -> None:
        """Brush on."""
        if self._way and far_apart(at, self._way[-1], _STEP_PX * self.work.screen_um):
            self._way.append(at)
            self.work.outline.show([point.world for point in self._way])

    def release(self, at: At) -> None:
        """Take what was brushed over."""
        self.drag(at)
        way, proposed = self._way, self.work.options.proposal()
        self.cancel()
        if not way or proposed is None:
            return
        self.work.session.draw(
            Take(
                pixels_px0(way),
                float(self.work.layer.brush_size) / 2,
                proposed.source,
                removes=way[0].alt,
                author=self.work.session.editor.author,
                spared=() if way[0].alt else self.work.layer.spared(_ANY_CLASS),
                provenance=proposed.facts,
            )
        )

    def cancel(self) -> None:
        """Forget the way."""
        self._way = []
        super().cancel()
