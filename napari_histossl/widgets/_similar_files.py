"""Embeddings in and out of .h5 files, as others keep them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.embeddings_files import import_h5, read_embeddings
from napari_histossl.slide import Slide
from napari_histossl.store.embeddings_h5 import write_h5
from napari_histossl.store.paths import embeddings_path
from napari_histossl.widgets._form import button, form, note, row
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads

_KINDS = "Embeddings (*.h5 *.hdf5)"

_UNSAID = "does not say everything"
"""What an import says that needs to be told more."""

_IMPORTED = "imported"
"""Name of embeddings where their file's may be that of a masked slide."""


class EmbeddingFiles(QWidget):
    """Import and export.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    path : callable
        Returns the folder of the embeddings that are chosen, or None.
    told : callable
        Returns a sentence as people may read it.

    Attributes
    ----------
    imported : Signal of str
        Embeddings of this name are there now.
    """

    imported = Signal(str)

    def __init__(
        self,
        bench: Workbench,
        path: Callable[[], Path | None],
        told: Callable[[str], str],
    ) -> None:
        super().__init__()
        self.bench, self._path, self._told = bench, path, told
        self._file: Path | None = None
        self._build()
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_done)
        bench.slide_changed.connect(self._forget)
        self._forget()

    def _build(self) -> None:
        self._import = button(
            "Import .h5 …", self._ask_for_file, "With features and coords, as of CLAM"
        )
        self._export = button(
            "Export .h5 …", self._ask_where, "As CLAM and its like read them"
        )
        self._model, self._patch = QLineEdit(), QDoubleSpinBox()
        self._model.setPlaceholderText("for example uni")
        self._patch.setRange(1, 100_000)
        self._patch.setDecimals(0)
        self._patch.setValue(256)
        self._patch.setSuffix(" px at level 0")
        rows = form()
        rows.addRow("Model", self._model)
        rows.addRow("Patch", self._patch)
        rows.addRow("", button("Import", self._import_told))
        self._more = QWidget()
        self._more.setLayout(rows)
        self._said = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row(self._import, self._export))
        column.addWidget(self._said)
        column.addWidget(self._more)

    def refresh(self) -> None:
        """Show what can be done now."""
        path = self._path()
        self._import.setEnabled(self.bench.shown is not None)
        self._export.setEnabled(path is not None and path.is_dir())

    def _forget(self) -> None:
        self._file = None
        self._say("")
        self._more.hide()
        self.refresh()

    def _say(self, sentence: str) -> None:
        self._said.setText(self._told(sentence) if sentence else "")
        self._said.setVisible(bool(sentence))

    # ---- In

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import embeddings", "", _KINDS)
        if name:
            self.import_file(Path(name))

    def import_file(self, file: Path, **said: Any) -> None:
        """Keep embeddings of a file with the results of the slide in view."""
        shown = self.bench.shown
        if shown is None:
            return
        self._file = file
        self._more.hide()
        self._say(f"reading {_IMPORTED if shown.is_masked else file.name} …")
        name = _IMPORTED if shown.is_masked else file.stem
        out = embeddings_path(shown.folder, name)
        call = partial(_import, file, shown.slide, out, said)
        self._reads.ask(("import", name), call)

    def _import_told(self) -> None:
        if self._file is not None:
            model = self._model.text().strip()
            self.import_file(self._file, model=model, patch_px0=self._patch.value())

    # ---- Out

    def _ask_where(self) -> None:
        path = self._path()
        if path is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self, "Export embeddings", f"{path.stem}.h5", _KINDS
        )
        if name:
            self.export_file(Path(name))

    def export_file(self, file: Path) -> None:
        """Write the embeddings that are chosen."""
        path = self._path()
        if path is not None:
            self._reads.ask(("export", file.name), partial(_export, path, file))

    def _on_done(self, name: Any, answer: Any) -> None:
        what, called = name
        if isinstance(answer, HistoSSLError):
            self._say(str(answer))
            self._more.setVisible(what == "import" and _UNSAID in str(answer))
        elif what == "import":
            self._say(f"{answer:,} embeddings imported as {called}")
            self.imported.emit(called)
        else:
            self._say(f"{answer:,} embeddings written to {called}")


def _import(file: Path, slide: Slide, out: Path, said: dict[str, Any]) -> int:
    return import_h5(file, slide, out, overwrite=True, **said)


def _export(path: Path, file: Path) -> int:
    found = read_embeddings(path)
    write_h5(found, file)
    return len(found)
