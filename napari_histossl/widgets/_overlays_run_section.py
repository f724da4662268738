"""What to run, what it costs, and the run: the first section of the Overlays page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import PlanError
from napari_histossl.overlays.engine import run as run_plan
from napari_histossl.panels.attention_list import run_over_slides, slides_of
from napari_histossl.panels.worklist import Worklist
from napari_histossl.store import paths
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import button, note
from napari_histossl.widgets._later import later
from napari_histossl.widgets._masking import masked
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_classes import is_class_overlay
from napari_histossl.widgets._overlays_form import LIST, RunForm
from napari_histossl.widgets._overlays_outcome import RunOutcome
from napari_histossl.widgets._overlays_planner import Planned, Planner
from napari_histossl.widgets._overlays_region import Region
from napari_histossl.widgets._overlays_run import RunPanel
from napari_histossl.widgets._overlays_texts import cost, readable, sentence, way_out
from napari_histossl.widgets._workbench import Workbench

_SETTLE_MS = 250
"""The view has settled when it has not moved for so long."""

NO_SLIDE = "No slide is open. Open one on the Slide page, or drag it on the window."
"""Where there is nothing to do."""


class RunSection(QWidget):
    """Choose, see what it costs, run.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    overlay : OverlayLayer
        Shows what a run writes.
    region : Region
        Where a run may be.
    """

    def __init__(self, bench: Workbench, overlay: OverlayLayer, region: Region) -> None:
        super().__init__()
        self.bench, self._overlay, self._region = bench, overlay, region
        self.planner = Planner(bench)
        self._worklist: Callable[[], Worklist | None] = lambda: None
        self._planned: Planned | None = None
        self._build()
        self._settled = later(self, _SETTLE_MS, self._on_settled)
        self._connect()
        self._on_slide_changed()

    def _build(self) -> None:
        self.form = RunForm(self.bench)
        self.cost = note()
        self.run_button = button(
            "Run", self.run, "Goes on where an interrupted run was; nothing is lost"
        )
        self.panel = RunPanel(self.bench)
        self.outcome = RunOutcome(self.bench, self.panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (
            self.form,
            self.cost,
            self.run_button,
            self.panel,
            self.outcome,
        ):
            column.addWidget(widget)

    def _connect(self) -> None:
        bench = self.bench
        bench.slide_changed.connect(self._on_slide_changed)
        bench.slide_renamed.connect(self.ask_plan)
        bench.run_changed.connect(lambda _running: self.refresh())
        bench.closing.connect(self.planner.forget)
        camera = bench.viewer.scene.camera
        camera.events.center.connect(lambda _event: self._settled.start())
        camera.events.zoom.connect(lambda _event: self._settled.start())
        self.form.changed.connect(self.ask_plan)
        self.form.changed.connect(self.refresh)
        self.form.changed.connect(self.outcome.hide)
        self.form.draw_requested.connect(self._region.draw)
        self._region.changed.connect(self._on_region)
        self.planner.planned.connect(self._on_planned)
        self.planner.measured.connect(self._show_cost)
        self.planner.measured.connect(self.refresh)

    def follow_worklist(self, worklist: Callable[[], Worklist | None]) -> None:
        """Take the list of slides, where one is open, from there."""
        self._worklist = worklist

    # ---- Showing

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on, or is about to start."""
        return self.bench.worker.is_running or self.planner.is_planning_run

    @property
    def _can_run(self) -> bool:
        """Whether there is something to run: a plan, or a list of slides."""
        if self.form.extent == LIST:
            return self._worklist() is not None
        planned = self._planned
        if planned is None or planned.plan is None:
            return False
        return not self.planner.refusal(planned)

    def refresh(self) -> None:
        """Show whether something can be run now."""
        is_open = self.bench.shown is not None
        self.run_button.setEnabled(is_open and self._can_run and not self.is_busy)
        self.form.draw_button.setEnabled(is_open)

    def on_show(self) -> None:
        """List weights anew, and tell what a run would cost."""
        self.form.weights.refresh()
        self.form.region_weights.refresh()
        self.ask_plan()

    def _on_slide_changed(self) -> None:
        self._planned = None
        self.planner.forget()
        self.outcome.hide()
        self.cost.setText("" if self.bench.shown else NO_SLIDE)
        self.ask_plan()
        self.refresh()

    def _show_cost(self) -> None:
        planned = self._planned
        if planned is None:
            return
        plan = self.planner.timed(planned)
        if plan is None:
            assert planned.error is not None
            self.cost.setText(sentence(self._told(way_out(planned.error))))
            return
        refusal = self.planner.refusal(planned)
        if refusal:
            self.cost.setText(sentence(self._told(refusal)))
            return
        said = [cost(plan, self.planner.device(planned))]
        said += [sentence(line) for line in plan.notes[1:]]
        if self.form.extent == LIST:
            said.insert(0, self._about_list())
        self.cost.setText(self._told(readable(" ".join(said))))

    def _told(self, text: str) -> str:
        """Return a text without names that are masked."""
        return masked(text, self.bench.hidden_names)

    def _about_list(self) -> str:
        worklist = self._worklist()
        if worklist is None:
            return "No worklist is open: open a folder on the Slide page."
        return f"{len(worklist.entries)} slides; the one in view has:"

    # ---- Planning

    def ask_plan(self) -> None:
        """Find out what the choice means, where somebody looks."""
        if self.bench.shown is None or not self.isVisible() or self.bench.closed:
            return
        if self._planned is None:
            self.cost.setText("Looking at tissue and weights …")
        self.planner.plan(self.form.choice(), self._region.box_px0())

    def _on_planned(self, planned: Planned, to_run: bool) -> None:
        shown = self.bench.shown
        if shown is None or planned.source != shown.source:
            return
        self._planned = planned
        self.form.show_record(planned.record)
        if planned.record is not None:
            self.form.weights.keep(planned.record)
        self._show_cost()
        self.refresh()
        if to_run:
            self._start(planned)
        elif self.isVisible() and not self.bench.worker.is_running:
            self.planner.measure(planned)

    def _on_settled(self) -> None:
        """Compute what is in view first; plan again where the view is the place."""
        view = self.bench.view_box_px0()
        if self.bench.closed or view is None:
            return
        if self.panel.is_on and not self.panel.is_list:
            self.bench.worker.look_at(view)
        elif self.form.extent == "view":
            self.ask_plan()

    def _on_region(self) -> None:
        is_drawing = self._region.is_drawing
        self.form.draw_button.setChecked(is_drawing)
        if self.form.extent == "region" and not is_drawing:
            self.ask_plan()

    # ---- Running

    def run(self) -> None:
        """Plan the run, and start it in the worker when that is done."""
        if self.bench.shown is None or self.is_busy:
            return
        self.outcome.hide()
        if self.form.extent == LIST:
            self._start_list()
            return
        self.planner.plan(self.form.choice(), self._region.box_px0(), to_run=True)
        self.refresh()

    def _start(self, planned: Planned) -> None:
        plan, shown = self.planner.timed(planned), self.bench.shown
        if plan is None or shown is None:
            assert planned.error is not None
            show_error(planned.error, self.bench.hidden_names)
            self.refresh()
            return
        path = Path(plan.out)
        if self.bench.run(
            lambda complete: self._on_done(path, complete), run_plan, shown.source, plan
        ):
            self.panel.follow()
            self._overlay.follow(path)
        self.refresh()

    def _start_list(self) -> None:
        worklist = self._worklist()
        if worklist is None:
            show_error(
                PlanError(
                    "no worklist is open; open a folder of slides on the Slide page"
                )
            )
            return
        slides, choice = slides_of(worklist), self.form.choice()
        if self.bench.run(self._on_list_done, run_over_slides, slides, choice):
            self.panel.follow(is_list=True)

    def _on_done(self, path: Path, complete: bool) -> None:
        shown = self.bench.shown
        if path.exists() and shown is not None and shown.folder in path.parents:
            self._overlay.show(path)
        self._on_ended(self.panel.last_words or self.panel.done, complete)

    def _on_list_done(self, complete: bool) -> None:
        self.open_newest()
        words = self.panel.last_words
        self._on_ended(words, complete)
        if complete:
            show_info(sentence(words))

    def _on_ended(self, words: str, complete: bool) -> None:
        self.outcome.tell(words, complete)
        self.refresh()
        self.ask_plan()

    def open_newest(self) -> bool:
        """Show the attention that was computed last; return whether there is some."""
        shown = self.bench.shown
        found = [] if shown is None else paths.list_overlays(shown.folder)
        found = [path for path in found if not is_class_overlay(path)]
        if found:
            self._overlay.show(max(found, key=lambda path: path.stat().st_mtime))
        return bool(found)
