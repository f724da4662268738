"""The pages between pictures: a title, a text, and one or two things to do."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_histossl.widgets._study_controls import GAP_PX, MINUS, KeyButton
from napari_histossl.widgets._study_look import Look, PlainLabel

_CARD_WIDTH_PX = 680
_CARD_MARGIN_PX = 44
_ANY_HEIGHT_PX = 10_000


class MessagePage(QWidget):
    """A card on neutral grey, with the sizes of type and the contrast below it.

    Attributes
    ----------
    resized : Signal of int
        Type is wanted larger or smaller by so many sizes.
    contrasted : Signal
        The other contrast is wanted.
    """

    resized = Signal(int)
    contrasted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._look = Look()
        self._title = PlainLabel(22)
        self._text = PlainLabel(13)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._shown: list[KeyButton] = []
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(GAP_PX)
        self._card = self._build_card()
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(self._card, alignment=Qt.AlignmentFlag.AlignHCenter)
        outer.addSpacing(GAP_PX)
        outer.addLayout(self._build_look_row())
        outer.addStretch(1)

    def _build_card(self) -> QWidget:
        card = QWidget()
        card.setObjectName("card")
        column = QVBoxLayout(card)
        column.setContentsMargins(*(4 * [_CARD_MARGIN_PX]))
        column.setSpacing(22)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addSpacing(6)
        column.addLayout(self._buttons)
        return card

    def _build_look_row(self) -> QHBoxLayout:
        smaller, larger = (
            KeyButton(f"A{sign}", f"Ctrl {sign}", resize, 11, says=says)
            for sign, resize, says in (
                (MINUS, lambda: self.resized.emit(-1), "Smaller type"),
                ("+", lambda: self.resized.emit(1), "Larger type"),
            )
        )
        self._contrast = KeyButton(
            "High contrast", "Ctrl H", self.contrasted.emit, 11, says="High contrast"
        )
        self._contrast.setCheckable(True)
        line = QHBoxLayout()
        line.setSpacing(GAP_PX)
        line.addStretch(1)
        for button in (smaller, larger, self._contrast):
            line.addWidget(button)
        line.addStretch(1)
        return line

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
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(title)
        self._shown = list(buttons)
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for button in buttons:
            button.set_look(self._look)
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)
        self._fit()

    def set_look(self, look: Look) -> None:
        """Show the page in a look."""
        self._look = look
        self._contrast.setChecked(look.high_contrast)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Use the width there is."""
        self._fit()

    def _fit(self) -> None:
        wanted = round(_CARD_WIDTH_PX * max(self._look.size, 1))
        width = max(min(wanted, self.width() - _CARD_MARGIN_PX), _CARD_WIDTH_PX // 2)
        self._card.setFixedWidth(width)
        for label in (self._title, self._text):
            _wrap(label, width - 2 * _CARD_MARGIN_PX)


def _wrap(label: QLabel, width: int) -> None:
    # A centred card does not pass on that the height of a label depends on its width.
    label.setWordWrap(True)
    label.setMinimumHeight(0)  # both would be taken for the height that is needed
    label.setMaximumHeight(_ANY_HEIGHT_PX)
    label.setFixedHeight(max(label.heightForWidth(width), 0))
