"""The form of a design: sources of both classes, readers, numbers."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.panels.study_folder import DesignChoice, resolve_design
from napari_histossl.study import DesignPlan
from napari_histossl.widgets._form import form, note
from napari_histossl.widgets._study_new import PathRow, number_box


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
        self.title = QLineEdit(usual.title)
        self.title.setToolTip("Readers see it: it should not tell anything")
        self.readers = QLineEdit(usual.readers)
        self.readers.setToolTip("Pseudonyms, separated by commas")
        self.per_class = number_box(QSpinBox(), 100_000, "all")
        self.size = number_box(QSpinBox(), 100_000, "as they are", " px")
        self.mpp = number_box(QDoubleSpinBox(), 100, "unknown", " µm per pixel")
        self.mpp.setDecimals(4)
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
        rows = form()
        for name, widget in (
            ("Real", self.real),
            ("Synthetic", self.synthetic),
            ("Save as", self.folder),
            ("Title", self.title),
            ("Readers", self.readers),
            ("Per class", self.per_class),
            ("Cut to", self.size),
            ("Scale", self.mpp),
            ("Training", self.training),
            ("Repeats", self.repeats),
            ("Margin (AUC)", self.margin),
        ):
            rows.addRow(name, widget)
        column.addLayout(rows)

    def choice(self) -> DesignChoice:
        """Return what is filled in."""
        return DesignChoice(
            self.folder.text,
            self.real.text,
            self.synthetic.text,
            self.title.text(),
            self.readers.text(),
            self.per_class.value(),
            self.size.value(),
            self.mpp.value(),
            self.training.value(),
            self.repeats.value() / 100,
            self.margin.value(),
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
