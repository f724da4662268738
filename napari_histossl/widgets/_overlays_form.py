"""What is to be run: weights, kind, block, where."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from napari_histossl.models.metadata import WeightsRecord
from napari_histossl.models.registry import ModelSpec, list_models, model_spec
from napari_histossl.panels.attention import AttentionChoice, Extent
from napari_histossl.panels.hierarchy import HierarchyChoice
from napari_histossl.widgets._form import button, combo, form, note
from napari_histossl.widgets._overlays_texts import about_weights, block_name
from napari_histossl.widgets._overlays_weights import WeightsList
from napari_histossl.widgets._workbench import Workbench

LIST = "list"
"""In the place of an extent: every slide of the worklist."""

WHERE: tuple[tuple[str, str], ...] = (
    ("Tissue in view", "view"),
    ("Tissue in the drawn region", "region"),
    ("Tissue of the whole slide", "slide"),
    ("Every slide of the worklist", LIST),
)
"""Words for people, and the extent they mean."""

HEADS, TWO_LEVELS = "heads", "hierarchy"
"""Kinds of run."""


class RunForm(QWidget):
    """Everything that a run can be told.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        Something else is chosen.
    draw_requested : Signal
        A region is to be drawn.
    """

    changed = Signal()
    draw_requested = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.weights = WeightsList(bench)
        self.weights.changed.connect(self._on_weights)
        self.region_weights = WeightsList(bench, regions=True)
        self.region_weights.changed.connect(self.changed)
        self._about = note()
        self._build_choices()
        self._lay_out()
        self._record: WeightsRecord | None = None
        self._show_rows()

    def _build_choices(self) -> None:
        self._model = combo()
        self._model.addItem("choose one", "")
        for name in list_models():
            spec = model_spec(name)
            if spec.reads_pixels and spec.has_attention:
                self._model.addItem(name, name)
        self._kind = combo()
        self._kind.addItem("Heads of one block", HEADS)
        self._kind.addItem("Patches and regions (HIPT)", TWO_LEVELS)
        self._block = combo()
        self._block.addItem(block_name(-1), -1)
        self._shifted = QCheckBox("Shifted passes")
        self._shifted.setToolTip(
            "Average passes with shifted patches: their borders show less; takes "
            "several times as long"
        )
        self._shifted.toggled.connect(lambda _on: self.changed.emit())
        self._where = combo()
        for words, extent in WHERE:
            self._where.addItem(words, extent)
        self._where.setCurrentIndex(2)
        for list_ in (self._model, self._kind, self._block, self._where):
            list_.currentIndexChanged.connect(lambda _index: self._on_choice())
        self.draw_button = button(
            "Draw region", self.draw_requested.emit, "Then drag on the slide"
        )
        self.draw_button.setCheckable(True)
        self._name = QLineEdit()
        self._name.setPlaceholderText("named after the weights")
        self._name.textChanged.connect(lambda _text: self.changed.emit())

    def _lay_out(self) -> None:
        self._rows = form()
        self._rows.addRow("Weights", self.weights)
        self._rows.addRow(self._about)
        self._rows.addRow("Model", self._model)
        self._rows.addRow("Kind", self._kind)
        self._rows.addRow("Regions", self.region_weights)
        self._rows.addRow("", self._shifted)
        self._rows.addRow("Block", self._block)
        self._rows.addRow("Where", self._where)
        self._rows.addRow("", self.draw_button)
        self._rows.addRow("Name", self._name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._rows)

    # ---- What is chosen

    @property
    def extent(self) -> str:
        """An extent, or `LIST`."""
        return str(self._where.currentData())

    def choose_extent(self, extent: str) -> None:
        """Choose where to run."""
        self._where.setCurrentIndex([value for _, value in WHERE].index(extent))

    @property
    def is_hierarchy(self) -> bool:
        """Whether both levels of attention are to be computed."""
        return self._kind.currentData() == TWO_LEVELS

    def choice(self) -> AttentionChoice:
        """Return what the form says."""
        extent: Extent = "slide" if self.extent == LIST else self.extent  # type: ignore[assignment]
        choice = HierarchyChoice if self.is_hierarchy else AttentionChoice
        made = choice(
            weights=self.weights.chosen,
            model=self._model.currentData() if self._asks_model else "",
            extent=extent,
            name=self._name.text().strip() or self._default_name(),
            workspace=self._bench.workspace,
        )
        if isinstance(made, HierarchyChoice):
            made.region_weights = self.region_weights.chosen
            made.shifted = self._shifted.isChecked()
        else:
            made.block = int(self._block.currentData() or 0)
        return made

    def _default_name(self) -> str:
        """Return a name of its own for what is not the usual; else empty."""
        if self._record is None:
            return ""
        stem = Path(self._record.path).stem
        if self.is_hierarchy:
            return f"hierarchy {stem} shifted" if self._shifted.isChecked() else ""
        block = int(self._block.currentData() or 0)
        return "" if block == -1 else f"attention {stem} {block_name(block)}"

    # ---- What is known

    @property
    def _asks_model(self) -> bool:
        """Whether the file cannot say its model."""
        return self._record is not None and self._record.spec is None

    def show_record(self, record: WeightsRecord | None) -> None:
        """Show what is known about the weights that are chosen, None for nothing."""
        self._record = record
        if record is None:
            self._about.clear()
            self._show_rows()
            return
        self._about.setText(about_weights(record))
        self._fill_blocks(record.spec)
        self._show_rows()

    def _fill_blocks(self, spec: ModelSpec | None) -> None:
        depth = int(spec.config["depth"]) if spec and spec.has_attention else 1
        if self._block.count() == depth:
            return
        before = self._block.currentData()
        self._block.blockSignals(True)
        self._block.clear()
        for block in (-1, *range(depth - 1)):
            self._block.addItem(block_name(block), block)
        self._block.setCurrentIndex(max(self._block.findData(before), 0))
        self._block.blockSignals(False)

    def _on_weights(self) -> None:
        self._record = None
        self._about.setText("Reading the weights …")
        self._show_rows()
        self.changed.emit()

    def _on_choice(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        show = self._rows.setRowVisible
        show(self._about, bool(self._about.text()))
        show(self._model, self._asks_model)
        show(self.region_weights, self.is_hierarchy)
        show(self._shifted, self.is_hierarchy)
        show(self._block, not self.is_hierarchy)
        show(self.draw_button, self.extent == "region")
