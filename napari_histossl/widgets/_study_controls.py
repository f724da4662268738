"""Buttons that show their key, and the pages between pictures."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

STYLE = """
#reader { background: #808080; }
#bar { background: #2e2e2e; }
#bar QLabel { color: #f2f2f2; font-size: 13pt; background: transparent; }
#bar QLabel#question { font-size: 14pt; }
#bar QLabel#faint { color: #c4c4c4; font-size: 11pt; }
QProgressBar {
    background: #4a4a4a; border: none; border-radius: 4px;
    min-height: 8px; max-height: 8px;
}
QProgressBar::chunk { background: #d0d0d0; border-radius: 4px; }
QPushButton {
    background: #484848; border: 2px solid #6e6e6e; border-radius: 7px;
}
QPushButton QLabel { color: #f2f2f2; font-size: 14pt; background: transparent; }
QPushButton QLabel#key {
    color: #f2f2f2; font-size: 11pt; font-weight: bold;
    border: 1px solid #9a9a9a; border-radius: 4px; padding: 1px 7px;
}
QPushButton:hover { background: #565656; border-color: #a8a8a8; }
QPushButton:checked { background: #f2f2f2; border-color: #ffffff; }
QPushButton:checked QLabel { color: #1c1c1c; }
QPushButton:checked QLabel#key { color: #1c1c1c; border-color: #5a5a5a; }
QPushButton:disabled { background: #363636; border-color: #444444; }
QPushButton:disabled QLabel { color: #8a8a8a; }
QPushButton:disabled QLabel#key { color: #8a8a8a; border-color: #555555; }
#message { background: #808080; }
#card { background: #2e2e2e; border-radius: 12px; }
#card QLabel { color: #f2f2f2; background: transparent; }
#card QLabel#title { font-size: 22pt; }
#card QLabel#text { font-size: 13pt; }
"""
"""Greys only: no colour that could tint what is seen or hint at an answer."""


class KeyButton(QPushButton):
    """A button with the key that does the same.

    Parameters
    ----------
    text, key : str
        What it does, and the key as printed on it.
    on_click : callable
        Called without arguments.
    """

    def __init__(self, text: str, key: str, on_click: Callable[[], object]) -> None:
        super().__init__()
        self.setAccessibleName(f"{text}, key {key}")
        # Keys go to the window, whatever was clicked last.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 8, 16, 8)
        line.setSpacing(12)
        line.addStretch(1)
        for name, words in (("key", key), ("words", text)):
            label = QLabel(words)
            label.setObjectName(name)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            line.addWidget(label)
        line.addStretch(1)
        self.setMinimumSize(line.sizeHint())
        self.clicked.connect(lambda _checked=False: on_click())

    def set_key(self, key: str) -> None:
        """Show another key."""
        label = self.findChild(QLabel, "key")
        if label is not None:
            label.setText(key)


class MessagePage(QWidget):
    """A title, a text and one or two things to do, on neutral grey."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = _label("title")
        self._text = _label("text")
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(12)
        card = QWidget()
        card.setObjectName("card")
        card.setFixedWidth(680)
        column = QVBoxLayout(card)
        column.setContentsMargins(44, 38, 44, 38)
        column.setSpacing(20)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addSpacing(6)
        column.addLayout(self._buttons)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(card, alignment=Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(1)

    @property
    def title(self) -> str:
        """The title that is shown."""
        return self._title.text()

    @property
    def text(self) -> str:
        """The text that is shown."""
        return self._text.text()

    def show_message(self, title: str, text: str, *buttons: KeyButton) -> None:
        """Show a message and what can be done."""
        self._title.setText(title)
        self._text.setText(text)
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for button in buttons:
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
