"""Features of a slide's tissue without a window: the run that computes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.tile_plan import patch_spec, tile_plan
from napari_histossl.store.paths import embeddings_path, results_folder

_FLOAT_BYTES = 4


def resolve_features(choice: AttentionChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice into a run that computes embeddings; nothing is read or written.

    Parameters
    ----------
    choice : AttentionChoice
        What a person wants; what concerns attention alone is passed over.
    facts : SlideFacts
        What there is, from `panels.attention.gather`.

    Returns
    -------
    RunPlan
        For `overlays.run`; its `out` is a folder for `store.EmbeddingStore`.

    Raises
    ------
    PlanError
        If the choices do not add up to a run.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    spec = patch_spec(choice, facts.weights)
    name = choice.name or Path(facts.weights.path).stem
    out = choice.out
    if out is None:
        out = embeddings_path(results_folder(facts.source, choice.workspace), name)
    return replace(tile_plan(choice, facts, spec, name=name, out=out), kind="features")


def summarise_features(plan: RunPlan) -> str:
    """Return a plan of `resolve_features` in a few lines for people."""
    dimension = plan.spec.feature_dim
    size = len(plan.tiles_ij) * dimension * _FLOAT_BYTES
    return plan.summary_of("features", f"{dimension} numbers a patch", size)
