"""The form from which a study is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QProgressBar,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Progress
from napari_histossl.panels.study import StudyChoice, resolve_study
from napari_histossl.study import StudyPlan, build_study, study_files
from napari_histossl.study.database import SUFFIX
from napari_histossl.study.selection import find_warnings
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import button, form, note, row

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
        self._work: Iterator[Progress] | None = None
        self._plan: StudyPlan | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._step)
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
        self.per_class = _number(QSpinBox(), 100_000, "all")
        self.size = _number(QSpinBox(), 100_000, "as they are", " px")
        self.mpp = _number(QDoubleSpinBox(), 100, "unknown", " µm per pixel")
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
        self._create = button("Make study", self.create)
        column.addWidget(self._create)
        self._bar = QProgressBar()
        self._running = QWidget()
        line = row(self._bar, button("Stop", self.stop, "Nothing of it is left"))
        line.setContentsMargins(0, 0, 0, 0)
        line.setStretch(0, 1)
        self._running.setLayout(line)
        self._running.hide()
        column.addWidget(self._running)
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
        """Make the study, a few pictures at a time: the window stays alive."""
        try:
            self._plan = resolve_study(self.choice())
        except HistoSSLError as error:
            show_error(error)
            return
        self._made.hide()
        self._work = build_study(self._plan)
        self._create.setEnabled(False)
        self._bar.setRange(0, 0)
        self._running.show()
        self._timer.start()

    def stop(self) -> None:
        """Stop making a study; nothing of it is left."""
        self._timer.stop()
        if self._work is not None:
            self._work.close()  # type: ignore[attr-defined]
        self._work = None
        self._create.setEnabled(True)
        self._running.hide()

    def _step(self) -> None:
        work = self._work
        if work is None:
            return
        try:
            progress = next(work, None)
        except HistoSSLError as error:
            self.stop()
            show_error(error)
            return
        if progress is None:
            self.stop()
            self._on_made()
        else:
            self._bar.setRange(0, progress.total)
            self._bar.setValue(progress.done)

    def _on_made(self) -> None:
        plan = self._plan
        if plan is None:
            return
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


def _number(box: Any, largest: float, zero_means: str, suffix: str = "") -> Any:
    """Set a spin box up so that 0 means *not given*."""
    box.setRange(0, largest)
    box.setSpecialValueText(zero_means)
    box.setSuffix(suffix)
    return box
