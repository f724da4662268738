"""Classes, tools and what can be chosen for them, over the mask that is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.panels.class_keys import class_keys
from napari_histossl.widgets import _key_table as keys
from napari_histossl.widgets._class_buttons import ClassButtons
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._tool_buttons import ToolButtons
from napari_histossl.widgets._tool_hand import Hand
from napari_histossl.widgets._tool_holes import fill_all_holes
from napari_histossl.widgets._tool_options import ToolOptions
from napari_histossl.widgets._tool_table import TOOLS, named
from napari_histossl.widgets._workbench import Workbench

_TAKEN = "ABEFHKLMNOPUVWXZ"
"""Letters that mean something else on a mask: tools, napari's own keys, review."""


class PaintTools(QWidget):
    """Buttons that follow, and are followed by, napari's own controls.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    hand : Hand
        Which tool is in hand.
    options : ToolOptions
        What was chosen for it.
    protect : QCheckBox
        Do not paint over what is painted; napari's "preserve labels".
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._layer: Any = None
        self.options = ToolOptions(bench)
        self.hand = Hand(bench, self.options.chosen)
        self.hand.changed.connect(self._show)
        self._classes = ClassButtons(self.pick_class)
        self._classes.show_table(DEFAULT_CLASSES, class_keys(DEFAULT_CLASSES, _TAKEN))
        self._tools = ToolButtons(bench, self.hand.take)
        self.protect = QCheckBox(
            f"Do not paint over what is painted  {keys.PROTECT.name}"
        )
        self.protect.toggled.connect(self._on_protect)
        self.options.fill_all.clicked.connect(self._fill_all)
        self.options.region_drawn.connect(self._go_on)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._classes)
        column.addWidget(self._tools)
        column.addWidget(self.options)
        column.addWidget(self.protect)
        self.follow(None)

    def follow(self, session: MaskSession | None) -> None:
        """Work on another mask, or on none; one for looking only is none."""
        self._unbind()
        layer = None if session is None else session.layer
        if layer is not None and not layer.editable:
            session, layer = None, None
        self.setEnabled(layer is not None)
        self._layer = layer
        if session is not None and layer is not None:
            letters = class_keys(session.store.classes, _TAKEN)
            self._classes.show_table(session.store.classes, letters)
            self._bind(layer, letters)
        self.options.follow(session)
        self.hand.follow(session)
        self._show()

    def pick_class(self, index: int) -> None:
        """Take a class in hand, and the brush where the tool takes none."""
        if self._layer is None:
            return
        self._layer.selected_label = index
        info = self.hand.info
        if info is None or "class" not in info.uses:
            self.hand.take(named("Brush"))

    # ---- The layer in hand

    def _bind(self, layer: Any, letters: dict[int, str]) -> None:
        for event in self._events(layer):
            event.connect(self._show)
        layer.events.selected_label.connect(self._on_class)
        for info in TOOLS:
            if info.make is not None:  # the others are keys of napari
                layer.bind_key(
                    info.key.name, _act(self.hand.take, info), overwrite=True
                )
        for key, steps in ((keys.SMALLER, -1), (keys.LARGER, 1)):
            act = _act(self.options.size.step, steps)
            layer.bind_key(key.name, act, overwrite=True)
        for index, letter in letters.items():
            layer.bind_key(letter, _act(self.pick_class, index), overwrite=True)

    def _unbind(self) -> None:
        if self._layer is not None:
            for event in self._events(self._layer):
                event.disconnect(self._show)
            self._layer.events.selected_label.disconnect(self._on_class)

    @staticmethod
    def _events(layer: Any) -> tuple[Any, ...]:
        return layer.events.selected_label, layer.events.preserve_labels

    def _on_class(self, _event: Any = None) -> None:
        self.options.proposal.on_class()

    def _on_protect(self, wanted: bool) -> None:
        if self._layer is not None:
            self._layer.preserve_labels = wanted

    def _go_on(self) -> None:
        """Take the tool again that was in hand."""
        if self.hand.info is not None:
            self.hand.take(self.hand.info)

    def _fill_all(self, _checked: bool = False) -> None:
        if self.hand.work is not None:
            fill_all_holes(self.hand.work)

    # ---- Showing

    def _show(self, _event: Any = None) -> None:
        layer, chosen = self._layer, self.hand.info
        self.options.show_for(chosen)
        self._tools.choose(chosen)
        if layer is not None:
            self._classes.choose(int(layer.selected_label))
            self.protect.setChecked(bool(layer.preserve_labels))


def _act(do: Callable[[Any], object], argument: Any) -> Callable[[Any], None]:
    def act(_layer: Any) -> None:
        do(argument)

    return act
