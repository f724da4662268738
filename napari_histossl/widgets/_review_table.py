"""The list of objects on the page: as many as there are, drawn as far as one sees."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_histossl.annotate.review_log import ObjectState
from napari_histossl.panels.review_rows import Column, ReviewRows, Shown
from napari_histossl.widgets._class_buttons import swatch

_HEADS = {
    Column.CLASS: "Class",
    Column.AREA: "mm²",
    Column.UNSURE: "unsure",
    Column.STATE: "State",
    Column.COMMENT: "Comment",
}

_STATE_COLOURS = {
    ObjectState.ACCEPTED: QColor("#5fbf77"),
    ObjectState.REJECTED: QColor("#e07b7b"),
    ObjectState.EDITED: QColor("#7aa7e8"),
}
"""On the dark page; what is open has the colour of all text."""

_HEIGHT_PX = 260

_WIDTHS_EM = (8, 5, 4, 6)
"""Widths of the columns but the last; that of two classes is twice as wide."""

_ARROWS = tuple(
    getattr(Qt.Key, f"Key_{name}")
    for name in ("Up", "Down", "PageUp", "PageDown", "Home", "End")
)

_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class ObjectModel(QAbstractTableModel):
    """Objects for a table: nothing is made before it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: ReviewRows | None = None

    def show(self, rows: ReviewRows | None) -> None:
        """List the objects of other rows, or none."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def arrange(self, shown: Shown) -> None:
        """List other objects of these rows, or in another order."""
        if self.rows is not None:
            self.beginResetModel()
            self.rows.show(shown)
            self.endResetModel()

    def refresh(self) -> None:
        """Draw what is listed anew."""
        if not self.rowCount():
            return
        last = self.index(self.rowCount() - 1, len(Column) - 1)
        self.dataChanged.emit(self.index(0, 0), last)

    def object_at(self, place: int) -> int:
        """Return which object stands in a row."""
        assert self.rows is not None
        return int(self.rows.visible[place])

    # ---- What Qt asks for

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many objects are listed."""
        is_child = parent is not None and parent.isValid()
        return 0 if self.rows is None or is_child else len(self.rows.visible)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many columns there are."""
        is_child = parent is not None and parent.isValid()
        return 0 if is_child else len(Column)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the head of a column."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _HEADS[Column(section)]
            if role == Qt.ItemDataRole.ToolTipRole:
                return f"Click to order by {_HEADS[Column(section)].lower()}"
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text or looks of a cell."""
        rows = self.rows
        if rows is None or not index.isValid():
            return None
        number, column = self.object_at(index.row()), Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(rows, number, column)
        if role == Qt.ItemDataRole.DecorationRole and column is Column.CLASS:
            return swatch(rows.colour(number))
        if role == Qt.ItemDataRole.ForegroundRole and column is Column.STATE:
            return _STATE_COLOURS.get(rows.state(number))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in (Column.AREA, Column.UNSURE) else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(rows, number, column)
        return None


def _text(rows: ReviewRows, number: int, column: Column) -> str:
    if column is Column.CLASS:
        return rows.class_name(number)
    if column is Column.AREA:
        return rows.area_text(number)
    if column is Column.STATE:
        return rows.state(number).value
    if column is Column.COMMENT:
        comment = rows.comment(number)
        return comment.text if comment else ""
    unsure = rows.unsure(number)
    return "" if unsure is None or unsure != unsure else f"{unsure:.2f}"


def _tip(rows: ReviewRows, number: int, column: Column) -> str | None:
    comment = rows.comment(number)
    if column is Column.COMMENT and comment is not None:
        return f"{comment.text}\n{comment.author}, {comment.utc[:16]} UTC"
    return None


class ObjectView(QTableView):
    """The table; one row is the object that is looked at.

    Attributes
    ----------
    chosen : Signal of int
        A person clicked on an object.
    ordered : Signal of (int, bool)
        A person clicked on a head: column, and whether the largest comes first.
    """

    chosen = Signal(int)
    ordered = Signal(int, bool)

    def __init__(self) -> None:
        super().__init__()
        self.objects = ObjectModel()
        self.setModel(self.objects)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setFixedHeight(_HEIGHT_PX)
        self.verticalHeader().hide()
        # rows of one height: none of 50,000 is asked how high it is
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self._lay_out_heads()
        self.clicked.connect(
            lambda index: self.chosen.emit(self.objects.object_at(index.row()))
        )

    def select(self, number: int | None) -> None:
        """Mark an object, and scroll to it."""
        rows = self.objects.rows
        place = None if rows is None or number is None else rows.position(number)
        if place is None:
            self.clearSelection()
            return
        self.selectRow(place)
        self.scrollTo(self.objects.index(place, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go with the arrows; leave letters to the page, here they would search."""
        if event.key() not in _ARROWS:
            event.ignore()
            return
        super().keyPressEvent(event)
        place = self.currentIndex().row()
        if place >= 0:
            self.chosen.emit(self.objects.object_at(place))

    def follow(self, rows: ReviewRows | None) -> None:
        """List the objects of other rows, or none."""
        self.objects.show(rows)
        if rows is None:
            return
        self.setColumnHidden(int(Column.UNSURE), not rows.measures)
        em = self.fontMetrics().horizontalAdvance("m")
        width = _WIDTHS_EM[0] * (1 if not rows.is_difference else 2)
        self.setColumnWidth(int(Column.CLASS), width * em)
        self.mark_order(rows.shown)

    def mark_order(self, shown: Shown) -> None:
        """Show in the heads what the list is ordered by."""
        order = Qt.SortOrder.DescendingOrder
        if not shown.is_falling:
            order = Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(int(shown.column), order)

    def _lay_out_heads(self) -> None:
        head = self.horizontalHeader()
        head.setSectionsClickable(True)
        head.setSortIndicatorShown(True)
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setStretchLastSection(True)
        em = self.fontMetrics().horizontalAdvance("m")
        for column, width in enumerate(_WIDTHS_EM):
            self.setColumnWidth(column, width * em)
        head.sectionClicked.connect(self._on_head)

    def _on_head(self, section: int) -> None:
        rows = self.objects.rows
        if rows is None:
            return
        again = rows.shown.column == section
        self.ordered.emit(section, not rows.shown.is_falling if again else section != 0)
