"""Which key does what in the reading window."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent

from napari_histossl.widgets._study_draft import Step

Key, Modifier = Qt.Key, Qt.KeyboardModifier

GO_ON_KEYS = (Key.Key_Return, Key.Key_Enter)
CLEAR_KEYS = (Key.Key_Escape, Key.Key_Backspace)
_LARGER_KEYS = (Key.Key_Plus, Key.Key_Equal)
_SMALLER_KEYS = (Key.Key_Minus, Key.Key_Underscore)
_CLASS_KEYS = {
    Key.Key_R: False,
    Key.Key_Left: False,
    Key.Key_S: True,
    Key.Key_Right: True,
}
_ARROWS = {
    Key.Key_Up: (-1, 0),
    Key.Key_Down: (1, 0),
    Key.Key_Left: (0, -1),
    Key.Key_Right: (0, 1),
}

Command = tuple[str, object]
"""What is to be done, and with what."""


def look_command(event: QKeyEvent) -> Command | None:
    """Return what a key does to type and contrast; None if nothing.

    Returns
    -------
    tuple or None
        ``resize`` with the steps (0: the usual size), or ``contrast``.
    """
    if not event.modifiers() & Modifier.ControlModifier:
        return None
    key = Qt.Key(event.key())
    sizes = {**dict.fromkeys(_LARGER_KEYS, 1), **dict.fromkeys(_SMALLER_KEYS, -1)}
    sizes[Key.Key_0] = 0
    if key in sizes:
        return ("resize", sizes[key])
    return ("contrast", None) if key == Key.Key_H else None


def reading_command(event: QKeyEvent, step: Step) -> Command | None:
    """Return what a key does while a picture is shown; None if nothing.

    A key that is held down must not answer the pictures that follow: it may move and
    zoom, nothing else.
    """
    key = Qt.Key(event.key())
    others = Modifier.ControlModifier | Modifier.AltModifier | Modifier.MetaModifier
    if event.modifiers() & others:
        return None
    shifted = bool(event.modifiers() & Modifier.ShiftModifier)
    if (found := _view_command(key, shifted, step)) is not None:
        return found
    return None if event.isAutoRepeat() else _answer_command(key, step)


def _view_command(key: Qt.Key, shifted: bool, step: Step) -> Command | None:
    if key in _LARGER_KEYS:
        return ("zoom", 1)
    if key in _SMALLER_KEYS:
        return ("zoom", -1)
    if key == Key.Key_0:
        return ("whole", None)
    if key in _ARROWS and shifted:
        return ("pan", _ARROWS[key])
    if key in _ARROWS and step is Step.MARK:
        return ("mark", _ARROWS[key])
    return None


def _answer_command(key: Qt.Key, step: Step) -> Command | None:
    if key in GO_ON_KEYS:
        return ("accept", None)
    if key in CLEAR_KEYS:
        return ("clear", None)
    if Key.Key_1 <= key <= Key.Key_9:
        return ("number", int(key) - int(Key.Key_0))
    if key in _CLASS_KEYS:
        return ("choose", _CLASS_KEYS[key])
    simple: dict[Qt.Key, str] = {
        Key.Key_P: "pause",
        Key.Key_B: "earlier",
        Key.Key_F: "forward",
        Key.Key_N: "unmark",
    }
    return (simple[key], None) if key in simple else None
