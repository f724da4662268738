"""Keys that mean something only while a tool is drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari.layers import Layer
from napari.utils.key_bindings import coerce_keybinding


class BorrowedKeys:
    """Takes keys of a layer for a while, and gives them back as they were.

    Parameters
    ----------
    layer : napari.layers.Layer
        Whose keys.
    actions : mapping of str to callable
        What to do meanwhile, by napari's name of the key.
    """

    def __init__(
        self, layer: Layer, actions: Mapping[str, Callable[[], object]]
    ) -> None:
        self._layer = layer
        self._actions = {coerce_keybinding(key): do for key, do in actions.items()}
        self._before: dict[Any, Any] | None = None

    def hold(self, wanted: bool) -> None:
        """Take them, or give them back."""
        if wanted == (self._before is not None):
            return
        keymap = self._layer.keymap
        if wanted:
            self._before = {key: keymap.get(key) for key in self._actions}
            for key, do in self._actions.items():
                self._layer.bind_key(key, _quietly(do), overwrite=True)
            return
        before, self._before = self._before or {}, None
        for key, action in before.items():
            keymap.pop(key, None)
            if action is not None:
                keymap[key] = action


def _quietly(do: Callable[[], object]) -> Callable[[Any], None]:
    def act(_layer: Any) -> None:
        do()

    return act
