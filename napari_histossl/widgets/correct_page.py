"""The Correct page: a mask on the slide, painted and saved stroke by stroke."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.correct import export_mask, start_mask
from napari_histossl.store import paths
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import Page, RunBar, button, combo, note, row
from napari_histossl.widgets._mask_form import NewMaskForm
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._paint_tools import PaintTools
from napari_histossl.widgets._workbench import Workbench


class CorrectPage(Page):
    """Start or open a mask, paint on it, undo, export.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    author : str or None
        Who paints, for the journal.
    """

    def __init__(self, bench: Workbench, author: str | None = None) -> None:
        super().__init__()
        self.bench = bench
        self.session: MaskSession | None = None
        self._author = author
        self._build_mask()
        self._build_paint()
        self._build_history()
        self._build_export()
        bench.slide_changed.connect(self._on_slide_changed)
        bench.run_changed.connect(lambda _running: self.refresh())
        self.refresh()

    # ---- building

    def _build_mask(self) -> None:
        column = self.section("Mask")
        self._hint = note()
        column.addWidget(self._hint)
        self._known = combo()
        self._open = button("Open", self._open_known)
        line = row(self._known, self._open)
        line.setStretch(0, 1)
        column.addLayout(line)
        self.new = NewMaskForm(self.bench)
        column.addWidget(self.new)
        self._create = button("Create mask", self.create_mask)
        column.addWidget(self._create)
        self._run_bar = RunBar(self.bench.stop)
        column.addWidget(self._run_bar)

    def _build_paint(self) -> None:
        column = self.section("Paint")
        self.tools = PaintTools()
        column.addWidget(self.tools)

    def _build_history(self) -> None:
        column = self.section("History")
        self._status = note()
        column.addWidget(self._status)
        self._undo = button("Undo  Ctrl+Z", self.undo)
        self._redo = button("Redo  Ctrl+Shift+Z", self.redo)
        column.addLayout(row(self._undo, self._redo))

    def _build_export(self) -> None:
        column = self.section("Export")
        self._png = button(
            "PNG of the view …",
            lambda: self._ask_export("Picture (*.png)", ".png"),
            "Class colours; the part on the screen",
        )
        self._geojson = button(
            "GeoJSON …",
            lambda: self._ask_export("GeoJSON (*.geojson)", ".geojson"),
            "Outlines of the whole mask, as QuPath reads them",
        )
        column.addLayout(row(self._png, self._geojson))

    # ---- showing

    def refresh(self) -> None:
        """Show the masks of the slide in view and the state of the open one."""
        shown, session = self.bench.shown, self.session
        can_create = shown is not None and not self.bench.worker.is_running
        self._hint.setText(
            "Open a slide first." if shown is None else "Every stroke is saved at once."
        )
        self._list_masks()
        self.new.refresh()
        self.new.setEnabled(can_create)
        self._create.setEnabled(can_create)
        for widget in (self._png, self._geojson):
            widget.setEnabled(session is not None)
        self._show_history(session)

    def _list_masks(self) -> None:
        shown = self.bench.shown
        found = [] if shown is None else paths.list_masks(shown.folder)
        session = self.session
        chosen = self._known.currentText() if session is None else session.name
        self._known.clear()
        for path in found:
            self._known.addItem(path.name.removesuffix(".ome.zarr"), path)
        self._known.setCurrentText(chosen)
        self._known.setEnabled(bool(found))
        self._open.setEnabled(bool(found))
        if not found:
            self._known.addItem("no mask on this slide yet")

    def _show_history(self, session: MaskSession | None, sentence: str = "") -> None:
        self._undo.setEnabled(session is not None and session.store.can_undo)
        self._redo.setEnabled(session is not None and session.store.can_redo)
        if session is None:
            self._status.setText("No mask is open.")
        elif sentence:
            self._status.setText(sentence)

    # ---- asked for

    def create_mask(self) -> None:
        """Create the mask that the form describes, in the worker, then open it."""
        try:
            plan = self.new.resolve()
        except HistoSSLError as error:
            show_error(error)
            return
        if self.bench.run(
            lambda complete: self._on_created(plan.path, complete), start_mask, plan
        ):
            self._run_bar.follow(self.bench)

    def _on_created(self, path: Path, complete: bool) -> None:
        if complete:
            self.open_mask(path)
        self.refresh()

    def _open_known(self) -> None:
        path = self._known.currentData()
        if path is not None:
            self.open_mask(path)

    def open_mask(self, path: Path) -> None:
        """Open a mask of the slide in view for correction."""
        self.close_mask()
        try:
            session = MaskSession(self.bench, path, self._author)
        except HistoSSLError as error:
            show_error(error)
            return
        self.session = session
        session.changed.connect(
            lambda sentence: self._show_history(self.session, sentence)
        )
        session.ended.connect(self._on_ended)
        self._follow_layer()
        self._show_history(session, session.state)
        self.refresh()

    def open_newest(self) -> bool:
        """Open the mask that was made last; return whether there is one."""
        shown = self.bench.shown
        found = [] if shown is None else paths.list_masks(shown.folder)
        if found:
            self.open_mask(max(found, key=lambda path: path.stat().st_mtime))
        return self.session is not None

    def undo(self) -> None:
        """Take back the newest edit."""
        if self.session is not None:
            self.session.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self.session is not None:
            self.session.redo()

    def close_mask(self) -> None:
        """Close the open mask; all is saved already."""
        if self.session is not None:
            self.session.close()

    def _follow_layer(self) -> None:
        assert self.session is not None
        store = self.session.store
        self.tools.follow(self.session.layer, store.classes, store.mpp_yx)

    def _on_ended(self) -> None:
        self.session = None
        self.tools.setEnabled(False)
        self.refresh()

    def _on_slide_changed(self) -> None:
        self.close_mask()
        self.refresh()

    def _ask_export(self, kinds: str, suffix: str) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export", f"mask{suffix}", kinds)
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Write the view as PNG, or the outlines of the whole mask as GeoJSON."""
        session = self.session
        if session is None:
            return
        box = session.view_box_px0() if path.suffix == ".png" else None
        if self.bench.run(
            lambda complete: show_info(f"Wrote {path}") if complete else None,
            export_mask,
            session.path,
            path,
            box,
        ):
            self._run_bar.follow(self.bench)
