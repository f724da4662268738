"""A list of objects that is open: what is on it, and how the journal changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_histossl.annotate import Decision, Verdict
from napari_histossl.annotate.review_log import ObjectState
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.geometry import Box
from napari_histossl.panels import review
from napari_histossl.panels.review_outline import outlines
from napari_histossl.panels.review_planes import Plane
from napari_histossl.panels.review_rows import ReviewRows
from napari_histossl.panels.review_states import ReviewStates, StateChanges
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._worker import BackgroundReads


@dataclass(frozen=True, slots=True, eq=False)
class OutlineOf:
    """Lines around an object, once they are known.

    Attributes
    ----------
    index : int
        Which object.
    lines_px0 : list of ndarray
        In pixels of the slide's level 0; empty where the object is gone.
    """

    index: int
    lines_px0: list[NDArray[np.float64]]


class ReviewList(QObject):
    """Objects of a mask, their states, and what is asked about one of them.

    Parameters
    ----------
    session : MaskSession
        The mask.
    table : ObjectTable
        The objects.
    plane : Plane
        What they are objects of.

    Attributes
    ----------
    changed : Signal of ndarray of int
        Objects whose state or comment is another one.
    outlined : Signal of OutlineOf
        Where an object is, exactly.
    failed : Signal of Exception
        Something could not be read.
    rows : ReviewRows
        As they are listed.
    """

    changed = Signal(object)
    outlined = Signal(object)
    failed = Signal(object)

    def __init__(self, session: MaskSession, table: ObjectTable, plane: Plane) -> None:
        super().__init__()
        self._session, self._plane, self.table = session, plane, table
        store = session.store
        pixel_um2 = None
        if store.mpp_yx is not None:
            pixel_um2 = store.mpp_yx[0] * store.mpp_yx[1] * 4**table.level
        self.rows = ReviewRows(table, store.classes, pixel_um2)
        self._states = ReviewStates(store, plane, table)
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_answered)
        session.editor.saved.connect(self._on_saved)
        self._on_saved(None)

    def close(self) -> None:
        """Follow the journal no longer."""
        self._reads.drop()
        self._session.editor.saved.disconnect(self._on_saved)

    def box_slide_px0(self, index: int) -> Box:
        """Return where an object is, in pixels of the slide's level 0."""
        box, down = self.table.box_px0(index), self._session.store.downsample
        y, x, height, width = (
            round(value * down) for value in (box.y, box.x, *box.shape)
        )
        return Box(y, x, max(height, 1), max(width, 1))

    def outline(self, index: int) -> None:
        """Ask where an object is; see `outlined`."""
        down = self._session.store.downsample

        def read() -> OutlineOf:
            place = review.footprint(self._plane, self.table, index)
            return OutlineOf(index, [] if place is None else outlines(place, down))

        self._reads.ask("outline", read)

    def decide(self, index: int, verdict: Verdict) -> None:
        """Accept or reject an object; a step like any stroke, durable soon."""
        session, table = self._session, self.table
        again = self.rows.state(index) is ObjectState.REJECTED
        author = session.editor.author

        def change() -> Any:
            # which pixels it has is read in the thread that writes
            made: Decision = review.decision(
                self._plane, table, index, verdict, again=again, author=author
            )
            return session.store.paint(made)

        session.editor.apply(change)

    def comment(self, index: int, text: str) -> None:
        """Write about an object, in place of what was written before."""
        session, before = self._session, self.rows.comment(index)
        box, name = self.table.box_px0(index), self.table.name(index)
        author = session.editor.author
        session.editor.apply(
            lambda: session.store.comment(
                box,
                text,
                author=author,
                about=name,
                replaces=before.seq if before else 0,
            )
        )

    def _on_saved(self, _receipt: object) -> None:
        self._reads.ask("states", self._states.update)

    def _on_answered(self, name: object, answer: Any) -> None:
        if isinstance(answer, StateChanges):
            self.changed.emit(self.rows.take(answer.states, answer.comments))
        elif isinstance(answer, OutlineOf):
            self.outlined.emit(answer)
        elif isinstance(answer, Exception):
            self.failed.emit(answer)
