"""Learn and propose: what it costs first, then the run in the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_histossl.geometry import Box
from napari_histossl.overlays.cost import Calibration, calibrated
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import gather
from napari_histossl.panels.learn import LearnChoice, LearnPlan, resolve_learning
from napari_histossl.panels.learn_job import learn
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.slide import Slide
from napari_histossl.widgets._learn_texts import price
from napari_histossl.widgets._overlays_run import RunPanel
from napari_histossl.widgets._priced_run import Planning, PricedRun
from napari_histossl.widgets._workbench import Workbench


class LearnRun(PricedRun):
    """A head and what it proposes, of the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    choice : callable
        Returns what is chosen on the page.
    told : callable
        Returns a sentence as people may read it.
    panel : RunPanel
        Shows the run.

    Attributes
    ----------
    name : str
        Of the proposal that the next run goes on with; empty for a new one.
    """

    job = staticmethod(learn)

    def __init__(
        self,
        bench: Workbench,
        choice: Callable[[], LearnChoice],
        told: Callable[[str], str],
        panel: RunPanel,
    ) -> None:
        self._choice, self.name = choice, ""
        super().__init__(bench, "Learn …", self._plan, price, told, panel)

    def tiles_of(self, plan: LearnPlan) -> RunPlan:
        """Return the run that computes tokens."""
        return plan.tokens

    def timed(self, plan: LearnPlan, measured: Calibration) -> LearnPlan:
        """Return a plan with its time by measurement."""
        return replace(plan, tokens=calibrated(plan.tokens, measured))

    def _plan(self) -> Planning:
        choice = self._choice()
        choice.name, self.name = self.name, ""
        return partial(_resolved, choice, self.bench.view_box_px0())


def _resolved(
    choice: LearnChoice, view_px0: Box | None, slide: Slide, folder: Path
) -> LearnPlan:
    """Do the slow part, in a thread: tissue, hash of the weights, mask, plan."""
    tissue = saved_or_found(slide, folder)
    facts = gather(choice, slide, tissue, view_px0=view_px0)
    return resolve_learning(choice, facts, folder)
