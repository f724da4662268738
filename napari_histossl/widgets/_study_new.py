"""The form from which a study is made."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.study import StudyChoice, resolve_study
from napari_histossl.study import StudyPlan, build_study, study_files
from napari_histossl.study.database import SUFFIX
from napari_histossl.study.selection import find_warnings
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import button, note
from napari_histossl.widgets._study_fields import PathRow, StudyFields
from napari_histossl.widgets._study_work import StudyWork

STUDY_FILTER = f"Studies (*{SUFFIX})"
"""For dialogs that ask for a study."""


class NewStudy(QWidget):
    """Two folders, names, and a button.

    Attributes
    ----------
    made : Signal of str
        A study has been made; its path.
    """

    made = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.work = StudyWork(lambda error: show_error(error))
        self._build()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(
            note(
                "From two folders of pictures made in the same way: same size, same "
                "scale, same compression."
            )
        )
        self.real = PathRow(lambda: self._ask_folder("Real pictures"), "folder")
        self.synthetic = PathRow(
            lambda: self._ask_folder("Synthetic pictures"), "folder"
        )
        self.path = PathRow(self._ask_new_path, "file to be made")
        self.fields = StudyFields(
            self.path, self.real, self.synthetic, StudyChoice().readers
        )
        column.addLayout(self.fields.rows)
        column.addWidget(button("Make study", self.create))
        column.addWidget(self.work)
        self._made = note()
        self._made.hide()
        column.addWidget(self._made)

    def choice(self) -> StudyChoice:
        """Return what is filled in for a new study."""
        return StudyChoice(*self.fields.values())

    def create(self) -> None:
        """Make the study in a thread: the window stays alive."""
        try:
            plan = resolve_study(self.choice())
        except HistoSSLError as error:
            show_error(error)
            return
        self._made.hide()
        self.work.start(lambda: build_study(plan), lambda _none: self._on_made(plan))

    def _on_made(self, plan: StudyPlan) -> None:
        files = study_files(plan.path)
        warnings = "".join(f"\n\nWarning: {text}." for text in find_warnings(plan))
        self._made.setText(
            f"Give readers {files.study.name}. Keep {files.truth.name} to yourself: it "
            f"holds the truth, and without it there are no results.{warnings}"
        )
        self._made.show()
        show_info(f"The study {files.study.name} is made.")
        self.made.emit(str(files.study))

    def _ask_folder(self, title: str) -> str:
        return QFileDialog.getExistingDirectory(self, title)

    def _ask_new_path(self) -> str:
        return QFileDialog.getSaveFileName(self, "New study", "", STUDY_FILTER)[0]
