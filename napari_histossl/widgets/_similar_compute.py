"""Compute embeddings of a slide: what it costs first, then the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal

from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice, gather
from napari_histossl.panels.features import resolve_features
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.slide import Slide
from napari_histossl.widgets._overlays_texts import run_time
from napari_histossl.widgets._priced_run import PricedRun
from napari_histossl.widgets._workbench import Workbench

_FLOAT_BYTES = 4


class ComputeEmbeddings(PricedRun):
    """Embeddings of the slide in view.

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
    finished : Signal of str
        Embeddings of this name are there, or a part of them.
    """

    finished = Signal(str)

    def __init__(
        self,
        bench: Workbench,
        choice: Callable[[], AttentionChoice],
        told: Callable[[str], str],
    ) -> None:
        super().__init__(
            bench,
            "Compute embeddings …",
            lambda: partial(_plan, choice()),
            price,
            told,
        )
        self.done.connect(self._on_done)

    def _on_done(self, plan: RunPlan) -> None:
        self.finished.emit(Path(plan.out).name.removesuffix(".zarr"))


def price(plan: RunPlan, is_measured: bool) -> str:
    """Return what a run over patches will do and cost."""
    count, numbers = len(plan.tiles_ij), plan.spec.feature_dim
    megabytes = max(count * numbers * _FLOAT_BYTES / 1e6, 0.1)
    took = run_time(plan, is_measured)
    return (
        f"{count:,} patches of {plan.spec.tile_px} px, level {plan.level} read at "
        f"{plan.mpp_yx[0]:.3g} µm/px, {numbers} numbers each by {plan.spec.name}, "
        f"about {megabytes:,.1f} MB and {took}"
    )


def _plan(choice: AttentionChoice, slide: Slide, folder: Path) -> RunPlan:
    """Do the slow part, in a thread: tissue, hash of the weights, plan."""
    facts = gather(choice, slide, saved_or_found(slide, folder))
    return resolve_features(choice, facts)
