"""What every form of a new study asks for: where from, where to, who, how many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from napari_histossl.panels.study import StudyChoice
from napari_histossl.widgets._form import button, form, row


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


class StudyFields:
    """Lines of a form for sources, readers and pictures.

    Parameters
    ----------
    path, real, synthetic : PathRow
        Where the study goes, and where its pictures come from.
    readers : str
        Pseudonyms that are there at first.

    Attributes
    ----------
    rows : QFormLayout
        The lines; more may follow.
    """

    def __init__(
        self, path: PathRow, real: PathRow, synthetic: PathRow, readers: str
    ) -> None:
        self._paths = path, real, synthetic
        self.title = QLineEdit(StudyChoice().title)
        self.title.setToolTip("Readers see it: it should not tell anything")
        self.readers = QLineEdit(readers)
        self.readers.setToolTip("Pseudonyms, separated by commas")
        self.per_class = number_box(QSpinBox(), 100_000, "all")
        self.size = number_box(QSpinBox(), 100_000, "as they are", " px")
        self.mpp = number_box(QDoubleSpinBox(), 100, "unknown", " µm per pixel")
        self.mpp.setDecimals(4)
        self.rows = form()
        for name, widget in (
            ("Real", real),
            ("Synthetic", synthetic),
            ("Save as", path),
            ("Title", self.title),
            ("Readers", self.readers),
            ("Per class", self.per_class),
            ("Cut to", self.size),
            ("Scale", self.mpp),
        ):
            self.rows.addRow(name, widget)

    def values(self) -> tuple[str, str, str, str, str, int, int, float]:
        """Return what is filled in, in the order of `StudyChoice`."""
        path, real, synthetic = self._paths
        return (
            path.text,
            real.text,
            synthetic.text,
            self.title.text(),
            self.readers.text(),
            self.per_class.value(),
            self.size.value(),
            self.mpp.value(),
        )


def number_box(box: Any, largest: float, zero_means: str, suffix: str = "") -> Any:
    """Return a spin box in which 0 means *not given*."""
    box.setRange(0, largest)
    box.setSpecialValueText(zero_means)
    box.setSuffix(suffix)
    return box
