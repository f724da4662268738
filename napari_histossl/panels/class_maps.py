"""What a classifier sees on a slide, without a window: choices, and the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.models.recipe import GATE_EPSILON, PSEUDO_LAYERS
from napari_histossl.overlays.class_parameters import CLASS_MAPS, LAST, map_path
from napari_histossl.overlays.cost import choose_batch
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.panels.attention import AttentionChoice, gather
from napari_histossl.panels.class_models import class_model, weights_file
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.segmentation import chosen_recipe, stored_spec
from napari_histossl.panels.tile_plan import tile_plan
from napari_histossl.slide import Slide
from napari_histossl.store.paths import overlay_path, results_folder

_MEANING = "each map is scaled to 0 to 1 within its tile, over all classes together"

_PASSES = 2.0
"""A backward pass takes about so many forward passes."""


@dataclass(slots=True)
class ClassMapChoice(AttentionChoice):
    """What a person can choose beyond what `AttentionChoice` has.

    Attributes
    ----------
    epsilon : float
        A class is not in a tile that the classifier gives at most this probability.
    recipe : str
        "paper" or "published"; empty for what the classifier was trained with, and the
        paper's where it does not say.
    pixel_px : int or None
        As of a segmentation.
    """

    epsilon: float = GATE_EPSILON
    recipe: str = ""
    pixel_px: int | None = None


def resolve_class_maps(choice: ClassMapChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice into a run; nothing is read or written.

    Parameters
    ----------
    choice : ClassMapChoice
        What a person wants.
    facts : SlideFacts
        What there is, from `panels.attention.gather` with the classifier's weights.

    Returns
    -------
    RunPlan
        It writes several overlays, `out` and others beside it.

    Raises
    ------
    PlanError
        If the choices do not add up to a run, or the file holds weights of another
        kind.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    model = class_model(facts.weights, choice.model, "classifier")
    if not 0 <= choice.epsilon < 1:
        raise PlanError(
            f"a class is absent at a probability from 0 to below 1; got "
            f"{choice.epsilon:g}"
        )
    spec = stored_spec(model, choice.pixel_px)
    name = choice.name or f"classes {Path(facts.weights.path).stem}"
    folder = overlay_path(results_folder(facts.source, choice.workspace), name).parent
    out = map_path(folder, name, PSEUDO_LAYERS[-1])
    plan = tile_plan(choice, facts, spec, name=name, out=out)
    tile_s = plan.seconds or 0.0
    passes = 1 + _PASSES * len(model.classes)
    tile_s = passes * tile_s / max(len(plan.tiles_ij), 1)
    return replace(
        plan,
        kind=CLASS_MAPS,
        batch=choose_batch(tile_s) if choice.batch is None else plan.batch,
        seconds=len(plan.tiles_ij) * tile_s,
        notes=(_MEANING, *plan.notes),
        options=(
            ("recipe", chosen_recipe(choice.recipe, model)),
            ("epsilon", choice.epsilon),
            ("folder", str(folder)),
            ("stem", name),
        ),
    )


def summarise_class_maps(plan: RunPlan) -> str:
    """Return a plan of `resolve_class_maps` in a few lines for people."""
    layers = (*PSEUDO_LAYERS, LAST)
    values = len(layers) * (plan.spec.n_classes + 1) * plan.tile_tokens**2
    size = len(plan.tiles_ij) * values * DTYPE.itemsize
    gives = f"{plan.spec.n_classes} classes at {', '.join(layers)}"
    return plan.summary_of("maps", gives, size)


def plan_tile(choice: ClassMapChoice, slide: Slide) -> RunPlan:
    """Return the run whose tiles are asked for under the cursor; hashes the weights.

    Parameters
    ----------
    choice : ClassMapChoice
        Weights and scale count.
    slide : Slide
        The slide.

    Returns
    -------
    RunPlan
        Without tiles; for `overlays.questions.classes_of_tile`.

    Raises
    ------
    HistoSSLError
        If the weights cannot be used, or the slide does not say its scale.
    """
    weights = weights_file(choice.weights, "classifier")
    # one tile in a corner: what tiles there are does not matter here
    chosen = replace(choice, weights=weights, extent="region", name="tile")
    return resolve_class_maps(
        chosen, gather(chosen, slide, region_px0=Box(0, 0, 1, 1))
    ).bare()
