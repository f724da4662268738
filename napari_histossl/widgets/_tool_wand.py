"""Grow an area by colour from where the mouse is; dragging adds."""

from __future__ import annotations

from typing import Any

from napari_histossl.errors import AnnotationError, HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.panels.mask_place import Place
from napari_histossl.panels.wand import Grown, grow_at, level_on_screen
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._tool_base import At, Tool, Work, far_apart
from napari_histossl.widgets._workbench import METADATA_KEY
from napari_histossl.widgets._worker import BackgroundReads

_STEP_PX = 4
"""Pixels of the screen between two places from which the wand grows."""


class WandTool(Tool):
    """Press or drag on tissue; what looks like it is set when the button goes up.

    Parameters
    ----------
    work : Work
        The mask in hand.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._reads = BackgroundReads()
        self._reads.answered.connect(self._on_answered)
        self._forget()

    def _forget(self) -> None:
        self._start: At | None = None
        self._last: At | None = None
        self._is_released = False
        self._grown: Grown | None = None
        self._asked = self._answered = 0
        self._gesture = object()

    @property
    def is_busy(self) -> bool:
        """Whether an area is being grown."""
        return self._start is not None

    def press(self, at: At) -> None:
        """Begin to grow."""
        if self._start is not None:
            return  # what was let go a moment ago is still growing
        self._start = at
        self._grow(at)

    def drag(self, at: At) -> None:
        """Grow from here, too."""
        last = self._last
        if self._start is None or self._is_released or last is None:
            return
        if far_apart(at, last, _STEP_PX * self.work.screen_um):
            self._grow(at)

    def release(self, at: At) -> None:
        """Set what was found, as soon as all is."""
        del at
        self._is_released = self._start is not None
        self._end_if_done()

    def cancel(self) -> None:
        """Forget what was found."""
        self._reads.drop()
        self._forget()
        super().cancel()

    # ---- Growing, in a thread

    def _grow(self, at: At) -> None:
        bench = self.work.bench
        shown, view = bench.shown, bench.view_box_px0()
        if shown is None:
            return
        if view is None:
            self._on_error(AnnotationError("the slide is not on the screen; go to it"))
            return
        self._last = at
        slide = shown.layer.metadata[METADATA_KEY]["tiles"]  # colours as shown
        level = level_on_screen(slide, self.work.screen_um / shown.pixel_um_yx[0])
        call = _Call(slide, level, shown.px0(at.world), view, self.work.options.wand)
        self._asked += 1
        number, gesture = self._asked, self._gesture
        self._reads.ask(gesture, lambda: (gesture, number, call.grown()))

    def _on_answered(self, _name: object, answer: Any) -> None:
        gesture, number, grown = answer
        if gesture is not self._gesture:
            return  # given up in the meantime
        self._answered = number
        if isinstance(grown, HistoSSLError):
            self._on_error(grown)
            return
        self._grown = grown if self._grown is None else self._grown.joined(grown)
        self._show(self._grown)
        self._end_if_done()

    def _show(self, grown: Grown) -> None:
        shown = self.work.bench.shown
        if shown is not None:
            ends = shown.world(grown.outline_px0().reshape(-1, 2))
            self.work.outline.show(ends, in_pairs=True)

    def _on_error(self, error: HistoSSLError) -> None:
        if self._grown is not None:  # a drag that left the slide keeps what it has
            self._end_if_done()
            return
        self.cancel()
        show_error(error, self.work.bench.hidden_names)

    def _end_if_done(self) -> None:
        start, grown, shown = self._start, self._grown, self.work.bench.shown
        if not self._is_released or self._answered < self._asked:
            return
        if start is None or grown is None or shown is None:
            self.cancel()
            return
        session, style = self.work.session, self.work.style(removes=start.alt)
        place = Place.of(session.store, shown.slide)
        found = grown.on_mask(place.downsample_yx, len(session.store.levels), **style)
        self.cancel()
        session.draw(found)


class _Call:
    """One place from which to grow; knows nothing of the window."""

    def __init__(
        self, slide: Any, level: int, at: tuple[float, float], view: Box, choice: Any
    ) -> None:
        self._arguments = (slide, level, at, view, choice)

    def grown(self) -> Grown | HistoSSLError:
        try:
            return grow_at(*self._arguments)
        except HistoSSLError as error:
            return error
