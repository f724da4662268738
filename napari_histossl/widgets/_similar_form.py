"""Which embeddings are searched, on which slides, for how many results."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from napari_histossl.widgets._form import combo, form
from napari_histossl.widgets._similar_slides import SimilarSlides

_NONE = "none yet"


class SimilarForm(QWidget):
    """Three rows.

    Parameters
    ----------
    slides : SimilarSlides
        What there is to choose from.

    Attributes
    ----------
    changed : Signal
        Other embeddings or other slides are chosen.
    count_changed : Signal
        More or fewer results are wanted.
    """

    changed = Signal()
    count_changed = Signal()

    def __init__(self, slides: SimilarSlides) -> None:
        super().__init__()
        self._slides = slides
        self._names, self._where, self._count = combo(), combo(), QSpinBox()
        self._where.setToolTip("Slides of the worklist that have these embeddings")
        self._count.setRange(1, 200)
        self._count.setValue(20)
        rows = form()
        rows.addRow("Embeddings", self._names)
        rows.addRow("Search in", self._where)
        rows.addRow("Results", self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(rows)
        self._names.currentIndexChanged.connect(lambda _index: self._on_name())
        self._where.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self._count.valueChanged.connect(lambda _count: self.count_changed.emit())

    @property
    def name(self) -> str | None:
        """The embeddings that are chosen, None where there are none."""
        chosen: str | None = self._names.currentData()
        return chosen

    @property
    def is_whole_list(self) -> bool:
        """Whether the worklist is searched."""
        return bool(self._where.currentData())

    @property
    def count(self) -> int:
        """How many results are wanted."""
        return int(self._count.value())

    def refresh(self, chosen: str | None = None) -> None:
        """List what there is now; what was chosen stays so where it is still there."""
        names, before = self._slides.names(), chosen or self.name
        self._names.blockSignals(True)
        self._names.clear()
        for name in names:
            self._names.addItem(self._slides.told(name), name)
        if not names:
            self._names.addItem(_NONE, None)
        self._names.setCurrentIndex(names.index(before) if before in names else 0)
        self._names.blockSignals(False)
        self._list_scopes()
        for widget in (self._names, self._where, self._count):
            widget.setEnabled(bool(names))
        self.changed.emit()

    def _on_name(self) -> None:
        self._list_scopes()
        self.changed.emit()

    def _list_scopes(self) -> None:
        was_whole, length = self.is_whole_list, self._slides.list_length
        self._where.blockSignals(True)
        self._where.clear()
        self._where.addItem("this slide", False)
        if self.name is not None and length:
            some = len(self._slides.searched(self.name, whole_list=True))
            words = f"worklist ({some} of {length} slides)"
            self._where.addItem(words, True)
            self._where.setCurrentIndex(int(was_whole))
        self._where.blockSignals(False)
