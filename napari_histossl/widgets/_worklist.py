"""The worklist: slides of a folder, one after the other, with or without names."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QBrush
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.errors import HistoSSLError, PlanError, SlideOpenError
from napari_histossl.panels.worklist import Worklist, check, open_worklist
from napari_histossl.slide import open_slide
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import button, note, row
from napari_histossl.widgets._opening import OpeningStopped, make_overview
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads

_LIST_HEIGHT = 130
"""Logical pixels; a longer list scrolls."""


class WorklistPanel(QWidget):
    """Open a folder of slides, go on to the next, mask their names.

    Parameters
    ----------
    bench : Workbench
        Where the slides are opened.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.worklist: Worklist | None = None
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_checked)
        self._build()
        self._show()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(button("Open folder …", self._ask_for_folder))
        self._list = QListWidget()
        self._list.setFixedHeight(_LIST_HEIGHT)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.itemActivated.connect(lambda item: self.open(self._list.row(item)))
        column.addWidget(self._list)
        self._previous = button("Previous", lambda: self.step(-1), "Page Up")
        self._next = button("Next", lambda: self.step(1), "Page Down")
        column.addLayout(row(self._previous, self._next))
        self._mask = QCheckBox("Mask names (blinded review)")
        self._mask.setToolTip("Slide 1, Slide 2, … in an order that tells nothing")
        self._mask.toggled.connect(self.set_masked)
        column.addWidget(self._mask)
        self._sentence = note()
        column.addWidget(self._sentence)

    # ---- showing

    def _show(self) -> None:
        worklist = self.worklist
        self._list.setVisible(worklist is not None)
        for widget, direction in ((self._previous, -1), (self._next, 1)):
            can_go = worklist is not None and worklist.after(direction) is not None
            widget.setEnabled(can_go)
        if worklist is None:
            self._sentence.setText("No folder is open.")
            return
        self._fill_list(worklist)
        self._count(worklist)

    def _count(self, worklist: Worklist) -> None:
        bad = sum(entry.problem is not None for entry in worklist.entries)
        place = "–" if worklist.position is None else worklist.position + 1
        text = f"{place} of {len(worklist.entries)}"
        self._sentence.setText(f"{text} · {bad} cannot be opened" if bad else text)

    def _fill_list(self, worklist: Worklist) -> None:
        while self._list.count() < len(worklist.entries):
            self._list.addItem(QListWidgetItem())
        while self._list.count() > len(worklist.entries):
            self._list.takeItem(self._list.count() - 1)
        for index in range(len(worklist.entries)):
            self._fill_row(worklist, index)
        if worklist.position is not None:
            self._list.setCurrentRow(worklist.position)

    def _fill_row(self, worklist: Worklist, index: int) -> None:
        item, problem = self._list.item(index), worklist.problem(index)
        name = worklist.name(index)
        item.setText(name if problem is None else f"{name} – cannot be opened")
        item.setToolTip(name if problem is None else problem)
        muted = self.palette().placeholderText()
        item.setForeground(QBrush() if problem is None else muted)

    # ---- asked for

    def _ask_for_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a folder of slides")
        if name:
            self.open_folder(Path(name))

    def open_folder(self, folder: Path) -> None:
        """List the slides of a folder and open the first one."""
        try:
            worklist = open_worklist(folder)
        except SlideOpenError as error:
            show_error(error)
            return
        self._reads.drop()
        if self._mask.isChecked():
            worklist = worklist.masked(secrets.randbits(64))
        self.worklist = worklist
        for entry in worklist.entries:
            self._reads.ask(entry.path, partial(check, entry.path))
        self.step(1)
        self._show()

    def step(self, direction: int) -> None:
        """Open the next slide (1) or the one before (-1); bad files are skipped."""
        while self.worklist is not None:
            index = self.worklist.after(direction)
            if index is None:
                if self.worklist.position is not None:
                    end = "last" if direction > 0 else "first"
                    show_info(f"This is the {end} slide of the list.")
                return
            if self.open(index) or self.worklist.entries[index].problem is None:
                return

    def open(self, index: int) -> bool:
        """Open an entry in place of the slide in view; return whether it is shown."""
        worklist = self.worklist
        if worklist is None or index == worklist.position:
            return worklist is not None
        if self.bench.worker.is_running:
            show_error(
                PlanError(
                    "a run is going on; stop it or wait before changing the slide"
                )
            )
            return False
        path = worklist.entries[index].path
        try:
            slide = open_slide(path)
            make_overview(slide, worklist.alias(index) or path.name)
        except OpeningStopped as stopped:
            show_info(str(stopped))
            return False
        except HistoSSLError as error:
            self.worklist = worklist.checked(path, str(error))
            show_info(f"Skipped: {self.worklist.problem(index)}")
            self._show()
            return False
        self._close_shown()
        self.worklist = worklist.at(index)
        self.bench.add_slide(slide, worklist.alias(index))
        self.bench.viewer.reset_view()
        self._show()
        return True

    def _close_shown(self) -> None:
        """Take the slide in view, and all that lies on it, off the window."""
        for layer in reversed(self.bench.layers_of_slide()):
            if layer in self.bench.viewer.layers:
                self.bench.viewer.layers.remove(layer)

    def set_masked(self, masked: bool) -> None:
        """Hide the names of the slides, or show them again."""
        worklist = self.worklist
        if worklist is None or worklist.is_masked == masked:
            return
        self.worklist = (
            worklist.masked(secrets.randbits(64)) if masked else worklist.unmasked()
        )
        self._name_shown()
        self._show()

    def _name_shown(self) -> None:
        worklist, shown = self.worklist, self.bench.shown
        if worklist is None or worklist.position is None or shown is None:
            return
        if worklist.entries[worklist.position].path == getattr(
            shown.source, "path", None
        ):
            self.bench.call_slide(worklist.alias(worklist.position))

    def _on_checked(self, path: Path, answer: Any) -> None:
        worklist = self.worklist
        if worklist is None or path not in [e.path for e in worklist.entries]:
            return  # of another folder
        before = worklist.entries
        self.worklist = worklist.checked(path, *answer)
        for index, entry in enumerate(self.worklist.entries):
            if entry.problem != before[index].problem:
                self._show()
                return
