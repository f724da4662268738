"""What of the list is shown, and by what it is ordered."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.annotate.review_log import ObjectState
from napari_histossl.panels.review import DISAGREEMENT, ENTROPY, MARGIN
from napari_histossl.panels.review_rows import Column, ReviewRows, Shown
from napari_histossl.widgets._class_buttons import swatch
from napari_histossl.widgets._form import combo, row

_WORDS = {
    ENTROPY: (
        "unsure by entropy",
        "How evenly the classes share an object; 1 is all alike",
    ),
    MARGIN: ("unsure by margin", "How close the second class is; 1 is as likely"),
    DISAGREEMENT: (
        "unsure by disagreement",
        "Share of an object on which the second model says otherwise",
    ),
}


class ReviewFilters(QWidget):
    """Class, state and kind of uncertainty.

    Attributes
    ----------
    changed : Signal of Shown
        Something else is to be listed.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._shown = Shown()
        self.classes, self.states, self.measures = combo(), combo(), combo()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.measures)
        column.addLayout(row(self.classes, self.states))
        for chooser in (self.classes, self.states, self.measures):
            chooser.activated.connect(lambda _index: self._on_chosen())

    def follow(self, rows: ReviewRows | None) -> None:
        """Offer what a list has."""
        if rows is None:
            return
        self._shown = rows.shown
        self.classes.clear()
        self.classes.addItem("all classes", None)
        for info in rows.classes:
            if info.index in rows.present():
                self.classes.addItem(swatch(info.colour), info.name, info.index)
        self.states.clear()
        self.states.addItem("all states", None)
        for state in ObjectState:
            self.states.addItem(state.value, state)
        self.measures.clear()
        for name in rows.measures:
            words, tip = _WORDS[name]
            self.measures.addItem(words, name)
            self.measures.setItemData(self.measures.count() - 1, tip, 3)
        self.measures.setVisible(bool(rows.measures))

    def order(self, column: int, is_falling: bool) -> None:
        """Order by another column."""
        column_of = Column(column)
        self._shown = replace(self._shown, column=column_of, is_falling=is_falling)
        self.changed.emit(self._shown)

    def _on_chosen(self) -> None:
        measure = self.measures.currentData() or ""
        by_measure = measure != self._shown.measure
        self._shown = replace(
            self._shown,
            class_index=self.classes.currentData(),
            state=self.states.currentData(),
            measure=measure,
            column=Column.UNSURE if by_measure else self._shown.column,
            is_falling=True if by_measure else self._shown.is_falling,
        )
        self.changed.emit(self._shown)
