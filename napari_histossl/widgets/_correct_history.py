"""Undo, redo, and what is saved."""

from __future__ import annotations

from datetime import datetime

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.annotate import Entry, Receipt
from napari_histossl.widgets._form import button, note, row
from napari_histossl.widgets._mask_session import MaskSession

_LISTED = 4
"""Newest steps that are listed."""


class HistoryGroup(QWidget):
    """What became of the changes of the open mask."""

    def __init__(self) -> None:
        super().__init__()
        self._session: MaskSession | None = None
        self._newest: list[str] = []
        self._status, self._steps = note(), note()
        self._undo = button("Undo  Ctrl+Z", self.undo)
        self._redo = button("Redo  Ctrl+Shift+Z", self.redo)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._status)
        column.addLayout(row(self._undo, self._redo))
        column.addWidget(self._steps)
        self.follow(None)

    def follow(self, session: MaskSession | None) -> None:
        """Show the history of another mask, or of none."""
        self._session, self._newest = session, []
        self._steps.hide()
        if session is not None:
            session.editor.begun.connect(self._show)
            session.editor.saved.connect(self._on_saved)
            session.editor.failed.connect(self._on_failed)
        self._show()

    def undo(self) -> None:
        """Take back the newest edit."""
        if self._session is not None:
            self._session.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._session is not None:
            self._session.redo()

    def _on_saved(self, receipt: Receipt) -> None:
        session, entry = self._session, receipt.entry
        if session is not None and entry is not None:
            names = {info.index: info.name for info in session.store.classes}
            line = _line(entry, names.get(entry.class_index, ""))
            self._newest = [line, *self._newest][:_LISTED]
            self._steps.setText("\n".join(self._newest))
            self._steps.show()
        self._show(receipt.message)

    def _on_failed(self, error: Exception) -> None:
        self._show(f"The newest change is not saved: {error}")

    def _show(self, sentence: str = "") -> None:
        """Show what is saved, and say something."""
        session = self._session
        if session is None:
            return
        store, waiting = session.store, session.editor.waiting
        self._undo.setEnabled(store.can_undo and not store.read_only)
        self._redo.setEnabled(store.can_redo and not store.read_only)
        steps = "1 step" if store.steps == 1 else f"{store.steps:,} steps"
        state = f"{waiting} being saved" if waiting else "all saved"
        self._status.setText(f"{steps}, {state}. {sentence}".rstrip())


def _line(entry: Entry, class_name: str) -> str:
    """Return a step as a line of the list."""
    clock = f"{datetime.fromisoformat(entry.utc).astimezone():%H:%M:%S}"
    if entry.target:
        what = f"{entry.kind.value} of step {entry.target}"
    else:
        what = ", ".join(part for part in (entry.tool, class_name) if part)
    return f"{entry.seq}  {clock}  {what}, {entry.author}"
