"""What a run will do and cost: found out in the background, measured in the worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.models.metadata import WeightsRecord
from napari_histossl.overlays.cost import Calibration, calibrated, estimated_tile_s
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.questions import measure
from napari_histossl.panels.attention import AttentionChoice, gather, resolve
from napari_histossl.panels.attention_list import resolve_any
from napari_histossl.panels.tissue import saved_or_found, tissue_path
from napari_histossl.slide import Slide, SlideSource, TissueMap
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads, NoAnswer, WorkerFailure

_MEASURE = "measure the model of the Overlays page"


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What came of a choice.

    Attributes
    ----------
    choice : AttentionChoice
        As it was when this was asked for.
    source : SlideSource
        The slide.
    record : WeightsRecord or None
        The weights; None where they cannot be read.
    plan : RunPlan or None
        The run; None where there is none.
    patch_plan : RunPlan or None
        The same with tiles of the patch model: what is measured.
    error : HistoSSLError or None
        Why there is no plan.
    """

    choice: AttentionChoice
    source: SlideSource
    record: WeightsRecord | None = None
    plan: RunPlan | None = None
    patch_plan: RunPlan | None = None
    error: HistoSSLError | None = None


class Planner(QObject):
    """Plans runs on the slide in view without keeping the window waiting.

    Parameters
    ----------
    bench : Workbench
        Knows the slide and the worker.

    Attributes
    ----------
    planned : Signal of (Planned, bool)
        What came of `plan`, and whether it is to be run.
    measured : Signal
        The time that a tile takes is known, or that the model cannot be used.
    """

    planned = Signal(object, bool)
    measured = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._tissue: dict[Any, TissueMap] = {}
        self._measured: dict[Any, Calibration] = {}
        self._refused: dict[Any, str] = {}
        self._asked: Any = None
        self._newest, self._to_run = 0, 0
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_planned)
        bench.worker.answered.connect(self._on_measured)

    @property
    def is_planning_run(self) -> bool:
        """Whether a run is about to start."""
        return self._to_run > 0

    def plan(
        self,
        choice: AttentionChoice,
        region_px0: Box | None,
        *,
        to_run: bool = False,
    ) -> None:
        """Find out what a choice means for the slide in view; see `planned`."""
        shown = self._bench.shown
        if shown is None:
            return
        if self._to_run and not to_run:
            return  # the form is asked again when the run has started
        self._newest += 1
        if to_run:
            self._to_run = self._newest
        key = shown.source.fingerprint, _modified(tissue_path(shown.folder))
        call = partial(
            _plan,
            choice,
            shown.slide,
            shown.folder,
            self._tissue.get(key),
            self._bench.view_box_px0(),
            region_px0,
        )
        number = self._newest
        self._reads.ask("plan", lambda: (number, key, *call()))

    def forget(self) -> None:
        """Give up what was asked for: another slide is in view."""
        self._reads.drop()
        self._newest += 1
        self._to_run = 0

    def _on_planned(self, _name: Any, answer: Any) -> None:
        number, key, tissue, planned = answer
        if tissue is not None:
            self._tissue = {key: tissue}
        is_run = number == self._to_run
        if is_run:
            self._to_run = 0
        elif number != self._newest:
            return
        self.planned.emit(planned, is_run)

    # ---- Time

    def measure(self, planned: Planned) -> None:
        """Let the worker load the model and time it, unless that is known."""
        key = _model_key(planned)
        is_known = key in self._measured or key in self._refused
        if key is None or is_known or key == self._asked:
            return
        assert planned.patch_plan is not None
        self._asked = key
        plan = planned.patch_plan.bare()
        self._bench.worker.ask((_MEASURE, key), measure, planned.source, plan)

    def refusal(self, planned: Planned) -> str:
        """Return why the worker cannot use the model; empty where it can."""
        return self._refused.get(_model_key(planned), "")

    def device(self, planned: Planned) -> str | None:
        """Return where a run will be computed; None while that is not known."""
        known = self._measured.get(_model_key(planned))
        return None if known is None else known.device

    def timed(self, planned: Planned) -> RunPlan | None:
        """Return the plan with the time that was measured, where it was."""
        plan, base = planned.plan, planned.patch_plan
        known = self._measured.get(_model_key(planned))
        if plan is None or base is None or known is None:
            return plan
        if plan.kind == base.kind:
            was_chosen = planned.choice.batch is not None
            timed = calibrated(plan, known, keep_batch=was_chosen)
            return replace(timed, notes=plan.notes)
        seconds = (plan.seconds or 0) * known.tile_s / estimated_tile_s(base.spec)
        return replace(plan, seconds=seconds)

    def _on_measured(self, name: Any, answer: Any) -> None:
        if not (isinstance(name, tuple) and name[0] == _MEASURE):
            return
        self._asked = None
        if isinstance(answer, Calibration):
            self._measured[name[1]] = answer
        elif isinstance(answer, WorkerFailure) and not isinstance(answer, NoAnswer):
            self._refused[name[1]] = str(answer)
        self.measured.emit()


def _plan(
    choice: AttentionChoice,
    slide: Slide,
    folder: Path,
    tissue: TissueMap | None,
    view_px0: Box | None,
    region_px0: Box | None,
) -> tuple[TissueMap | None, Planned]:
    """Do the slow part, in a thread: tissue, hash of the weights, plan."""
    record = None
    try:
        tissue = tissue or saved_or_found(slide, folder)
        facts = gather(choice, slide, tissue, view_px0=view_px0, region_px0=region_px0)
        record = facts.weights
        plan = resolve_any(choice, facts)
        base = plan if plan.kind == "attention" else resolve(choice, facts)
    except HistoSSLError as error:
        return tissue, Planned(choice, slide.source, record, error=error)
    return tissue, Planned(choice, slide.source, record, plan, base)


def _model_key(planned: Planned) -> Any:
    base = planned.patch_plan
    if base is None:
        return None
    return base.weights_sha256, base.spec.name, base.block, base.device


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
