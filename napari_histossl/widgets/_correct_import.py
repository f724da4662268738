"""Annotations of other programs into the open mask, or into a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from napari_histossl.annotate.formats import rasters
from napari_histossl.classes import Origin
from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Job, Progress
from napari_histossl.panels.correct import MaskChoice, free_mask_name, resolve
from napari_histossl.panels.mask_import import (
    ImportChoice,
    import_and_tell,
    import_new_and_tell,
)
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import RunBar, button, combo, note, row
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench

_KINDS = (
    "Annotations (*.geojson *.json *.xml *.png *.tif *.tiff);;"
    "QuPath (*.geojson *.json);;ASAP (*.xml);;Pictures of labels (*.png *.tif *.tiff)"
)


class ImportGroup(QWidget):
    """Reads a file in the worker; the open mask is let go of for that long.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    run_bar : RunBar
        Shows how far it is.
    author : str or None
        Who imports, for the journal.

    Attributes
    ----------
    closing : Signal
        The open mask is about to be changed by the worker.
    made : Signal of Path
        A mask is there, or has been changed, and can be opened.
    """

    closing = Signal()
    made = Signal(object)

    def __init__(
        self, bench: Workbench, run_bar: RunBar, author: str | None = None
    ) -> None:
        super().__init__()
        self._bench, self._run_bar, self._author = bench, run_bar, author
        self._session: MaskSession | None = None
        self._last = ""
        self._button = button("Import …", self._ask, "QuPath, ASAP, PNG or TIFF")
        self._origin = combo()
        self._origin.addItem("drawn by a person", Origin.HUMAN)
        self._origin.addItem("proposed by a model", Origin.MODEL)
        self._skip = QCheckBox("Leave out other classes")
        self._skip.setToolTip("Shapes of classes that the mask does not have")
        self._said = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        line = row(self._button, self._origin)
        line.setStretch(1, 1)
        column.addLayout(line)
        column.addWidget(self._skip)
        column.addWidget(self._said)
        self._said.hide()
        bench.run_changed.connect(lambda _running: self.refresh())

    def follow(self, session: MaskSession | None) -> None:
        """Import into another mask, or into a new one."""
        self._session = session
        self._skip.setVisible(session is not None)
        self.refresh()

    def refresh(self) -> None:
        """Allow what is possible now."""
        session, bench = self._session, self._bench
        is_free = session is None or not session.store.read_only
        self.setEnabled(
            bench.shown is not None and not bench.worker.is_running and is_free
        )

    def take(self, file: Path) -> None:
        """Import a file: shapes into the open mask, a picture as a new one."""
        session, shown = self._session, self._bench.shown
        if shown is None or self._bench.worker.is_running:
            return
        choice = ImportChoice(
            file,
            unknown="skip" if self._skip.isChecked() and session else "refuse",
            origin=self._origin.currentData(),
            author=self._author,
        )
        if session is not None and not rasters.is_raster(file):
            path = session.path
            self.closing.emit()
            self._run(path, import_and_tell, path, choice)
            return
        try:
            name = free_mask_name(shown.folder, file.stem)
            plan = resolve(MaskChoice(name=name), shown.slide, shown.folder)
        except HistoSSLError as error:
            show_error(error)
            return
        shape = shown.slide.levels[0].shape
        self._run(plan.path, import_new_and_tell, plan, shape, choice)

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import", "", _KINDS)
        if name:
            self.take(Path(name))

    def _run(self, path: Path, job: Job, *arguments: Any) -> None:
        self._last = ""
        self._bench.progressed.connect(self._on_progress)
        if self._bench.run(
            lambda complete: self._on_done(path, complete), job, *arguments
        ):
            self._run_bar.follow(self._bench)

    def _on_progress(self, progress: Progress, _left_s: float | None) -> None:
        self._last = progress.message

    def _on_done(self, path: Path, complete: bool) -> None:
        self._bench.progressed.disconnect(self._on_progress)
        self._said.setText(self._last if complete else "")
        self._said.setVisible(complete and bool(self._last))
        if path.exists():
            self.made.emit(path)
