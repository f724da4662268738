"""The Study page: make a study, read it, open its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QFileDialog, QLineEdit, QWidget

from napari_histossl.errors import HistoSSLError, StudyError
from napari_histossl.panels.study import (
    ReadingChoice,
    ResultsChoice,
    resolve_reading,
    resolve_results,
)
from napari_histossl.study import (
    Study,
    StudyResults,
    read_results,
    write_csv,
    write_json,
)
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import Page, button, form, note, row
from napari_histossl.widgets._study_fields import PathRow
from napari_histossl.widgets._study_frame import Frame
from napari_histossl.widgets._study_new import STUDY_FILTER, NewStudy
from napari_histossl.widgets._study_owner import StudyOwner
from napari_histossl.widgets._study_results import ResultsTable
from napari_histossl.widgets.study_reader import RefusalWindow, open_reader

_TRUTH_FILTER = "Truth files (*.truth.json)"


class StudyPage(Page):
    """Make, read and close blinded reader studies."""

    def __init__(self) -> None:
        super().__init__()
        self.reader_window: Frame | None = None
        self._results: StudyResults | None = None
        self.new, self.owner = NewStudy(), StudyOwner()
        self.owner.pack_made.connect(self._show_pack)
        self._build_reading()
        self.section("New study with packs").addWidget(self.owner)
        self.section("New study in one file").addWidget(self.new)
        self._build_results()
        self.refresh()

    # ---- building

    def _build_reading(self) -> None:
        column = self.section("Read")
        self.study = PathRow(lambda: self._ask_file("Study", STUDY_FILTER), "study")
        self.study.changed.connect(self.refresh)
        self.new.made.connect(self.study.set_text)
        self.reader = QComboBox()
        rows = form()
        rows.addRow("Study", self.study)
        rows.addRow("Reader", self.reader)
        self.code = QLineEdit()
        self.code.setPlaceholderText("came with the pack; else empty")
        rows.addRow("Code", self.code)
        column.addLayout(rows)
        self._about = note()
        column.addWidget(self._about)
        self._read = button("Read", self.read, "Opens a window of its own")
        column.addWidget(self._read)

    def _build_results(self) -> None:
        column = self.section("Results")
        column.addWidget(note("For the owner: opens the truth beside the answers."))
        self.truth = PathRow(
            lambda: self._ask_file("Truth", _TRUTH_FILTER), "truth file"
        )
        rows = form()
        rows.addRow("Truth", self.truth)
        column.addLayout(rows)
        column.addWidget(button("Show results", self.show_results))
        self.table = ResultsTable()
        column.addWidget(self.table)
        self._save_buttons = QWidget()
        line = row(
            button("Save CSV …", self._save_csv, "One line an answer"),
            button("Save JSON …", self._save_json, "Figures and answers"),
        )
        line.setContentsMargins(0, 0, 0, 0)
        self._save_buttons.setLayout(line)
        column.addWidget(self._save_buttons)

    # ---- reading

    def refresh(self, _path: str = "") -> None:
        """Look at the study again: who reads it, how far they are."""
        kept = self.reader.currentData()
        self.reader.clear()
        self._forget_results()
        if self.study.text.strip():
            try:
                about = Study.open(self.study.text.strip())
            except HistoSSLError as error:
                self._about.setText(str(error))
            else:
                self._show_study(about, kept)
        self._about.setVisible(bool(self.study.text.strip()))
        self._read.setEnabled(self.reader.count() > 0)

    def _show_pack(self, path: str, code: str) -> None:
        self.study.set_text(path)
        self.code.setText(code)

    def _show_study(self, about: Study, kept: str | None) -> None:
        for progress in about.readers:
            text = f"{progress.reader}  ·  {progress.answered} of {progress.total}"
            self.reader.addItem(text, progress.reader)
        self.reader.setCurrentIndex(max(self.reader.findData(kept), 0))
        height, width = about.shape
        scale = "" if about.mpp is None else f", {about.mpp:g} µm per pixel"
        self._about.setText(
            f"{about.title}: {about.pictures} pictures of {width} × {height} px{scale}"
        )

    def read(self) -> None:
        """Open the reading window."""
        if self.reader_window is not None:
            self.reader_window.raise_()
            self.reader_window.activateWindow()
            return
        choice = ReadingChoice(self.study.text, self.reader.currentData() or "")
        window: Frame
        try:
            window = open_reader(*resolve_reading(choice), self.code.text())
        except StudyError as error:
            window = RefusalWindow(error)
        except HistoSSLError as error:
            show_error(error)
            return
        window.closed.connect(self._on_reader_closed)
        self.reader_window = window
        window.showFullScreen()

    def _on_reader_closed(self) -> None:
        window, self.reader_window = self.reader_window, None
        if window is not None:
            window.deleteLater()
        self.refresh()

    # ---- results

    def show_results(self) -> None:
        """Open the truth beside the answers."""
        choice = ResultsChoice(self.study.text, self.truth.text)
        try:
            self._results = read_results(*resolve_results(choice))
        except HistoSSLError as error:
            self._forget_results()
            show_error(error)
            return
        self.table.show_results(self._results)
        self._save_buttons.show()

    def _forget_results(self) -> None:
        self._results = None
        self.table.hide()
        self._save_buttons.hide()

    def _save_csv(self) -> None:
        self._save(write_csv, "csv")

    def _save_json(self) -> None:
        self._save(write_json, "json")

    def _save(self, write: Callable[[StudyResults, str], None], kind: str) -> None:
        if self._results is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save results", f"{self._results.title}.{kind}", f"(*.{kind})"
        )
        if not chosen:
            return
        try:
            write(self._results, chosen)
        except HistoSSLError as error:
            show_error(error)
            return
        show_info(f"Results saved as {Path(chosen).name}.")

    # ---- dialogs

    def _ask_file(self, title: str, kinds: str) -> str:
        return QFileDialog.getOpenFileName(self, title, "", kinds)[0]


def make_study_page(viewer: Any = None) -> QWidget:
    """Return the Study page; the viewer is not used, a study has windows of its own."""
    del viewer
    return StudyPage()
