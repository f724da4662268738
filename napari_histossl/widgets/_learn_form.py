"""What to learn from, with which weights, and where to propose."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_histossl.panels.learn import LearnChoice
from napari_histossl.store import paths
from napari_histossl.training.shallow_samples import MODEL_WEIGHT
from napari_histossl.widgets import _learn_texts as texts
from napari_histossl.widgets._form import combo, form, row, slider
from napari_histossl.widgets._overlays_weights import WeightsList
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

_WHERE = (("Tissue in view", "view"), ("Tissue of the whole slide", "slide"))


class LearnForm(QWidget):
    """Mask, weights, how much the model counts, where.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        Something else is chosen.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.mask = combo()
        self.weights = WeightsList(bench)
        self.model = slider(100)
        self.model.setToolTip(texts.WEIGHT_TIP)
        self._said = QLabel()
        self._said.setFixedWidth(self.fontMetrics().horizontalAdvance("100 %") + 4)
        self.where = combo()
        for words, extent in _WHERE:
            self.where.addItem(words, extent)
        rows = form()
        rows.addRow("Mask", self.mask)
        rows.addRow("Tokens of", self.weights)
        rows.addRow("Model's pixels", row(self.model, self._said))
        rows.addRow("Propose for", self.where)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(rows)
        self.model.valueChanged.connect(self._on_weight)
        self.model.setValue(round(100 * MODEL_WEIGHT))
        self.mask.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self.weights.changed.connect(self.changed.emit)
        self.where.currentIndexChanged.connect(lambda _index: self.changed.emit())

    @property
    def has_mask(self) -> bool:
        """Whether there is something to learn from."""
        return self.mask.currentData() is not None

    def choice(self) -> LearnChoice:
        """Return what is chosen."""
        chosen: Path | None = self.mask.currentData()
        return LearnChoice(
            mask="" if chosen is None else _name(chosen),
            weights=self.weights.chosen,
            model_weight=self.model.value() / 100,
            extent=self.where.currentData(),
            workspace=self._bench.workspace,
        )

    def refresh(self) -> None:
        """List the masks of the slide in view; the open one is chosen."""
        shown = self._bench.shown
        found = [] if shown is None else paths.list_masks(shown.folder)
        wanted = self._open_mask() or self.mask.currentData()
        before = self.mask.currentData()
        with QSignalBlocker(self.mask):
            self.mask.clear()
            for path in found:
                self.mask.addItem(_name(path), path)
            if not found:
                self.mask.addItem("none yet", None)
            self.mask.setCurrentIndex(found.index(wanted) if wanted in found else 0)
        self.mask.setEnabled(bool(found))
        self.weights.refresh()
        if self.mask.currentData() != before:
            self.changed.emit()

    def _open_mask(self) -> Path | None:
        """Return the mask that is open on the Correct page."""
        layer = self._bench.layer_of_kind("mask")
        path = None if layer is None else layer.metadata[METADATA_KEY].get("path")
        return None if path is None else Path(path)

    def _on_weight(self, percent: int) -> None:
        self._said.setText(f"{percent} %")
        self.changed.emit()


def _name(path: Path) -> str:
    return path.name.removesuffix(".ome.zarr")
