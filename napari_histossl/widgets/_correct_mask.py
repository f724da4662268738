"""Which mask is corrected: one that is there, a new one, one of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.correct import start_mask
from napari_histossl.store import paths
from napari_histossl.widgets._correct_import import ImportGroup
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import RunBar, button, combo, note, row
from napari_histossl.widgets._mask_form import NewMaskForm
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench

_NO_SLIDE = "Open a slide first: on the Slide page, or drag it onto the window."
_NO_MASK = "Open a mask of this slide, make a new one, or import one."


class MaskGroup(QWidget):
    """Opens, makes, imports and closes masks of the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    author : str or None
        Who corrects, for the journal.

    Attributes
    ----------
    wanted : Signal of Path
        A mask is to be opened.
    closing : Signal
        The open mask is to be closed.
    new : NewMaskForm
        What a new mask is to be.
    run_bar : RunBar
        How far the run of the page is.
    """

    wanted = Signal(object)
    closing = Signal()

    def __init__(self, bench: Workbench, author: str | None = None) -> None:
        super().__init__()
        self._bench = bench
        self._session: MaskSession | None = None
        self.run_bar = RunBar(bench.stop)
        self._hint = note()
        self._close = button("Close", self.closing.emit, "Every stroke is saved")
        self._known = combo()
        self._open = button("Open", self._open_known)
        self.new = NewMaskForm(bench)
        self._create = button("Create mask", self.create)
        self.imports = ImportGroup(bench, self.run_bar, author)
        self.imports.closing.connect(self.closing)
        self.imports.made.connect(self.wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        line = row(self._hint, self._close)
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(self._starts())
        column.addWidget(self.imports)
        column.addWidget(self.run_bar)
        bench.run_changed.connect(lambda _running: self.refresh())

    def _starts(self) -> QWidget:
        """Return the ways to come by a mask, which an open one hides."""
        self._start = QWidget()
        column = QVBoxLayout(self._start)
        column.setContentsMargins(0, 0, 0, 0)
        line = row(self._known, self._open)
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(self.new)
        column.addWidget(self._create)
        return self._start

    def follow(self, session: MaskSession | None) -> None:
        """Show another mask as the open one, or none."""
        self._session = session
        self.imports.follow(session)
        self.refresh()

    def refresh(self) -> None:
        """Show the masks of the slide in view, or the facts of the open one."""
        shown, session = self._bench.shown, self._session
        can_start = shown is not None and not self._bench.worker.is_running
        self._start.setVisible(session is None)
        self._close.setVisible(session is not None)
        if session is not None:
            self._hint.setText(_facts(session))
        else:
            self._hint.setText(_NO_SLIDE if shown is None else _NO_MASK)
            self._list_masks()
            self.new.refresh()
        self.new.setEnabled(can_start)
        self._create.setEnabled(can_start)
        self.imports.refresh()

    def create(self) -> None:
        """Make the mask that the form describes, in the worker, then open it."""
        try:
            plan = self.new.resolve()
        except HistoSSLError as error:
            show_error(error)
            return
        if self._bench.run(
            lambda complete: self._on_created(plan.path, complete), start_mask, plan
        ):
            self.run_bar.follow(self._bench)

    def found(self) -> list[Path]:
        """Return the masks of the slide in view."""
        shown = self._bench.shown
        return [] if shown is None else paths.list_masks(shown.folder)

    def _list_masks(self) -> None:
        found, chosen = self.found(), self._known.currentData()
        self._known.clear()
        for path in found:
            self._known.addItem(path.name.removesuffix(".ome.zarr"), path)
        if chosen in found:
            self._known.setCurrentIndex(found.index(chosen))
        self._known.setEnabled(bool(found))
        self._open.setEnabled(bool(found))
        if not found:
            is_open = self._bench.shown is not None
            self._known.addItem("no mask on this slide yet" if is_open else "")

    def _on_created(self, path: Path, complete: bool) -> None:
        if complete:
            self.wanted.emit(path)
        self.refresh()

    def _open_known(self) -> None:
        path: Any = self._known.currentData()
        if path is not None:
            self.wanted.emit(path)


def _facts(session: MaskSession) -> str:
    """Return name, size and scale of a mask, and why it cannot be corrected."""
    height, width = session.shape
    scale = session.store.mpp_yx
    parts = [f"{width:,} × {height:,} px"]
    if scale is not None:
        parts.append(f"{scale[0]:.3g} µm a pixel")
    if session.store.read_only:
        return f"{session.name}: {', '.join(parts)}. {session.state}"
    return f"{session.name}: {', '.join(parts)}. Every stroke is saved at once."
