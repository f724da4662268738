"""The weights that a run can use: samples, those that were added or trained, a file."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.models.library import StoredWeights, add_weights, list_weights
from napari_histossl.models.metadata import WeightsRecord
from napari_histossl.models.registry import Task
from napari_histossl.widgets._errors import show_info
from napari_histossl.widgets._form import button, combo, row
from napari_histossl.widgets._workbench import Workbench

SAMPLE = "Sample (DINO)"
SAMPLES: dict[Task, str] = {
    "features": SAMPLE,
    "classifier": "Sample (ResNet38d)",
    "segmenter": "Sample (DeepLabV3+)",
}
"""First entry of each list of weights."""

_KINDS = "Weights (*.safetensors *.pth *.pt *.ckpt);;All (*)"
_ADD = "add weights of the Overlays page"


class WeightsList(QWidget):
    """Choose weights of a patch model, of a region model, or of one that tells classes.

    Parameters
    ----------
    bench : Workbench
        Whose worker copies files into the folder of weights.
    regions : bool
        Whether models that read features of another one are listed, or the others.
    task : {"features", "classifier", "segmenter"}
        What the listed models give.

    Attributes
    ----------
    changed : Signal
        Other weights are chosen.
    """

    changed = Signal()

    def __init__(
        self, bench: Workbench, *, regions: bool = False, task: Task = "features"
    ) -> None:
        super().__init__()
        self._bench, self._regions, self._task = bench, regions, task
        self._files: list[Path] = []
        self._kept: set[Path] = set()
        self._list = combo()
        self._list.currentIndexChanged.connect(lambda _index: self._on_chosen())
        self._add = button(
            "Add …",
            self._ask_for_file,
            "A published or trained file: .safetensors, .pth, .pt, .ckpt",
        )
        line = row(self._list, self._add)
        line.setContentsMargins(0, 0, 0, 0)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        bench.worker.answered.connect(self._on_added)
        self.refresh()

    @property
    def chosen(self) -> Path | None:
        """The file that is chosen; None for the sample, or where there is none."""
        path: Path | None = self._list.currentData()
        return path

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose from."""
        return not self._list.isEnabled()

    def choose(self, path: Path) -> None:
        """Choose a file; it is listed from now on."""
        if path not in self._files:
            self._files.append(path)
        self.refresh(path)

    def refresh(self, chosen: Path | None = None) -> None:
        """List what there is now; what was chosen stays so where it is still there."""
        before = chosen or self.chosen
        entries = self._entries()
        self._list.blockSignals(True)
        self._list.clear()
        for words, path in entries:
            self._list.addItem(words, path)
        paths = [path for _, path in entries]
        self._list.setCurrentIndex(paths.index(before) if before in paths else 0)
        self._list.setEnabled(bool(entries))
        if not entries:
            self._list.addItem("none yet: add a file", None)
        self._list.blockSignals(False)
        self._list.setToolTip(self._list.currentText())
        if chosen is not None or self.chosen != before:
            self.changed.emit()

    def _entries(self) -> list[tuple[str, Path | None]]:
        entries: list[tuple[str, Path | None]] = []
        if not self._regions:
            entries.append((SAMPLES[self._task], None))
        entries += [
            (stored.name, stored.path)
            for stored in list_weights()
            if self._belongs(stored)
        ]
        stored_paths = {path for _, path in entries}
        entries += [(p.name, p) for p in self._files if p not in stored_paths]
        return entries

    def _belongs(self, stored: StoredWeights) -> bool:
        if stored.spec is None:
            return False
        is_of_kind = stored.spec.reads_pixels != self._regions
        return is_of_kind and stored.spec.task == self._task

    def _on_chosen(self) -> None:
        self._list.setToolTip(self._list.currentText())
        self.changed.emit()

    # ---- A file of one's own

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Add weights", "", _KINDS)
        if name:
            self.choose(Path(name))

    def keep(self, record: WeightsRecord) -> None:
        """Put a file that says its model into the folder of weights, in the worker."""
        path = Path(record.path)
        is_new = path in self._files and path not in self._kept
        if record.spec is not None and is_new:
            self._kept.add(path)
            self._bench.worker.ask((_ADD, path), add_weights, path)

    def _on_added(self, name: object, answer: object) -> None:
        if not (isinstance(name, tuple) and name[0] == _ADD and name[1] in self._files):
            return
        if isinstance(answer, HistoSSLError):
            return  # the file itself is used; it is there already, or cannot be kept
        assert isinstance(answer, StoredWeights)
        self._files.remove(name[1])
        is_chosen = self.chosen == name[1]
        self.refresh(answer.path if is_chosen else None)
        show_info(f"{answer.name} is among your weights from now on.")
