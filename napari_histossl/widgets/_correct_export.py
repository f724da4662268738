"""The open mask as files of other programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QGridLayout, QWidget

from napari_histossl.panels.mask_export import export_mask, picture_part
from napari_histossl.widgets._errors import show_info
from napari_histossl.widgets._form import RunBar, button
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench

_KINDS = (
    ("PNG of the view …", ".png", "Picture (*.png)", "Colours; the part on the screen"),
    ("QuPath …", ".geojson", "GeoJSON (*.geojson)", "Outlines of the whole mask"),
    ("ASAP …", ".xml", "ASAP (*.xml)", "Outlines of the whole mask"),
    ("TIFF …", ".tiff", "TIFF (*.tiff)", "Class indices as a pyramid, like PANDA's"),
)
"""Words on the button, ending, kinds of files, what comes of it."""


class ExportGroup(QWidget):
    """Writes in the worker; the mask stays open.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    run_bar : RunBar
        Shows how far it is.
    """

    def __init__(self, bench: Workbench, run_bar: RunBar) -> None:
        super().__init__()
        self._bench, self._run_bar = bench, run_bar
        self._session: MaskSession | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self._buttons = []
        for place, (words, suffix, kinds, tip) in enumerate(_KINDS):
            made = button(words, partial(self._ask, suffix, kinds), tip)
            grid.addWidget(made, place // 2, place % 2)
            self._buttons.append(made)
        bench.run_changed.connect(lambda _running: self._allow())
        self.follow(None)

    def follow(self, session: MaskSession | None) -> None:
        """Write another mask, or none."""
        self._session = session
        self._allow()

    def export(self, path: Path) -> None:
        """Write the view as PNG, or the whole mask as what the ending says."""
        session = self._session
        if session is None:
            return
        box, level = None, 0
        view = session.view_box_px0()
        if path.suffix == ".png" and view is not None:
            box, level = picture_part(view, len(session.store.levels))
        job = (export_mask, session.path, path, box, level)
        if self._bench.run(lambda complete: self._on_done(path, complete), *job):
            self._run_bar.follow(self._bench)

    def _ask(self, suffix: str, kinds: str) -> None:
        name = "mask" if self._session is None else self._session.name
        place, _ = QFileDialog.getSaveFileName(self, "Export", f"{name}{suffix}", kinds)
        if place:
            self.export(Path(place))

    def _on_done(self, path: Path, complete: bool) -> None:
        if complete:
            show_info(f"Wrote {path}")

    def _allow(self) -> None:
        runs = self._bench.worker.is_running
        for made in self._buttons:
            made.setEnabled(self._session is not None and not runs)
