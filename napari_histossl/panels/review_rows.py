"""The list of objects as people see it: columns, order, what is filtered out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.comments import Comment
from napari_histossl.annotate.review_log import ObjectState
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.classes import ClassTable
from napari_histossl.panels.review import ACCEPTED

_STATES = tuple(ObjectState)

_UM2_PER_MM2 = 1e6


class Column(IntEnum):
    """Columns of the list, in their order."""

    CLASS = 0
    AREA = 1
    UNSURE = 2
    STATE = 3
    COMMENT = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """Which objects are listed, and in which order.

    Attributes
    ----------
    column : Column
        What they are ordered by.
    is_falling : bool
        Whether the largest comes first.
    measure : str
        Which uncertainty is meant; an empty string where none is known.
    class_index : int or None
        Only this class; None for all.
    state : ObjectState or None
        Only this state; None for all.
    """

    column: Column = Column.UNSURE
    is_falling: bool = True
    measure: str = ""
    class_index: int | None = None
    state: ObjectState | None = None


class ReviewRows:
    """Objects, their states and comments; 50,000 of them cost nothing.

    Parameters
    ----------
    table : ObjectTable
        The objects.
    classes : ClassTable
        What their classes mean.
    pixel_um2 : float or None
        Area of a pixel of the table's level; None where the scale is unknown.

    Attributes
    ----------
    shown : Shown
        What is listed; see `show`.
    visible : ndarray of int
        The objects that are listed, in their order.
    """

    def __init__(
        self, table: ObjectTable, classes: ClassTable, pixel_um2: float | None
    ) -> None:
        self.table, self.classes = table, classes
        self._pixel_um2 = pixel_um2
        self._states = np.zeros(len(table), np.uint8)
        self._comments: dict[int, Comment] = {}
        self._index = {name: index for index, name in enumerate(table.names())}
        measures = self.measures
        self.shown = Shown(
            column=Column.UNSURE if measures else Column.AREA,
            measure=measures[0] if measures else "",
        )
        self.visible = np.arange(len(table))
        self.show(self.shown)

    @property
    def measures(self) -> tuple[str, ...]:
        """What is known of how uncertain objects are."""
        return tuple(name for name in self.table.measured if name != ACCEPTED)

    @property
    def decided(self) -> int:
        """How many objects are not open any more."""
        return int(np.count_nonzero(self._states))

    # ---- One object

    def class_name(self, index: int) -> str:
        """Return its class; of a difference, what each mask says."""
        mine, other = int(self.table.classes[index]), int(self.table.others[index])
        if not self.is_difference:
            return self._name(mine)
        return f"{self._name(mine)} → {self._name(other)}"

    def colour(self, index: int) -> tuple[int, int, int]:
        """Return the colour of its class; of a difference, what it is labelled."""
        mine, other = int(self.table.classes[index]), int(self.table.others[index])
        known = {info.index: info.colour for info in self.classes}
        return known.get(mine) or known.get(other) or (128, 128, 128)

    def area_text(self, index: int) -> str:
        """Return its area in words."""
        area_px = int(self.table.areas_px[index])
        if self._pixel_um2 is None:
            return f"{area_px:,} px"
        return f"{area_px * self._pixel_um2 / _UM2_PER_MM2:.2g}"

    def unsure(self, index: int) -> float | None:
        """Return how uncertain it is by the chosen measure, 0 to 1, or None."""
        values = self._unsure()
        return None if values is None else float(values[index])

    def state(self, index: int) -> ObjectState:
        """Return how far its review has come."""
        return _STATES[int(self._states[index])]

    def comment(self, index: int) -> Comment | None:
        """Return what was written about it, if something was."""
        return self._comments.get(index)

    # ---- All of them

    def show(self, shown: Shown) -> None:
        """List other objects, or in another order."""
        self.shown = shown
        keeps = np.ones(len(self.table), np.bool_)
        if shown.class_index is not None:
            keeps &= self._of_class(shown.class_index)
        if shown.state is not None:
            keeps &= self._states == _STATES.index(shown.state)
        kept = np.flatnonzero(keeps)
        keys = self._keys(shown.column)[kept]
        # equal ones stay in the order of their place, whichever way is up
        order = np.argsort(-keys if shown.is_falling else keys, kind="stable")
        self.visible = kept[order]

    def take(
        self, states: dict[int, ObjectState], comments: Iterable[Comment]
    ) -> NDArray[np.intp]:
        """Take in new states and all comments; return which objects are changed.

        The order stays as it is, so that nothing moves under the person's hands.
        """
        for index, state in states.items():
            self._states[index] = _STATES.index(state)
        found = {self._index[c.about]: c for c in comments if c.about in self._index}
        touched = set(states) | set(found) | set(self._comments)
        self._comments = found
        return np.array(sorted(touched), np.intp)

    def position(self, index: int) -> int | None:
        """Return the place of an object in the list, or None where it is not in it."""
        places = np.flatnonzero(self.visible == index)
        return int(places[0]) if len(places) else None

    def step(self, index: int | None, forward: bool) -> int | None:
        """Return the next or the previous listed object; None where there is none.

        Parameters
        ----------
        index : int or None
            The present object; None to begin.
        forward : bool
            Whether the next one is asked for.
        """
        if not len(self.visible):
            return None
        place = None if index is None else self.position(index)
        if place is None:
            return int(self.visible[0])
        place += 1 if forward else -1
        if not 0 <= place < len(self.visible):
            return None
        return int(self.visible[place])

    def next_open(self, index: int) -> int | None:
        """Return the next listed object that is open; from the start at the end.

        Parameters
        ----------
        index : int
            The present object, which does not count.
        """
        is_open = self._states[self.visible] == _STATES.index(ObjectState.OPEN)
        is_open &= self.visible != index
        places = np.flatnonzero(is_open)
        if not len(places):
            return None
        after = places[places > (self.position(index) or 0)]
        return int(self.visible[after[0] if len(after) else places[0]])

    def present(self) -> list[int]:
        """Return the classes that objects have, in the order of the table."""
        found = set(np.unique(self.table.classes).tolist())
        found |= set(np.unique(self.table.others).tolist())
        return [info.index for info in self.classes if info.index in found]

    @property
    def is_difference(self) -> bool:
        """Whether objects are differences of two masks."""
        return bool(self.table.others.any()) or not self.table.classes.all()

    def _of_class(self, index: int) -> NDArray[np.bool_]:
        is_one = (self.table.classes == index) | (self.table.others == index)
        found: NDArray[np.bool_] = is_one
        return found

    def _name(self, index: int) -> str:
        for info in self.classes:
            if info.index == index:
                return info.name
        return "unlabelled" if index == 0 else f"class {index}"

    def _unsure(self) -> NDArray[np.float32] | None:
        measured = self.table.measured
        if self.shown.measure not in measured:
            return None
        values: NDArray[np.float32] = self.table.measures[
            measured.index(self.shown.measure)
        ]
        return values

    def _keys(self, column: Column) -> NDArray[np.float64]:
        """Return numbers to order by."""
        if column is Column.CLASS:
            return (self.table.classes * 256 + self.table.others).astype(np.float64)
        if column is Column.STATE:
            return self._states.astype(np.float64)
        if column is Column.COMMENT:
            keys = np.zeros(len(self.table))
            keys[list(self._comments)] = 1
            return keys
        unsure = self._unsure() if column is Column.UNSURE else None
        if unsure is None:
            return self.table.areas_px.astype(np.float64)
        return np.nan_to_num(unsure, nan=-1.0).astype(np.float64)
