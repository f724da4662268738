"""A run that says what it costs before it begins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Job
from napari_histossl.overlays.cost import Calibration, calibrated
from napari_histossl.overlays.engine import run as run_plan
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.questions import measure
from napari_histossl.slide import Slide
from napari_histossl.widgets._form import RunBar, button, note, row
from napari_histossl.widgets._overlays_run import RunPanel
from napari_histossl.widgets._overlays_texts import way_out
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads, NoAnswer

PLANNING = "Looking at weights and tissue …"

_MEASURE = "measure what a run costs"

Planning = Callable[[Slide, Path], Any]
"""Makes a plan for a slide and its results folder; called in a thread."""


class PricedRun(QWidget):
    """A button that says the price, and another one that pays it.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    words : str
        On the first button.
    planning : callable
        Returns how to plan what is chosen now.
    price : callable
        Takes a plan and whether its time was measured, and returns what it will do and
        cost, in a sentence.
    told : callable
        Returns a sentence as people may read it.
    panel : RunPanel, optional
        Shows the run; by default a bar of its own, which cannot pause.

    Attributes
    ----------
    is_complete : bool
        Whether the last run went to its end.
    started : Signal of RunPlan
        A run has begun.
    done : Signal of RunPlan
        It has ended; what it has written is there.
    """

    started = Signal(object)
    done = Signal(object)

    def __init__(
        self,
        bench: Workbench,
        words: str,
        planning: Callable[[], Planning],
        price: Callable[[Any, bool], str],
        told: Callable[[str], str],
        panel: RunPanel | None = None,
    ) -> None:
        super().__init__()
        self.bench, self._planning = bench, planning
        self._say_price, self._told, self._panel = price, told, panel
        self.plan: Any = None
        self.is_complete = False
        self._build(words)
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_planned)
        bench.worker.answered.connect(self._on_measured)
        bench.slide_changed.connect(self.forget)
        bench.run_changed.connect(lambda _running: self.refresh())
        bench.closing.connect(self._reads.drop)
        self.forget()

    # ---- What another kind of plan says otherwise

    job: Job = staticmethod(run_plan)
    """Does what a plan says; called with the source of the slide and the plan."""

    def tiles_of(self, plan: Any) -> RunPlan:
        """Return the run over tiles that makes the price of a plan."""
        return plan

    def timed(self, plan: Any, measured: Calibration) -> Any:
        """Return a plan with its time by measurement."""
        return calibrated(plan, measured)

    # ---- Building

    def _build(self, words: str) -> None:
        self.ask_button = button(words, self.ask, "Says what it costs before it begins")
        self._price = note()
        self.start_button = button(
            "Start", self.start, "Goes on where an interrupted run was"
        )
        self._not_now = button("Not now", self.forget)
        self._answer = QWidget()
        answer = row(self.start_button, self._not_now)
        answer.setContentsMargins(0, 0, 0, 0)
        self._answer.setLayout(answer)
        self._run_bar = RunBar(self.bench.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.ask_button, self._price, self._answer, self._run_bar):
            column.addWidget(widget)

    @property
    def price_text(self) -> str:
        """What is said of the price, or against the run."""
        return str(self._price.text())

    def refresh(self) -> None:
        """Show what can be done now."""
        is_free = not self.bench.worker.is_running
        self.ask_button.setEnabled(self.bench.shown is not None and is_free)
        self.start_button.setEnabled(is_free)
        self._answer.setVisible(self.plan is not None)
        self._price.setVisible(bool(self._price.text()))

    def forget(self) -> None:
        """Take a price back: it was for another slide or other weights."""
        self._reads.drop()
        self.plan = None
        self._price.setText("")
        self.refresh()

    def ask(self) -> None:
        """Find out what the run would cost."""
        shown = self.bench.shown
        if shown is None:
            return
        self.plan = None
        self._price.setText(PLANNING)
        call = partial(self._planning(), shown.slide, shown.folder)
        self._reads.ask(shown.source, call)
        self.refresh()

    def _on_planned(self, source: Any, answer: Any) -> None:
        shown = self.bench.shown
        if shown is None or source != shown.source:
            return
        if isinstance(answer, HistoSSLError):
            self._price.setText(self._told(way_out(answer)))
        else:
            self.plan = answer
            self._price.setText(self._told(self._say_price(answer, False)))
            self.bench.worker.ask(
                (_MEASURE, id(self)),
                measure,
                shown.source,
                self.tiles_of(answer).bare(),
            )
        self.refresh()

    def _on_measured(self, name: Any, answer: Any) -> None:
        """Say the price by measurement; the newest question alone is answered."""
        if name != (_MEASURE, id(self)) or self.plan is None:
            return
        if isinstance(answer, Calibration):
            self.plan = self.timed(self.plan, answer)
            self._price.setText(self._told(self._say_price(self.plan, True)))
        elif not isinstance(answer, NoAnswer):
            self.plan = None
            self._price.setText(self._told(way_out(answer)))
        self.refresh()

    def start(self) -> None:
        """Run what was planned, in the worker."""
        shown, plan = self.bench.shown, self.plan
        if shown is None or plan is None:
            return
        if self.bench.run(partial(self._on_ended, plan), self.job, shown.source, plan):
            self.forget()
            if self._panel is None:
                self._run_bar.follow(self.bench)
            else:
                self._panel.follow()
            self.started.emit(plan)

    def _on_ended(self, plan: Any, complete: bool) -> None:
        self.is_complete = complete
        self.done.emit(plan)
