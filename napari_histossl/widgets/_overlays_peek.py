"""A look under the overlays: gone while a key or a button is held."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QPushButton, QWidget

from napari_histossl.widgets._form import button
from napari_histossl.widgets._key_table import PEEK
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

_KEY = getattr(Qt.Key, f"Key_{PEEK.name}")
"""Held on the canvas with a layer of ours selected, or anywhere on a watched page."""

_STAYS = ("slide", "region", "measurements")
"""Kinds of layers that hide nothing."""


class Peek(QObject):
    """Hides what lies on the slide, and brings back what was hidden.

    Parameters
    ----------
    bench : Workbench
        Whose layers are hidden.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._hidden: list[Layer] = []
        for layer in bench.viewer.layers:
            self._bind(layer)
        bench.viewer.layers.events.inserted.connect(
            lambda event: self._bind(event.value)
        )
        application = QApplication.instance()
        if application is not None:  # a key let go elsewhere is never heard of
            application.applicationStateChanged.connect(lambda _state: self.end())

    @property
    def is_on(self) -> bool:
        """Whether something is hidden now."""
        return bool(self._hidden)

    def begin(self) -> None:
        """Hide the overlays."""
        if self._hidden or self._bench.closed:
            return
        for layer in self._bench.layers_of_slide():
            kind = layer.metadata[METADATA_KEY].get("kind")
            if kind not in _STAYS and layer.visible:
                layer.visible = False
                self._hidden.append(layer)

    def end(self) -> None:
        """Show again what was hidden."""
        hidden, self._hidden = self._hidden, []
        if self._bench.closed:
            return
        for layer in hidden:
            if layer in self._bench.viewer.layers:
                layer.visible = True

    def watch(self, page: QWidget) -> None:
        """Listen to the key on a page too, wherever on it the focus is."""
        page.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the key as the page gets it: fields that use it keep it."""
        if isinstance(event, QKeyEvent) and event.key() == _KEY:
            is_plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if event.type() == QEvent.Type.KeyPress and is_plain:
                self.begin()
                return True
            if event.type() == QEvent.Type.KeyRelease:
                if not event.isAutoRepeat():
                    self.end()
                return True
        return super().eventFilter(watched, event)

    def _bind(self, layer: Layer) -> None:
        if METADATA_KEY not in layer.metadata or self._bench.closed:
            return

        def hold(_layer: Layer) -> Generator[None, Any, None]:
            self.begin()
            yield
            self.end()

        layer.bind_key(PEEK.name, hold, overwrite=True)


def peek_button(peek: Peek) -> QPushButton:
    """Return a button that looks under the overlays as long as it is held."""
    made = button(f"Hold to look under it ({PEEK.name})", lambda: None)
    made.pressed.connect(peek.begin)
    made.released.connect(peek.end)
    return made
