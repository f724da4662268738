"""How far the review of each object has come, from the journal and the pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.comments import Comment
from napari_histossl.annotate.review_log import STATES, ObjectState, ReviewLog
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.classes import Origin
from napari_histossl.geometry import Box
from napari_histossl.panels.review import ACCEPTED, footprint
from napari_histossl.panels.review_planes import Plane

_ALL_ACCEPTED = 0.999
"""Share of an object from which on it counts as accepted already."""


@dataclass(slots=True)
class StateChanges:
    """What is new since the last look.

    Attributes
    ----------
    states : dict
        New states, by the number of the object in the list.
    comments : list of Comment
        All comments that stand, also those on no object of the list.
    """

    states: dict[int, ObjectState] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)


class ReviewStates:
    """Follows the journal of a mask for one list of objects.

    Parameters
    ----------
    mask : MaskStore
        The mask.
    plane : Plane
        What is reviewed; see `review.plane_of`.
    table : ObjectTable
        The list.

    Notes
    -----
    Made for one thread beside the window: a look reads a few pixels for each object
    near which something was painted.
    """

    def __init__(self, mask: MaskStore, plane: Plane, table: ObjectTable) -> None:
        self._mask, self._plane, self._table = mask, plane, table
        self._log = ReviewLog(mask)
        self._index = {name: index for index, name in enumerate(table.names())}
        boxes = table.boxes_px << table.level
        y, x, height, width = boxes.T
        self._tree = shapely.STRtree(shapely.box(x, y, x + width, y + height))
        self._is_first = True

    def update(self) -> StateChanges:
        """Take in what was added to the journal.

        Raises
        ------
        JournalError, StoreError
            If something cannot be read.
        """
        names, boxes = self._log.update()
        indices = {self._index[name] for name in names if name in self._index}
        if self._is_first:
            indices |= self._accepted_before()
            self._is_first = False
        indices.update(self._near(boxes).tolist())
        last_edit = self._last_edit(self._log.edits()) if indices else {}
        changes = StateChanges(comments=self._log.comments())
        for index in indices:
            changes.states[index] = self._state(index, last_edit.get(index, 0))
        return changes

    def _state(self, index: int, edit_seq: int) -> ObjectState:
        decided = self._log.decision(self._table.name(index))
        if edit_seq > (decided.seq if decided else 0) and self._is_painted(index):
            return ObjectState.EDITED
        if decided is not None:
            return STATES[decided.verdict]
        is_accepted = index in self._accepted_before()
        return ObjectState.ACCEPTED if is_accepted else ObjectState.OPEN

    def _last_edit(self, edits: dict[int, Box]) -> dict[int, int]:
        """Return the newest edit whose box touches each object."""
        touching, touched = self._touched(edits.values())
        seqs = np.fromiter(edits, np.int64, len(edits))
        # in the order of the journal: of several edits the last one stays
        order = np.argsort(touching, kind="stable")
        pairs = zip(
            touched[order].tolist(), seqs[touching[order]].tolist(), strict=True
        )
        return dict(pairs)

    def _near(self, boxes: Iterable[Box]) -> NDArray[np.intp]:
        return np.unique(self._touched(boxes)[1])

    def _touched(self, boxes: Iterable[Box]) -> NDArray[np.intp]:
        """Return pairs, (2, N): the number of a box, and an object that it touches."""
        corners = [(box.x, box.y, box.x1, box.y1) for box in boxes]
        if not corners or not len(self._table):
            return np.zeros((2, 0), np.intp)
        rectangles = shapely.box(*np.array(corners, float).T)
        found: NDArray[np.intp] = self._tree.query(rectangles, predicate="intersects")
        return found

    def _is_painted(self, index: int) -> bool:
        """Whether a person painted on an object, or right beside it."""
        table = self._table
        place = footprint(self._plane, table, index)
        if place is None:
            return True
        around = place.box_px.padded(1)
        origin = self._mask.origin(around, table.level)
        near = ndimage.binary_dilation(np.pad(place.found, 1))
        return bool((origin[near] == Origin.HUMAN).any())

    def _accepted_before(self) -> set[int]:
        """Return objects that were accepted before this list was made."""
        table = self._table
        if ACCEPTED not in table.measured:
            return set()
        share = table.measures[table.measured.index(ACCEPTED)]
        return set(np.flatnonzero(share >= _ALL_ACCEPTED).tolist())
