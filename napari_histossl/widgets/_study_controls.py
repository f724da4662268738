"""Buttons that show the key that does the same."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QAbstractButton

from napari_histossl.widgets._study_look import Look

MINUS = "\N{MINUS SIGN}"
"""As wide as a plus sign."""

GAP_PX = 12
"""Between key and text, and between buttons."""

_PADDING_PX = 20
_KEY_PADDING_PX = 8
_GO_ON_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class KeyButton(QAbstractButton):
    """A button with the key that does the same, as on a keyboard.

    Parameters
    ----------
    text, key : str
        What it does, and the key as printed on it; empty for none.
    on_click : callable
        Called without arguments.
    point_size : float
        Of the text, in the usual look.
    takes_enter : bool
        Whether Enter presses it while it has the focus; Space always does.
    says : str
        What a screen reader says of it, where the text is not enough.
    """

    def __init__(
        self,
        text: str,
        key: str,
        on_click: Callable[[], object],
        point_size: float = 14,
        *,
        takes_enter: bool = False,
        says: str = "",
    ) -> None:
        super().__init__()
        self.setText(text)
        self._key, self._point_size = key, point_size
        self._takes_enter = takes_enter
        self.setAccessibleName(says or text)
        self.setAccessibleDescription(f"Key {key}" if key else "")
        # Tab reaches it; a click leaves the keys to the window.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(lambda _checked=False: on_click())
        self.set_look(Look())

    def set_look(self, look: Look) -> None:
        """Draw the button in a look."""
        self._greys = look.greys
        self.setFont(look.font(self._point_size))
        self._key_font = look.font(max(self._point_size - 3, 9), bold=True)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room for key and text."""
        height = QFontMetrics(self.font()).height() + 22
        return QSize(self._content_width() + 2 * _PADDING_PX, height)

    def minimumSizeHint(self) -> QSize:
        """Return the room for key and text: neither is ever cut."""
        return self.sizeHint()

    def _key_width(self) -> int:
        if not self._key:
            return 0
        metrics = QFontMetrics(self._key_font)
        text = metrics.horizontalAdvance(self._key) + 2 * _KEY_PADDING_PX
        return max(text, metrics.height() + 6)

    def _content_width(self) -> int:
        text = QFontMetrics(self.font()).horizontalAdvance(self.text())
        gap = GAP_PX if self._key and self.text() else 0
        return self._key_width() + gap + text

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Take Space, and Enter where it is meant; the window gets every other key."""
        if event is None:
            return
        is_space = event.key() == Qt.Key.Key_Space and not event.isAutoRepeat()
        if is_space or (event.key() in _GO_ON_KEYS and self._takes_enter):
            self.click()
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the key and the text in the middle."""
        ink, fill, edge = self._colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(edge), 4 if self.hasFocus() else 2))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 7, 7)
        left = (self.width() - self._content_width()) / 2
        if self._key:
            left = self._draw_key(painter, left, ink) + GAP_PX
        painter.setPen(QColor(ink))
        painter.setFont(self.font())
        beside = QRectF(self.rect())
        beside.setLeft(left)
        painter.drawText(
            beside,
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
            self.text(),
        )

    def _draw_key(self, painter: QPainter, left: float, ink: str) -> float:
        """Draw the key; return its right edge."""
        height = QFontMetrics(self._key_font).height() + 6
        key = QRectF(left, (self.height() - height) / 2, self._key_width(), height)
        painter.setPen(QPen(QColor(ink), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(key.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setFont(self._key_font)
        painter.drawText(key, int(Qt.AlignmentFlag.AlignCenter), self._key)
        return key.right()

    def _colours(self) -> tuple[str, str, str]:
        """Return the colours of ink, face and edge."""
        greys = self._greys
        if not self.isEnabled():
            return greys.unavailable, greys.closed, greys.closed
        edge = greys.ink if self.hasFocus() else greys.edge
        if self.isChecked():
            return greys.ground, greys.ink, edge
        if self.isDown():
            return greys.ink, greys.down, edge
        if self.underMouse():
            return greys.ink, greys.hover, edge
        return greys.ink, greys.face, edge
