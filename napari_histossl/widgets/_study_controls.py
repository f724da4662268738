"""Buttons that show their key, and the pages between pictures.

Greys only: no colour that could tint what is seen or hint at an answer.
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

STYLE = """
#reader, #message { background: #808080; }
#bar { background: #2e2e2e; }
#card { background: #2e2e2e; border-radius: 12px; }
QLabel { color: #f2f2f2; background: transparent; }
QLabel#faint { color: #c4c4c4; }
QProgressBar {
    background: #4a4a4a; border: none; border-radius: 4px;
    min-height: 8px; max-height: 8px;
}
QProgressBar::chunk { background: #d0d0d0; border-radius: 4px; }
"""
"""Style sheet of the reading window."""

_CARD_WIDTH_PX = 680
_CARD_MARGIN_PX = 44
_GAP_PX = 12
_ANY_HEIGHT_PX = 10_000
_PADDING_PX = 20
_KEY_PADDING_PX = 8


def sized_font(point_size: float, *, bold: bool = False) -> QFont:
    """Return the application's font in a size that can be read from afar."""
    font = QFont()
    font.setPointSizeF(point_size)
    font.setBold(bold)
    return font


class KeyButton(QAbstractButton):
    """A button with the key that does the same, as on a keyboard.

    Parameters
    ----------
    text, key : str
        What it does, and the key as printed on it.
    on_click : callable
        Called without arguments.
    point_size : float
        Of the text.
    """

    def __init__(
        self,
        text: str,
        key: str,
        on_click: Callable[[], object],
        point_size: float = 14,
    ) -> None:
        super().__init__()
        self.setText(text)
        self.setFont(sized_font(point_size))
        self._key = key
        self._key_font = sized_font(point_size - 3, bold=True)
        self.setAccessibleName(f"{text}, key {key}")
        # Keys go to the window, whatever was clicked last.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(lambda _checked=False: on_click())

    def sizeHint(self) -> QSize:
        """Return the room for key and text."""
        height = QFontMetrics(self.font()).height() + 22
        return QSize(self._content_width() + 2 * _PADDING_PX, height)

    def minimumSizeHint(self) -> QSize:
        """Return the room for key and text: neither is ever cut."""
        return self.sizeHint()

    def _key_width(self) -> int:
        metrics = QFontMetrics(self._key_font)
        text = metrics.horizontalAdvance(self._key) + 2 * _KEY_PADDING_PX
        return max(text, metrics.height() + 6)

    def _content_width(self) -> int:
        text = QFontMetrics(self.font()).horizontalAdvance(self.text())
        return self._key_width() + _GAP_PX + text

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the key and the text in the middle."""
        ink, fill, edge = self._greys()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(edge), 2))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)
        left = (self.width() - self._content_width()) / 2
        key_height = QFontMetrics(self._key_font).height() + 6
        key = QRectF(
            left, (self.height() - key_height) / 2, self._key_width(), key_height
        )
        centred = Qt.AlignmentFlag.AlignCenter
        painter.setPen(QPen(QColor(ink), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(key.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setFont(self._key_font)
        painter.drawText(key, int(centred), self._key)
        painter.setFont(self.font())
        beside = QRectF(self.rect())
        beside.setLeft(key.right() + _GAP_PX)
        painter.drawText(
            beside,
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
            self.text(),
        )

    def _greys(self) -> tuple[str, str, str]:
        """Return the colours of ink, face and edge."""
        if not self.isEnabled():
            return "#7d7d7d", "#343434", "#444444"
        if self.isChecked():
            return "#1c1c1c", "#f2f2f2", "#ffffff"
        if self.isDown():
            return "#f2f2f2", "#6a6a6a", "#c0c0c0"
        if self.underMouse():
            return "#f2f2f2", "#565656", "#a8a8a8"
        return "#f2f2f2", "#484848", "#6e6e6e"


class MessagePage(QWidget):
    """A title, a text and one or two things to do, on neutral grey."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = plain_label(22)
        self._text = plain_label(13)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(_GAP_PX)
        card = QWidget()
        card.setObjectName("card")
        card.setFixedWidth(_CARD_WIDTH_PX)
        column = QVBoxLayout(card)
        column.setContentsMargins(*(4 * [_CARD_MARGIN_PX]))
        column.setSpacing(22)
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
        """Show a plain title, a text in HTML, and what can be done."""
        _set_wrapped(self._title, title)
        _set_wrapped(self._text, text)
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for button in buttons:
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)


def plain_label(point_size: float) -> QLabel:
    """Return a label that shows its text as it is."""
    label = QLabel()
    label.setFont(sized_font(point_size))
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _set_wrapped(label: QLabel, text: str) -> None:
    # A centred card does not pass on that the height of a label depends on its width.
    label.setWordWrap(True)
    label.setText(text)
    label.setMinimumHeight(0)  # both would be taken for the height that is needed
    label.setMaximumHeight(_ANY_HEIGHT_PX)
    label.setFixedHeight(label.heightForWidth(_CARD_WIDTH_PX - 2 * _CARD_MARGIN_PX))
