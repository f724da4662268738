"""The Learn page: train from corrections, see before and after, propose again."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Progress
from napari_histossl.panels.learn import LearnPlan
from napari_histossl.panels.learn_report import head_of, read_report
from napari_histossl.widgets import _learn_texts as texts
from napari_histossl.widgets._form import Page, note
from napari_histossl.widgets._key_table import MAKE_MASK
from napari_histossl.widgets._keys import LayerKeys, bind_on_page
from napari_histossl.widgets._learn_form import LearnForm
from napari_histossl.widgets._learn_run import LearnRun
from napari_histossl.widgets._learn_shown import LearnedShown
from napari_histossl.widgets._learn_table import BeforeAfter
from napari_histossl.widgets._masking import masked
from napari_histossl.widgets._overlays_outcome import RunOutcome
from napari_histossl.widgets._overlays_run import RunPanel
from napari_histossl.widgets._overlays_texts import masked_sentence
from napari_histossl.widgets._workbench import Workbench


class LearnPage(Page):
    """Learn from the corrections of a mask, and propose classes anew.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    form : LearnForm
        What to learn from, and where to propose.
    run : LearnRun
        What it costs, and the run.
    table : BeforeAfter
        How well held-out places are told.
    proposals : LearnedShown
        What was learned so far.
    mask_made : Signal of Path
        A mask was made of a proposal.
    """

    mask_made = Signal(object)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self._going_on: LearnPlan | None = None
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        bench = self.bench
        self.hint = note()
        self.form = LearnForm(bench)
        self._panel = RunPanel(bench)
        self.run = LearnRun(bench, self.form.choice, self._told, self._panel)
        self.outcome = RunOutcome(bench, self._panel, texts.STOPPED)
        column = self.section("Learn from a mask")
        for widget in (self.hint, self.form, self.run, self._panel, self.outcome):
            column.addWidget(widget)
        self.proposals = LearnedShown(bench)
        self.table = BeforeAfter(lambda text: masked(text, bench.hidden_names))
        for title, group in (
            ("Proposal on the slide", self.proposals),
            ("Before and after", self.table),
        ):
            self.section(title).addWidget(group)

    def _connect(self) -> None:
        bench, run, proposals = self.bench, self.run, self.proposals
        self.form.changed.connect(run.forget)
        run.started.connect(self._on_started)
        run.done.connect(self._on_done)
        proposals.chosen.connect(self._on_chosen)
        proposals.whole_wanted.connect(self._on_whole_wanted)
        proposals.mask_made.connect(self.mask_made.emit)
        bench.progressed.connect(self._on_progress)
        bench.slide_changed.connect(self._on_slide_changed)
        bench.run_changed.connect(lambda _running: self.refresh())
        keys = {MAKE_MASK.name: proposals.make_mask}
        bind_on_page(self, keys)
        LayerKeys(bench, keys)

    def showEvent(self, event: QShowEvent) -> None:
        """List the masks and proposals that are there by now."""
        super().showEvent(event)
        self.proposals.refresh()
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done now."""
        shown = self.bench.shown
        self.form.refresh()
        has_mask = self.form.has_mask
        words = texts.READY if has_mask else texts.NO_MASK
        self.hint.setText(texts.NO_SLIDE if shown is None else words)
        for widget in (self.form, self.run):
            widget.setVisible(has_mask)
        self.form.setEnabled(not self.bench.worker.is_running)
        _box_of(self.proposals).setVisible(not self.proposals.is_empty)
        _box_of(self.table).setVisible(self.table.table.rowCount() > 0)

    def _told(self, text: str) -> str:
        return masked_sentence(text, self.bench.hidden_names)

    # ---- A run

    def _on_whole_wanted(self, name: str) -> None:
        self.form.where.setCurrentIndex(self.form.where.findData("slide"))
        self.run.name = name
        self.run.ask()

    def _on_started(self, plan: LearnPlan) -> None:
        self._going_on = plan
        self.outcome.tell("", True)

    def _on_progress(self, progress: Progress, _left_s: float | None) -> None:
        """Show the proposal as soon as there is some of it."""
        plan = self._going_on
        if plan is not None and progress.box is not None:
            view = self.proposals.layer.view
            if view is None or view.pyramid.path != plan.out:
                self.proposals.show_path(plan.out)
                self.refresh()

    def _on_done(self, plan: LearnPlan) -> None:
        self._going_on = None
        self.proposals.refresh()
        is_there = plan.out.exists()
        if is_there:
            self.proposals.show_path(plan.out)
        self.outcome.tell("", self.run.is_complete)
        self.refresh()

    def _on_slide_changed(self) -> None:
        self._going_on = None
        self.outcome.tell("", True)
        self.proposals.forget_slide()
        self._on_chosen(None)

    # ---- What was learned

    def _on_chosen(self, path: Path | None) -> None:
        """Show how well the head does that made a proposal."""
        self.table.table.setRowCount(0)
        if path is not None:
            try:
                self.table.show_report(read_report(head_of(path)))
            except HistoSSLError:
                self.outcome.tell(texts.NO_REPORT, True)
        self.refresh()


def _box_of(widget: LearnedShown | BeforeAfter) -> LearnedShown | BeforeAfter:
    """Return the titled box that a group stands in."""
    box = widget.parentWidget()
    assert box is not None  # `Page.section` made one
    return box
