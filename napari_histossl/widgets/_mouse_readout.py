"""What is under the mouse, in the status bar of the window."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QLabel, QMainWindow, QWidget

from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads


class MouseReadout(QObject):
    """A label in the status bar that follows the mouse over the canvas.

    Parameters
    ----------
    bench : Workbench
        Whose canvas is looked at.
    name : str
        Of the label, for those who look for it.

    Attributes
    ----------
    label : QLabel
        Goes into the status bar of the window.

    Notes
    -----
    A subclass says in `look` what is there, and reads what is missing with `_reads`,
    in a thread.
    """

    def __init__(self, bench: Workbench, name: str) -> None:
        super().__init__()
        self._bench = bench
        self.label = QLabel()
        self.label.setObjectName(name)
        self._reads = BackgroundReads(self)
        bench.viewer.mouse_move_callbacks.append(self._on_move)
        bench.closing.connect(self.close)

    def look(self, world: Any) -> None:
        """Show what is at a point of the world; the mouse has moved there."""
        raise NotImplementedError

    def show_in(self, page: QWidget) -> None:
        """Put the label into the status bar of the window that a page is in."""
        parent: Any = page.parentWidget()
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parentWidget()
        if parent is not None and self.label.parentWidget() is None:
            parent.statusBar().addPermanentWidget(self.label)
            self.label.show()

    def close(self) -> None:
        """Take the label out of the status bar."""
        self._reads.drop()
        if self._on_move in self._bench.viewer.mouse_move_callbacks:
            self._bench.viewer.mouse_move_callbacks.remove(self._on_move)
        if isalive(self.label):
            self.label.setParent(None)

    def _on_move(self, _viewer: Any, event: Any) -> None:
        if not self._bench.closed:
            self.look(event.position)
