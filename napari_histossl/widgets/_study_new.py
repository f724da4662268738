"""The form from which a study is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.study import StudyChoice, resolve_study
from napari_histossl.study import StudyPlan, build_study, study_files
from napari_histossl.study.database import SUFFIX
from napari_histossl.study.selection import find_warnings
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import button, form, note, row
from napari_histossl.widgets._study_work import StudyWork

STUDY_FILTER = f"Studies (*{SUFFIX})"
"""For dialogs that ask for a study."""


class PathRow(QWidget):
    """A line for a path and a button that asks for one.

    Parameters
    ----------
    ask : callable
        Shows a dialog and returns a path, or an empty text.
    hint : str
        Shown while nothing is chosen.

    Attributes
    ----------
    changed : Signal of str
        Another path is chosen or typed.
    """

    changed = Signal(str)

    def __init__(self, ask: Callable[[], str], hint: str) -> None:
        super().__init__()
        self._ask = ask
        self._line = QLineEdit()
        self._line.setPlaceholderText(hint)
        self._line.editingFinished.connect(lambda: self.changed.emit(self.text))
        browse = button("…", self._browse, hint)
        browse.setFixedWidth(34)
        line = row(self._line, browse)
        line.setContentsMargins(0, 0, 0, 0)
        self.setLayout(line)

    @property
    def text(self) -> str:
        """The path as text."""
        return self._line.text()

    def set_text(self, text: str) -> None:
        """Show a path and say that it has changed."""
        self._line.setText(text)
        self._line.setToolTip(text)
        self.changed.emit(text)

    def _browse(self) -> None:
        if chosen := self._ask():
            self.set_text(chosen)


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
        self.title = QLineEdit(StudyChoice().title)
        self.title.setToolTip("Readers see it: it should not tell anything")
        self.readers = QLineEdit(StudyChoice().readers)
        self.readers.setToolTip("Pseudonyms, separated by commas")
        self.per_class = number_box(QSpinBox(), 100_000, "all")
        self.size = number_box(QSpinBox(), 100_000, "as they are", " px")
        self.mpp = number_box(QDoubleSpinBox(), 100, "unknown", " µm per pixel")
        self.mpp.setDecimals(4)
        rows = form()
        for name, widget in (
            ("Real", self.real),
            ("Synthetic", self.synthetic),
            ("Save as", self.path),
            ("Title", self.title),
            ("Readers", self.readers),
            ("Per class", self.per_class),
            ("Cut to", self.size),
            ("Scale", self.mpp),
        ):
            rows.addRow(name, widget)
        column.addLayout(rows)
        column.addWidget(button("Make study", self.create))
        column.addWidget(self.work)
        self._made = note()
        self._made.hide()
        column.addWidget(self._made)

    def choice(self) -> StudyChoice:
        """Return what is filled in for a new study."""
        return StudyChoice(
            self.path.text,
            self.real.text,
            self.synthetic.text,
            self.title.text(),
            self.readers.text(),
            self.per_class.value(),
            self.size.value(),
            self.mpp.value(),
        )

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


def number_box(box: Any, largest: float, zero_means: str, suffix: str = "") -> Any:
    """Return a spin box in which 0 means *not given*."""
    box.setRange(0, largest)
    box.setSpecialValueText(zero_means)
    box.setSuffix(suffix)
    return box
