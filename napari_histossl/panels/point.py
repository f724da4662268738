"""Attention from a point without a window: which model is asked, in which pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_histossl.errors import HistoSSLError, PlanError
from napari_histossl.geometry import Box
from napari_histossl.models.library import find_weights, list_weights
from napari_histossl.models.metadata import hash_file
from napari_histossl.overlays.plan import MEANINGS, Normalisation, RunPlan
from napari_histossl.panels.attention import (
    AttentionChoice,
    gather,
    resolve,
    sample_weights,
)
from napari_histossl.slide import Slide

POINT_MEANINGS: dict[Normalisation, str] = {
    "relative": "softmax within one tile; 1 = uniform",
    "softmax": "softmax within one tile, all tokens share 1",
    "rank": "rank within one tile, in percent",
}
"""What the numbers of a point's attention mean, beside a colour bar."""


def plan_point(
    choice: AttentionChoice,
    slide: Slide,
    overlay: Mapping[str, Any] | None = None,
) -> RunPlan:
    """Return the run whose attention a point asks for; hashes the weights.

    Parameters
    ----------
    choice : AttentionChoice
        What is chosen on the page.
    slide : Slide
        The slide.
    overlay : mapping, optional
        Provenance of the attention overlay that is shown: its weights, block, values
        and tiles are taken where its weights can still be found.

    Returns
    -------
    RunPlan
        Without tiles; for `overlays.questions.attention_of_tile`.

    Raises
    ------
    HistoSSLError
        If the weights cannot be used, the model has no attention, or the slide does
        not say its scale.
    """
    chosen = as_shown(choice, overlay or {}) or choice
    # one tile in a corner: what tiles there are does not matter here
    chosen = replace(chosen, extent="region", name="point", out=Path("point"))
    facts = gather(chosen, slide, region_px0=Box(0, 0, 1, 1))
    return resolve(chosen, facts).bare()


def as_shown(
    choice: AttentionChoice, overlay: Mapping[str, Any]
) -> AttentionChoice | None:
    """Return a choice that computes what an overlay shows, or None.

    Parameters
    ----------
    choice : AttentionChoice
        Its weights are looked at first; device and scale are kept.
    overlay : mapping
        Provenance of the overlay; empty where there is none.

    Returns
    -------
    AttentionChoice or None
        None if it is no overlay of attention, or its weights are not found among the
        chosen ones, those that were added, and the sample's.
    """
    said = overlay.get("parameters", {})
    if said.get("kind") != "attention":
        return None
    model = str(overlay.get("model"))
    for path in _candidates(choice, model):
        if _hash(path) == overlay.get("weights_sha256"):
            return replace(
                choice,
                weights=path,
                model=model,
                block=int(said["block"]),
                values=_values(said["values"]),
                overlap=1 - said["step_px"] / said["tile_px"],
            )
    return None


def _candidates(choice: AttentionChoice, model: str) -> Iterator[Path | None]:
    """Yield weights that an overlay may be made with, the likely ones first."""
    if choice.weights is not None:
        yield choice.weights
    yield None
    for stored in list_weights():
        if stored.spec is not None and stored.spec.name == model:
            yield stored.path


def _hash(weights: Path | None) -> str | None:
    try:
        path = sample_weights() if weights is None else find_weights(weights)
        return hash_file(path)
    except HistoSSLError:  # not there: it cannot be the one
        return None


def _values(meaning: str) -> Normalisation:
    for values, known in MEANINGS.items():
        if known == meaning:
            return values
    raise PlanError(f"attention is stored as {', '.join(MEANINGS)}; got {meaning!r}")
