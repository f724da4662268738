"""What was written about parts of a mask: a list, and a line for more."""

from __future__ import annotations

from datetime import datetime

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_histossl.annotate import Comment, Kind, Receipt
from napari_histossl.errors import HistoSSLError
from napari_histossl.widgets._form import button, note
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._review_keys import TextField
from napari_histossl.widgets._review_lines import fit_height
from napari_histossl.widgets._review_outline import Outline
from napari_histossl.widgets._workbench import Workbench

_ROWS = 4
"""Comments that are seen at once; the list scrolls."""


class CommentGroup(QWidget):
    """Comments on objects and on what was on the screen.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._session: MaskSession | None = None
        self._outline = Outline(bench)
        self.text = TextField("Comment on what is on the screen, Enter saves it")
        self.text.given.connect(self.write)
        self.list, self._said = QListWidget(), note()
        self.list.itemClicked.connect(self._on_clicked)
        self._take_back = button(
            "Take back",
            self.take_back,
            "It stays in the history",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.text, self._said, self.list, self._take_back):
            column.addWidget(widget)
        self.follow(None)

    def follow(self, session: MaskSession | None) -> None:
        """Show the comments of another mask, or of none."""
        self._session = session
        if session is not None:
            session.editor.saved.connect(self._on_saved)
        self._show()

    def write(self, text: str) -> None:
        """Comment on what is on the screen; durable soon."""
        session = self._session
        box = None if session is None else session.view_box_px0()
        if session is None or box is None or not text:
            return
        author = session.editor.author
        session.editor.apply(lambda: session.store.comment(box, text, author=author))
        self.text.clear()

    def take_back(self) -> None:
        """Take the chosen comment off the list; a step of the journal as well."""
        session, comment = self._session, self.chosen
        if session is None or comment is None:
            return
        author = session.editor.author
        session.editor.apply(
            lambda: session.store.comment(
                comment.box,
                "",
                author=author,
                about=comment.about,
                replaces=comment.seq,
            )
        )

    @property
    def chosen(self) -> Comment | None:
        """The comment that is chosen in the list."""
        item = self.list.currentItem()
        comment: Comment | None = None
        if item is not None:
            comment = item.data(Qt.ItemDataRole.UserRole)
        return comment

    def _on_saved(self, receipt: Receipt) -> None:
        if receipt.entry is not None and receipt.entry.kind is Kind.COMMENT:
            self._show()

    def _on_clicked(self, _item: QListWidgetItem) -> None:
        comment, session = self.chosen, self._session
        if comment is not None and session is not None:
            self._outline.mark_box(comment.box, session.store.downsample)
        self._allow()

    def _show(self) -> None:
        self.list.clear()
        comments: list[Comment] = []
        session = self._session
        if session is not None:
            try:
                comments = session.store.comments()
            except HistoSSLError as error:
                self._said.setText(str(error))
        for comment in reversed(comments):
            when = datetime.fromisoformat(comment.utc).astimezone()
            item = QListWidgetItem(
                f"{comment.text}\n{comment.author}, {when:%d %b %Y, %H:%M}"
            )
            item.setToolTip(item.text())
            item.setData(Qt.ItemDataRole.UserRole, comment)
            self.list.addItem(item)
        self.list.setVisible(bool(comments))
        fit_height(self.list, _ROWS)
        self._said.setVisible(bool(self._said.text()))
        self._allow()

    def _allow(self) -> None:
        session = self._session
        may = session is not None and not session.store.read_only
        self.text.setEnabled(may)
        self._take_back.setVisible(self.list.count() > 0)
        self._take_back.setEnabled(may and self.chosen is not None)
