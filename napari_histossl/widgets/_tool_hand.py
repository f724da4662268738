"""Which tool is in hand on the open mask, and the mouse that goes to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.widgets._key_table import FINISH, GIVE_UP, STEP_BACK
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._tool_base import At, Options, Tool, Work
from napari_histossl.widgets._tool_keys import BorrowedKeys
from napari_histossl.widgets._tool_table import OURS, TOOLS, ToolInfo, named
from napari_histossl.widgets._workbench import Workbench


class Hand(QObject):
    """The tool in hand; follows, and is followed by, the modes of napari.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    options : Options
        What the person chose for the tools.

    Attributes
    ----------
    changed : Signal
        Another tool, or none, is in hand.
    work : Work or None
        The mask in hand.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, options: Options) -> None:
        super().__init__()
        self._bench, self._options = bench, options
        self.work: Work | None = None
        self._tool: Tool | None = None
        self._ours = named("Polygon")
        self._is_switching = False
        bench.pointer_taken.connect(self._on_pointer_taken)

    # ---- Which mask, which tool

    def follow(self, session: MaskSession | None) -> None:
        """Work on another mask, or on none; one for looking only is none."""
        self._let_go()
        if session is None or session.layer is None or not session.layer.editable:
            self.changed.emit()
            return
        self.work = Work(self._bench, session, self._options, self._watch_keys)
        layer = self.work.layer
        self._keys = BorrowedKeys(
            layer,
            {
                GIVE_UP.name: self._cancel,
                FINISH.name: self._finish,
                STEP_BACK.name: self._step_back,
            },
        )
        layer.mouse_drag_callbacks.append(self._on_drag)
        layer.mouse_move_callbacks.append(self._on_move)
        layer.mouse_double_click_callbacks.append(self._on_double_click)
        layer.events.mode.connect(self._on_mode)
        self._on_mode()

    def take(self, info: ToolInfo) -> None:
        """Take a tool in hand; the layer of the mask is selected for it."""
        if self.work is None:
            return
        layer = self.work.layer
        self._bench.viewer.layers.selection.active = layer
        self._is_switching = True
        if info.make is not None:
            self._ours = info
        layer.mode = info.mode
        self._is_switching = False
        self._on_mode()

    @property
    def info(self) -> ToolInfo | None:
        """The tool in hand; None without a mask, or where napari does other things."""
        if self.work is None:
            return None
        mode = str(self.work.layer.mode)
        if mode == OURS:
            return self._ours
        return next((info for info in TOOLS if info.mode == mode), None)

    @property
    def tool(self) -> Tool | None:
        """The tool of ours that gets the mouse, if one does."""
        return self._tool if self.info is self._ours else None

    def _on_mode(self, _event: Any = None) -> None:
        if self._is_switching or self.work is None:
            return
        info, layer = self.info, self.work.layer
        if info is not None and info.make is not None:
            self._bench.pointer_taken.emit(self)
            # napari's own outline would take the same clicks
            layer._overlays["polygon"].enabled = False
            self._use(info)
        elif info is None or info.mode != "pan_zoom":
            self._use(None)  # moving the slide leaves what is being drawn as it is
        self.changed.emit()

    def _use(self, info: ToolInfo | None) -> None:
        assert self.work is not None
        made = None if info is None else info.make
        if self._tool is not None and (made is None or type(self._tool) is not made):
            self._cancel()
            self._tool = None
        if made is not None and self._tool is None:
            self._tool = made(self.work)
        if self._tool is not None:
            layer = self.work.layer
            layer.cursor_size = layer._calculate_cursor_size()
            layer.cursor = self._tool.cursor

    def _on_pointer_taken(self, by: object) -> None:
        """Let go: a click means one thing at a time."""
        if by is not self and self.work is not None and self.tool is not None:
            self.take(named("Move"))

    def _let_go(self) -> None:
        work, self.work = self.work, None
        if work is None:
            return
        if self._tool is not None:
            self._tool.cancel()
            self._tool = None
        self._keys.hold(False)
        work.outline.close()
        layer = work.layer
        layer.events.mode.disconnect(self._on_mode)
        layer.mouse_drag_callbacks.remove(self._on_drag)
        layer.mouse_move_callbacks.remove(self._on_move)
        layer.mouse_double_click_callbacks.remove(self._on_double_click)

    # ---- The mouse

    def _on_drag(self, _layer: Any, event: Any) -> Iterator[None]:
        tool, work = self.tool, self.work
        if work is not None and event.button == 1 and self.info is named("Fill"):
            self._tell_protected(work, work.at(event))
        if tool is None or work is None:
            return
        if event.button == 2:
            self._step_back()
        if event.button != 1:
            return
        tool.press(work.at(event))
        self._watch_keys()
        yield
        while event.type == "mouse_move":
            tool.drag(work.at(event))
            yield
        if self.tool is tool:  # not laid aside in the middle
            tool.release(work.at(event))
            self._watch_keys()

    @staticmethod
    def _tell_protected(work: Work, at: At) -> None:
        """Say why nothing is filled; napari's own tool leaves it without a word."""
        index = work.class_at(at)
        if index and index in work.layer.spared(int(work.layer.selected_label)):
            name = work.session.store.classes[index].name
            work.refuse(
                f"{name} is protected here; untick the box that protects what is "
                f"painted, or fill something else"
            )

    def _on_move(self, _layer: Any, event: Any) -> None:
        if self.tool is not None and self.work is not None:
            self.tool.hover(self.work.at(event))

    def _on_double_click(self, _layer: Any, _event: Any) -> None:
        if self.tool is not None and self.tool.is_busy:
            self._finish()

    # ---- Keys while something is drawn

    def _watch_keys(self) -> None:
        self._keys.hold(self._tool is not None and self._tool.is_busy)

    def _cancel(self) -> None:
        if self._tool is not None:
            self._tool.cancel()
        self._watch_keys()

    def _finish(self) -> None:
        if self._tool is not None:
            self._tool.finish()
        self._watch_keys()

    def _step_back(self) -> None:
        if self._tool is not None:
            self._tool.step_back()
        self._watch_keys()
