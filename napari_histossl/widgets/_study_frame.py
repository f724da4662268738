"""The window around pictures and messages: pages, keys, size of type, contrast."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QCloseEvent, QKeyEvent
from qtpy.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from napari_histossl.widgets._study_controls import KeyButton
from napari_histossl.widgets._study_keys import GO_ON_KEYS, Command, look_command
from napari_histossl.widgets._study_look import Look, PlainLabel
from napari_histossl.widgets._study_message import MessagePage


class Frame(QWidget):
    """A window with a page of messages, and one for reading if there is one.

    Parameters
    ----------
    reading : QWidget, optional
        The page for reading.

    Attributes
    ----------
    closed : Signal
        The window is closed.
    """

    closed = Signal()

    def __init__(self, reading: QWidget | None = None) -> None:
        super().__init__()
        self.look = Look()
        self._go_on: Callable[[], object] = self.close
        self.setObjectName("reader")
        self.setWindowTitle("Reading")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.resize(1200, 900)
        self.message = MessagePage()
        self.message.resized.connect(self.resize_type)
        self.message.contrasted.connect(self.change_contrast)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.message)
        if reading is not None:
            self._pages.addWidget(reading)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self._set_look(self.look)

    # ---- pages

    @property
    def is_reading(self) -> bool:
        """Whether a picture is shown, and not a message."""
        return self._pages.currentIndex() == 1

    def show_reading(self) -> None:
        """Show the page for reading."""
        self._pages.setCurrentIndex(1)
        self.setFocus()

    def show_message(
        self, title: str, text: str, action: str, go_on: Callable[[], object]
    ) -> None:
        """Show a message and what can be done: go on by Enter, or close."""
        self._go_on = go_on
        buttons = [KeyButton(action, "Enter", go_on, takes_enter=True)]
        if go_on != self.close:
            buttons.append(KeyButton("Close", "Esc", self.close, takes_enter=True))
        self.message.show_message(title, text, *buttons)
        self._pages.setCurrentIndex(0)
        self.setFocus()

    # ---- look

    def resize_type(self, steps: int) -> None:
        """Make type larger or smaller, as far as the screen has room; 0 as usual."""
        before = self.look
        self._set_look(before.resized(steps))
        screen = self.screen()
        too_wide = (
            screen is not None
            and self.minimumSizeHint().width() > screen.availableSize().width()
        )
        if too_wide and self.look.size > before.size:
            self._set_look(before)

    def change_contrast(self) -> None:
        """Change between greys and white on black."""
        self._set_look(self.look.contrasted())

    def _set_look(self, look: Look) -> None:
        self.look = look
        self.setStyleSheet(look.style())
        for widget in self.findChildren(QWidget):
            if isinstance(widget, (KeyButton, PlainLabel)):
                widget.set_look(look)
        self.message.set_look(look)  # last: it measures its labels

    # ---- events

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Do everything by keys alone."""
        if event is None:
            return
        if (command := look_command(event)) is not None:
            self._change_look(command)
        elif event.key() == Qt.Key.Key_F11:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        elif self.is_reading:
            self.on_reading_key(event)
        elif not event.isAutoRepeat():
            self._on_message_key(Qt.Key(event.key()))

    def _change_look(self, command: Command) -> None:
        name, value = command
        if name == "resize" and isinstance(value, int):
            self.resize_type(value)
        else:
            self.change_contrast()

    def _on_message_key(self, key: Qt.Key) -> None:
        if key in GO_ON_KEYS:
            self._go_on()
        elif key == Qt.Key.Key_Escape:
            self.close()

    def go_on(self) -> None:
        """Do what Enter does on the message that is shown."""
        self._go_on()

    def on_reading_key(self, event: QKeyEvent) -> None:
        """Do what a key asks for on the page for reading; here nothing."""

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Say that the window is closed."""
        self.closed.emit()
        if event is not None:
            event.accept()
