"""The Overlays page: which model, where, how long; then every head on the slide."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_histossl.errors import HistoSSLError
from napari_histossl.models.registry import list_models, model_spec
from napari_histossl.overlays.engine import run as run_plan
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice, Extent, gather, resolve
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.store import paths
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import (
    Page,
    RunBar,
    button,
    combo,
    form,
    note,
    readable_time,
    row,
)
from napari_histossl.widgets._head_controls import HeadControls
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._workbench import Workbench

SAMPLE = "sample: DINO on drawn tissue"
"""First entry of the list of weights."""

WHERE: tuple[tuple[str, Extent], ...] = (
    ("tissue on the screen", "view"),
    ("tissue of the whole slide", "slide"),
)
"""Words for people, and the extent they mean."""


class OverlaysPage(Page):
    """Run a model on the slide in view and look at its heads.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.overlay = OverlayLayer(bench)
        self._build_run()
        self._build_shown()
        bench.slide_changed.connect(self._on_slide_changed)
        bench.run_changed.connect(lambda _running: self.refresh())
        self.overlay.changed.connect(self.heads.refresh)
        self._on_slide_changed()

    # ---- building

    def _build_run(self) -> None:
        column = self.section("Attention")
        self._weights = combo()
        self._weights.addItem(SAMPLE, None)
        self._weights.currentIndexChanged.connect(self._on_weights)
        browse = button("File …", self._ask_for_weights, "DINO or HIPT weights")
        line = row(self._weights, browse)
        line.setStretch(0, 1)
        self._model = combo()
        for name in list_models():
            if model_spec(name).reads_pixels and model_spec(name).has_attention:
                self._model.addItem(name)
        self._where = combo()
        for words, extent in WHERE:
            self._where.addItem(words, extent)
        self._where.setCurrentIndex(1)
        self._rows = form()
        self._rows.addRow("Weights", line)
        self._rows.addRow("Model", self._model)
        self._rows.addRow("Where", self._where)
        column.addLayout(self._rows)
        self._rows.setRowVisible(self._model, False)
        self._plan_text = note()
        column.addWidget(self._plan_text)
        self._run = button(
            "Run", self.run, "Goes on where an interrupted run was; nothing is lost"
        )
        column.addWidget(self._run)
        self._run_bar = RunBar(self.bench.stop)
        column.addWidget(self._run_bar)

    def _build_shown(self) -> None:
        column = self.section("On the slide")
        self._known = combo()
        self._open = button("Show", self._open_known)
        line = row(self._known, self._open)
        line.setStretch(0, 1)
        column.addLayout(line)
        self.heads = HeadControls(self.overlay)
        column.addWidget(self.heads)

    # ---- showing

    def refresh(self) -> None:
        """Show the overlays of the slide in view."""
        shown, busy = self.bench.shown, self.bench.worker.is_running
        found = [] if shown is None else paths.list_overlays(shown.folder)
        self._known.clear()
        for path in reversed(found):
            self._known.addItem(path.name.removesuffix(".ome.zarr"), path)
        if not found:
            self._known.addItem("no overlay on this slide yet")
        self._known.setEnabled(bool(found))
        self._open.setEnabled(bool(found))
        self._run.setEnabled(shown is not None and not busy)
        self.heads.refresh()

    def _on_slide_changed(self) -> None:
        is_open = self.bench.shown is not None
        self._plan_text.setText("" if is_open else "Open a slide first.")
        self.refresh()

    def _show_plan(self, plan: RunPlan) -> None:
        mpp_y, _ = plan.mpp_yx
        seconds = "" if plan.seconds is None else f", {readable_time(plan.seconds)}"
        notes = " ".join(f"{line[0].upper()}{line[1:]}." for line in plan.notes)
        self._plan_text.setText(
            f"{len(plan.tiles_ij):,} tiles of {plan.spec.tile_px} px at {mpp_y:.3g} µm "
            f"per pixel, about {plan.stored_bytes / 1e6:,.0f} MB{seconds}. {notes}"
        )

    # ---- asked for

    def choice(self) -> AttentionChoice:
        """Return what the form says."""
        chosen: Path | None = self._weights.currentData()
        needs_model = self._rows.isRowVisible(self._model)
        return AttentionChoice(
            weights=chosen,
            model=self._model.currentText() if needs_model else "",
            extent=self._where.currentData(),
            workspace=self.bench.workspace,
        )

    def run(self) -> None:
        """Plan the run, say what it will do, and start it in the worker."""
        shown = self.bench.shown
        if shown is None:
            return
        choice = self.choice()
        try:
            tissue = saved_or_found(shown.slide, shown.folder)
            facts = gather(
                choice, shown.slide, tissue, view_px0=self.bench.view_box_px0()
            )
            plan = resolve(choice, facts)
        except HistoSSLError as error:
            show_error(error)
            return
        self._show_plan(plan)
        path = Path(plan.out)
        if self.bench.run(
            lambda _complete: self._on_done(path), run_plan, shown.source, plan
        ):
            self._run_bar.follow(self.bench)
            self.overlay.follow(path)

    def _on_done(self, path: Path) -> None:
        if path.exists():
            self.overlay.show(path)
        self.refresh()

    def open_newest(self) -> bool:
        """Show the overlay that was made last; return whether there is one."""
        shown = self.bench.shown
        found = [] if shown is None else paths.list_overlays(shown.folder)
        if found:
            self.overlay.show(max(found, key=lambda path: path.stat().st_mtime))
        return bool(found)

    def _open_known(self) -> None:
        path = self._known.currentData()
        if path is not None:
            self.overlay.show(path)

    def _ask_for_weights(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Weights", "", "Weights (*.safetensors *.pth *.pt *.ckpt);;All (*)"
        )
        if name:
            self._weights.addItem(Path(name).name, Path(name))
            self._weights.setCurrentIndex(self._weights.count() - 1)

    def _on_weights(self, _index: int) -> None:
        """Ask for the model only where the file cannot say it."""
        chosen: Path | None = self._weights.currentData()
        says = chosen is None or chosen.suffix == ".safetensors"
        self._rows.setRowVisible(self._model, not says)
