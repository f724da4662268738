"""Keys of the review: on the slide and on the page, and only while one reviews."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QLineEdit, QWidget

from napari_histossl.widgets import _key_table as keys
from napari_histossl.widgets._tool_keys import BorrowedKeys
from napari_histossl.widgets._workbench import Workbench

Action = Callable[[], object]

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ReviewKeys(QObject):
    """Borrows keys of the layers of ours, and binds them on a page.

    Parameters
    ----------
    bench : Workbench
        Whose layers.
    page : QWidget
        Where the keys work as well, except in fields that one types into.
    actions : mapping of Key to callable
        What to do.
    """

    def __init__(
        self, bench: Workbench, page: QWidget, actions: Mapping[keys.Key, Action]
    ) -> None:
        super().__init__(page)
        self._bench = bench
        self._actions = {key.name: do for key, do in actions.items()}
        self._borrowed: list[BorrowedKeys] = []
        self._shortcuts = [
            shortcut
            for name, do in self._actions.items()
            for shortcut in _shortcuts(page, name, do)
        ]

    def hold(self, wanted: bool) -> None:
        """Take the keys, or give them back."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(wanted)
        for borrowed in self._borrowed:
            borrowed.hold(False)
        self._borrowed = []
        if wanted:
            layers = self._bench.layers_of_slide()
            self._borrowed = [BorrowedKeys(x, self._actions) for x in layers]
        for borrowed in self._borrowed:
            borrowed.hold(True)


def _shortcuts(page: QWidget, name: str, do: Action) -> list[QShortcut]:
    names = ("Return", "Enter") if name == keys.ACCEPT.name else (name,)
    made = []
    for one in names:
        shortcut = QShortcut(QKeySequence(one.replace("-", "+")), page)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.setEnabled(False)
        shortcut.activated.connect(lambda do=do: do())
        made.append(shortcut)
    return made


class TextField(QLineEdit):
    """A line of text that keeps Enter and Backspace to itself.

    Attributes
    ----------
    given : Signal of str
        Enter was pressed.
    """

    given = Signal(str)

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self.setPlaceholderText(placeholder)
        self.returnPressed.connect(lambda: self.given.emit(self.text().strip()))

    def event(self, event: QEvent) -> bool:
        """Take keys that the page would take otherwise."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride
        own = (*_ENTER, Qt.Key.Key_Backspace)
        if is_asked and isinstance(event, QKeyEvent) and event.key() in own:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Type; what a field has no use for goes no further, to the slide."""
        super().keyPressEvent(event)
        event.accept()
