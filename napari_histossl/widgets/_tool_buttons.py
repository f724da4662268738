"""The tools as buttons: picture, name, key; in the colours of napari's theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QSizePolicy, QToolButton, QWidget

from napari_histossl.widgets._tool_icons import tool_icon
from napari_histossl.widgets._tool_table import TOOLS, ToolInfo
from napari_histossl.widgets._workbench import Workbench

_COLUMNS = 5


class ToolButtons(QWidget):
    """Which tool is in hand.

    Parameters
    ----------
    bench : Workbench
        Whose window has a theme.
    on_take : callable
        Called with the tool that is pressed.
    """

    def __init__(self, bench: Workbench, on_take: Callable[[ToolInfo], object]) -> None:
        super().__init__()
        self._bench, self._on_take = bench, on_take
        self._group = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for place, info in enumerate(TOOLS):
            made = self._made(info)
            self._group.addButton(made, place)
            grid.addWidget(made, place // _COLUMNS, place % _COLUMNS)
        bench.viewer.events.theme.connect(self._colour)
        self._colour()

    def choose(self, chosen: ToolInfo | None) -> None:
        """Show which tool is in hand, or that none is."""
        self._group.setExclusive(False)
        for place, info in enumerate(TOOLS):
            self._group.button(place).setChecked(info is chosen)
        self._group.setExclusive(True)

    def _made(self, info: ToolInfo) -> QToolButton:
        made = QToolButton()
        made.setText(f"{info.name}\n{info.key.words}")
        made.setIconSize(QSize(20, 20))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        made.setCheckable(True)
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        made.setToolTip(f"{info.name}, key {info.key.words}. {info.hint}")
        made.clicked.connect(lambda _checked=False: self._on_take(info))
        return made

    def _colour(self, _event: Any = None) -> None:
        """Take over the colours of the theme; napari styles no such buttons."""
        if self._bench.closed:
            return
        theme = get_theme(self._bench.viewer.theme)
        text, ground, chosen, over, grey = (
            colour.as_hex()
            for colour in (
                theme.text,
                theme.foreground,
                theme.current,
                theme.primary,
                theme.secondary,
            )
        )
        self.setStyleSheet(
            f"QToolButton {{ background: {ground}; color: {text}; border: none;"
            f" border-radius: 2px; padding: 3px 0px; }}"
            f"QToolButton:hover {{ background: {over}; }}"
            f"QToolButton:checked {{ background: {chosen}; }}"
            f"QToolButton:disabled {{ color: {grey}; }}"
        )
        for place, info in enumerate(TOOLS):
            icon = tool_icon(info.name, QColor(text), QColor(grey))
            self._group.button(place).setIcon(icon)
