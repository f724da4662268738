"""Fill the holes of an object, or all of a class on the screen."""

from __future__ import annotations

from napari_histossl.annotate import HoleFill
from napari_histossl.classes import UNLABELLED
from napari_histossl.widgets._tool_base import At, Tool, Work


class HolesTool(Tool):
    """Click an object: what it encloses gets its class."""

    def press(self, at: At) -> None:
        """Fill the holes of the object there."""
        index = self.work.class_at(at)
        if not index:
            self.work.refuse(
                "there is no object here whose holes could be filled; click what "
                "is around a hole"
            )
            return
        y, x = (round(value) for value in at.px0)
        _fill(self.work, index, at_px0=(y, x))


def fill_all_holes(work: Work) -> None:
    """Fill all holes of the class in hand that lie within the bounds of fills."""
    index = int(work.layer.selected_label)
    if index == UNLABELLED:
        work.refuse("only a class has holes; choose one first")
        return
    _fill(work, index, at_px0=None)


def _fill(work: Work, index: int, at_px0: tuple[int, int] | None) -> None:
    work.session.draw(
        HoleFill(
            index,
            work.bounds_px0(),
            at_px0=at_px0,
            spared=work.layer.spared(index),
            author=work.session.editor.author,
        )
    )
