"""Keys of a page: on the layers of ours and on the page, never on the whole window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QWidget

from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

Action = Callable[[], object]


class LayerKeys(QObject):
    """Keys that work while a layer of ours is selected and the canvas has the focus.

    Parameters
    ----------
    bench : Workbench
        Whose layers get the keys.
    actions : mapping of str to callable
        What to do, by napari's name of the key.
    """

    def __init__(self, bench: Workbench, actions: Mapping[str, Action]) -> None:
        super().__init__(bench)
        self._bench, self._actions = bench, dict(actions)
        for layer in bench.viewer.layers:
            self._bind(layer)
        bench.viewer.layers.events.inserted.connect(
            lambda event: self._bind(event.value)
        )

    def _bind(self, layer: Layer) -> None:
        if METADATA_KEY not in layer.metadata or self._bench.closed:
            return
        for key, action in self._actions.items():
            layer.bind_key(key, self._guarded(action), overwrite=True)

    def _guarded(self, action: Action) -> Callable[[Any], None]:
        def do(_layer: Layer) -> None:
            if not self._bench.closed:
                action()

        return do


def bind_on_page(page: QWidget, actions: Mapping[str, Action]) -> None:
    """Let keys work while a page, or anything on it, has the focus.

    Fields in which the key means something (a comma in a number) keep it.
    """
    for key, action in actions.items():
        shortcut = QShortcut(QKeySequence(key), page)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(lambda do=action: do())
