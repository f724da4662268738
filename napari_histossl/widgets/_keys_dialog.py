"""The list of keys, in a small window that may stay open."""

from __future__ import annotations

import html

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from napari_histossl.widgets._key_table import HELP, TABLE, Key
from napari_histossl.widgets._keys import bind_on_page


class KeysDialog(QDialog):
    """What every key does.

    Parameters
    ----------
    parent : QWidget
        What it belongs to.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        text = QLabel(listed())
        text.setTextFormat(Qt.TextFormat.RichText)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.addWidget(text)
        bind_on_page(self, {HELP.name: self.hide})  # Escape does so anyway

    def toggle(self) -> None:
        """Show the list, or put it away."""
        self.setVisible(not self.isVisible())


def listed() -> str:
    """Return the table of keys as HTML."""
    return "".join(
        f"<h4>{title}</h4><table cellpadding='3'>{''.join(map(_row, keys))}</table>"
        for title, keys in TABLE
    )


def _row(key: Key) -> str:
    words = html.escape(key.words).replace(" ", "&nbsp;")
    return f"<tr><td width='170'><b>{words}</b></td><td>{key.what}</td></tr>"
