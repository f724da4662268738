"""A mask while it is being corrected: on the screen at once, on the disk soon after."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ReferenceType, ref

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_histossl.annotate import MaskStore, Receipt
from napari_histossl.geometry import Box
from napari_histossl.panels.mask_tiles import Fresh, MaskTiles
from napari_histossl.panels.sketches import Drawn, Sketch, sketch_of
from napari_histossl.widgets._bell import application_bell
from napari_histossl.widgets._errors import show_info
from napari_histossl.widgets._later import later
from napari_histossl.widgets._mask_writer import Done, Edit, MaskWriter, Outcome
from napari_histossl.widgets.canvas import install_canvas

_log = logging.getLogger(__name__)

_REST_MS = 1000
"""What can wait is done when nothing was changed for so long."""

_PATIENCE_S = 10.0
"""How long closing a mask keeps the window waiting for what is not saved yet."""


class MaskEditor(QObject):
    """Shows changes of a mask at once and brings them into its store.

    Parameters
    ----------
    store : MaskStore
        The mask; closed with the editor.
    author : str or None
        Who changes it, for the journal; None stands for the login name.

    Attributes
    ----------
    begun : Signal
        A change is on its way; `waiting` says how many are.
    saved : Signal of Receipt
        A change is durable, and in the picture as the store has it.
    failed : Signal of Exception
        A change could not be saved; the picture shows the store again.
    tiles : MaskTiles
        What is on the screen.
    """

    begun = Signal()
    saved = Signal(object)
    failed = Signal(object)

    def __init__(self, store: MaskStore, author: str | None = None) -> None:
        super().__init__()
        self.store, self.author = store, author
        self.tiles = MaskTiles(store)
        self.on_refresh: Callable[[], object] = lambda: None
        self.on_rest: Callable[[], object] = lambda: None
        self._rest = later(self, _REST_MS, self._on_rest)
        self._canvas = install_canvas()
        self._is_closed = False
        bell, owner = application_bell(), ref(self)
        self._writer = MaskWriter(
            store,
            lambda edit, outcome: bell.ring(partial(_hand_over, owner, edit, outcome)),
        )

    # ---- Asked for; the thread gets nothing that holds the editor

    @property
    def waiting(self) -> int:
        """Changes that are on the screen and not durable yet."""
        return self._writer.waiting

    def draw(self, drawn: Drawn, *, is_stamped: bool = False) -> None:
        """Change the mask: on the screen now, durable soon.

        Parameters
        ----------
        drawn : Stroke, Polygon, FloodFill, HoleFill, Found or Take
            What was drawn.
        is_stamped : bool
            Whether `stamp` has brought all of it on the screen.
        """
        sketch = sketch_of(drawn)
        if sketch is not None and not self._is_closed:
            self.tiles.add(sketch)
            if is_stamped:
                self._end_stamps(sketch.box_px0)
            else:
                self._refresh(sketch.box_px0)
        self._add(partial(self.store.paint, drawn), sketch)

    def set_region(self, box_px0: Box, values: Any, where: Any, tool: str) -> None:
        """Set pixels of a box; see `MaskStore.paint_region`."""
        facts = {"tool": tool, "author": self.author, "where": where}
        self._add(partial(self.store.paint_region, box_px0, values, **facts))

    def apply(self, change: Callable[[], Receipt]) -> None:
        """Do something else to the store, in turn."""
        self._add(change)

    def undo(self) -> None:
        """Take back the newest change, wherever in the mask it was."""
        self._add(partial(self.store.undo, self.author))

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._add(partial(self.store.redo, self.author))

    def stamp(self, new: Sketch, whole: Sketch) -> None:
        """Show a part of something that is still being drawn."""
        for drawing in self._canvas.drawings(self.tiles):
            drawing.stamp(new, whole)

    def forget(self, whole: Sketch) -> None:
        """Show the mask without what was being drawn."""
        self._end_stamps(whole.box_px0)
        self._refresh(whole.box_px0)

    def view_box_px0(self) -> Box | None:
        """Return the part of the mask on the screen; None where that is not known."""
        for drawing in self._canvas.drawings(self.tiles):
            if drawing.shown is not None:
                corners = drawing.shown.corners_px0
                y0, x0 = np.floor(corners.min(0)).astype(int).tolist()
                y1, x1 = np.ceil(corners.max(0)).astype(int).tolist()
                seen = Box(y0, x0, max(y1 - y0, 1), max(x1 - x0, 1))
                return seen.intersection(self.tiles.levels[0].box)
        return None

    def close(self) -> None:
        """Wait for what is not saved, within reason, and let go of the mask."""
        if self._is_closed:
            return
        self._is_closed = True
        self._rest.stop()
        if not self._writer.close(_PATIENCE_S):
            show_info(
                f"The mask {self.store.path.name} is still being brought to the disk "
                f"({self.waiting} changes are not saved yet); leave the program open."
            )

    # ---- On the screen

    def _add(self, do: Callable[[], Receipt], sketch: Sketch | None = None) -> None:
        if self._is_closed:
            return
        self._writer.look_at(self.view_box_px0())
        self._writer.add(Edit(do, sketch, None if sketch else self._look()))
        self.begun.emit()

    def _look(self) -> Callable[[Receipt], Fresh]:
        """Return what reads the tiles on the screen where a change has touched them.

        What is seen only when it is done should not wait for anybody else.
        """
        drawings = self._canvas.drawings(self.tiles)
        seen = {key for drawing in drawings for key in drawing.used()}
        tiles = self.tiles
        return lambda receipt: tiles.read_fresh(receipt.box, seen)

    def _end_stamps(self, box_px0: Box) -> None:
        """Leave stamped tiles on the screen; read all others anew when needed."""
        drawings = self._canvas.drawings(self.tiles)
        for drawing in drawings:
            drawing.end_stamps(self.tiles.touching(box_px0, drawing.keys()))
        self._invalidate(box_px0, drawings)

    def _refresh(
        self,
        box_px0: Box | None = None,
        fresh: Fresh | None = None,
        finest: int = 0,
    ) -> None:
        """Show what is there now, the old pixels until it is read.

        Parameters
        ----------
        box_px0 : Box or None
            Where something is different; None for everywhere.
        fresh : Fresh or None
            Tiles that have been read already.
        finest : int
            Level from which on tiles differ: sketches are exact on the finest one.
        """
        box_px0 = box_px0 or self.tiles.levels[0].box
        drawings = self._canvas.drawings(self.tiles)
        self._invalidate(box_px0, drawings, finest)
        if fresh is not None and drawings and self.tiles.is_true(fresh):
            self._canvas.service.replace(fresh.tiles)
        for drawing in drawings:
            keys = self.tiles.touching(box_px0, drawing.keys())
            drawing.on_change([key for key in keys if key[1] >= finest])
        if not drawings:
            self.on_refresh()

    def _invalidate(self, box_px0: Box, drawings: list[Any], finest: int = 0) -> None:
        if drawings:
            service = self._canvas.service
            keys = self.tiles.touching(box_px0, service.keys(self.tiles))
            keys = [key for key in keys if key[1] >= finest]
            service.invalidate(self.tiles, keys)

    def _on_rest(self) -> None:
        self.on_rest()

    # ---- What came of it

    def take(self, edit: Edit | None, outcome: Outcome | None) -> None:
        """Take what the writer says, in the window's thread."""
        done = outcome if isinstance(outcome, Done) else None
        box = done.receipt.box if done else None
        if edit is not None and edit.sketch is not None:
            self.tiles.drop(edit.sketch)
            box = box.union(edit.sketch.box_px0) if box else edit.sketch.box_px0
        if box is not None or edit is None:
            is_exact = done is not None and edit is not None and edit.sketch is not None
            self._refresh(box, done.fresh if done else None, int(is_exact))
            if not self._is_closed:
                self._rest.start()
        if done is not None:
            self.saved.emit(done.receipt)
        elif outcome is not None:
            self.failed.emit(outcome)


def _hand_over(
    owner: ReferenceType[MaskEditor], edit: Edit | None, outcome: Any
) -> None:
    editor = owner()
    if editor is not None and isalive(editor):
        editor.take(edit, outcome)
    elif isinstance(outcome, Exception):
        _log.error("not saved, and the window is gone", exc_info=outcome)
