"""The form of a design: sources of both classes, readers, numbers."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.panels.study_folder import DesignChoice, resolve_design
from napari_histossl.study import DesignPlan
from napari_histossl.widgets._form import note
from napari_histossl.widgets._study_fields import PathRow, StudyFields, number_box


class DesignForm(QWidget):
    """What is to be filled in before a study is designed."""

    def __init__(self) -> None:
        super().__init__()
        usual = DesignChoice()
        self.real, self.synthetic = (
            PathRow(self._more_real, "folders"),
            PathRow(self._more_synthetic, "folders, one a generator"),
        )
        self.folder = PathRow(self._ask_new, "folder to be made")
        self.fields = StudyFields(self.folder, self.real, self.synthetic, usual.readers)
        self.training = number_box(QSpinBox(), 1000, "none", " a class")
        self.training.setValue(usual.training)
        self.repeats = number_box(QSpinBox(), 50, "none", " % shown twice")
        self.repeats.setValue(round(100 * usual.repeats))
        self.margin = number_box(QDoubleSpinBox(), 0.49, "none")
        self.margin.setSingleStep(0.05)
        self.margin.setValue(usual.margin)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(
            note("Several sources of a class are separated by semicolons.")
        )
        rows = self.fields.rows
        for name, widget in (
            ("Training", self.training),
            ("Repeats", self.repeats),
            ("Margin (AUC)", self.margin),
        ):
            rows.addRow(name, widget)
        column.addLayout(rows)

    def choice(self) -> DesignChoice:
        """Return what is filled in."""
        return DesignChoice(
            *self.fields.values(),
            training=self.training.value(),
            repeats=self.repeats.value() / 100,
            margin=self.margin.value(),
        )

    def plan(self) -> DesignPlan:
        """Return what is designed.

        Raises
        ------
        HistoSSLError
            If something is not filled in or makes no sense.
        """
        return resolve_design(self.choice())

    def _more_real(self) -> str:
        return self._more(self.real, "Real pictures")

    def _more_synthetic(self) -> str:
        return self._more(self.synthetic, "Synthetic pictures")

    def _more(self, line: PathRow, title: str) -> str:
        """Ask for one more folder; what is there already stays."""
        chosen = QFileDialog.getExistingDirectory(self, title)
        before = line.text.strip()
        return f"{before}; {chosen}" if chosen and before else chosen

    def _ask_new(self) -> str:
        return QFileDialog.getSaveFileName(self, "Folder of the new study")[0]
