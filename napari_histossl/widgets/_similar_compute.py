"""Compute embeddings of a slide: what it costs first, then the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.overlays.engine import run as run_plan
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice, gather
from napari_histossl.panels.features import resolve_features
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.slide import Slide
from napari_histossl.widgets._form import RunBar, button, note, readable_time, row
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads

_FLOAT_BYTES = 4

PLANNING = "Looking at weights and tissue …"


class ComputeEmbeddings(QWidget):
    """A button that says the price, and another one that pays it.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    choice : callable
        Returns what is chosen on the page: weights, device, workspace.
    told : callable
        Returns a sentence as people may read it.

    Attributes
    ----------
    started : Signal
        A run has begun.
    finished : Signal of str
        Embeddings of this name are there, or a part of them.
    """

    started = Signal()
    finished = Signal(str)

    def __init__(
        self,
        bench: Workbench,
        choice: Callable[[], AttentionChoice],
        told: Callable[[str], str],
    ) -> None:
        super().__init__()
        self.bench, self._choice, self._told = bench, choice, told
        self.plan: RunPlan | None = None
        self._build()
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_planned)
        bench.slide_changed.connect(self.forget)
        bench.run_changed.connect(lambda _running: self.refresh())
        bench.closing.connect(self._reads.drop)
        self.forget()

    def _build(self) -> None:
        self.ask_button = button(
            "Compute embeddings …", self.ask, "Says what it costs before it begins"
        )
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
        call = partial(_plan, self._choice(), shown.slide, shown.folder)
        self._reads.ask(shown.source, call)
        self.refresh()

    def _on_planned(self, source: Any, answer: Any) -> None:
        shown = self.bench.shown
        if shown is None or source != shown.source:
            return
        if isinstance(answer, HistoSSLError):
            self._price.setText(self._told(str(answer)))
        else:
            self.plan = answer
            self._price.setText(self._told(price(answer)))
        self.refresh()

    def start(self) -> None:
        """Run what was planned, in the worker."""
        shown, plan = self.bench.shown, self.plan
        if shown is None or plan is None:
            return

        def on_done(_complete: bool) -> None:
            self.finished.emit(Path(plan.out).name.removesuffix(".zarr"))

        if self.bench.run(on_done, run_plan, shown.source, plan):
            self.forget()
            self._run_bar.follow(self.bench)
            self.started.emit()


def price(plan: RunPlan) -> str:
    """Return what a run over patches will do and cost."""
    count, numbers = len(plan.tiles_ij), plan.spec.feature_dim
    megabytes = max(count * numbers * _FLOAT_BYTES / 1e6, 0.1)
    took = readable_time(max(plan.seconds or 0.0, 1.0))
    return (
        f"{count:,} patches of {plan.spec.tile_px} px, level {plan.level} read at "
        f"{plan.mpp_yx[0]:.3g} µm/px, {numbers} numbers each by {plan.spec.name}, "
        f"about {megabytes:,.1f} MB and {took} by estimate"
    )


def _plan(choice: AttentionChoice, slide: Slide, folder: Path) -> RunPlan:
    """Do the slow part, in a thread: tissue, hash of the weights, plan."""
    facts = gather(choice, slide, saved_or_found(slide, folder))
    return resolve_features(choice, facts)
