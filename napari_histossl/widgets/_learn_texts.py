"""What the Learn page says."""

from __future__ import annotations

from napari_histossl.panels.learn import LearnPlan
from napari_histossl.widgets._form import readable_time

NO_SLIDE = "Open a slide first: on the Slide page, or drag it onto the window."
NO_MASK = "No mask on this slide yet: make one of a proposal on the Correct page."
READY = (
    "Paint where the mask is wrong, then learn: what you corrected or accepted counts "
    "fully."
)
WEIGHT_TIP = (
    "How much a pixel counts that the model has labelled and nobody looked at. More "
    "keeps closer to the proposal; with 0 % paint examples of every class."
)
LEARNING = "Learning …"
STOPPED = "Stopped; tokens that are computed are kept, and the next run goes on there."
SHOWN = "On the Correct page the take tool (A) takes from it; K makes a new mask of it."
NO_REPORT = "What it was made of is not known: its head was deleted."


def price(plan: LearnPlan, is_measured: bool) -> str:
    """Return what learning will do and cost."""
    took = readable_time(max(plan.seconds, 1.0))
    took = took if is_measured else f"{took} by estimate"
    tokens, corrected = plan.tokens, len(plan.corrected)
    many = "s" if corrected > 1 else ""
    megabytes = max(plan.stored_bytes / 1e6, 0.1)
    new = (
        f"{plan.missing:,} tiles to compute, {megabytes:,.1f} MB"
        if plan.missing
        else "nothing to compute, all tokens are stored"
    )
    return (
        f"Learns from {corrected:,} tile{many} with corrections, proposes for "
        f"{len(tokens.tiles_ij):,} tiles of {tokens.spec.tile_px} px; {new}; {took}"
    )
