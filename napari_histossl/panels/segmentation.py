"""Segmentation of a slide without a window: choices, and the run that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from napari_histossl.errors import PlanError
from napari_histossl.models.recipe import GATE_EPSILON, RECIPES
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.class_parameters import SEGMENTATION
from napari_histossl.overlays.cost import choose_batch, estimated_tile_s
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.panels.attention import AttentionChoice, step_px
from napari_histossl.panels.class_models import (
    ClassModel,
    class_model,
    examine_class_model,
    refuse_other_classes,
)
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.tile_plan import tile_plan
from napari_histossl.store.paths import overlay_path, results_folder

STORED_UM = 2.0
"""Edge of a stored pixel, at most, where nobody says otherwise: a quarter of a nucleus,
and at half a micrometre a pixel as fine as a segmenter decides."""

_EDGES_PX = (4, 2, 1)
"""Edges that are tried for it."""

_NEAR = 1.1
"""Scales that differ by less are taken for the same."""


@dataclass(slots=True)
class SegmentationChoice(AttentionChoice):
    """What a person can choose beyond what `AttentionChoice` has.

    Attributes
    ----------
    classifier : Path or None
        File of weights of the classifier, or the name of weights that were added; None
        for the sample.
    classifier_model : str
        Name of its model, for weights that do not say; else empty.
    gate : bool
        Whether the classifier takes classes out of a window.
    epsilon : float
        Those that it gives at most this probability.
    recipe : str
        "paper" or "published"; empty for what the segmenter was trained with, and the
        paper's where it does not say.
    pixel_px : int or None
        Edge of a stored pixel in pixels that the segmenter reads, which divides a
        window; None for about `STORED_UM`.
    """

    overlap: float = 0.25
    classifier: Path | None = None
    classifier_model: str = ""
    gate: bool = True
    epsilon: float = GATE_EPSILON
    recipe: str = ""
    pixel_px: int | None = None


def resolve_segmentation(choice: SegmentationChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice into a run; reads the header of the classifier's weights.

    Parameters
    ----------
    choice : SegmentationChoice
        What a person wants.
    facts : SlideFacts
        What there is, from `panels.attention.gather` with the segmenter's weights.

    Returns
    -------
    RunPlan
        Its tiles are windows; it writes `out`, and labels beside it.

    Raises
    ------
    PlanError
        If the choices do not add up to a run, a file holds weights of another kind, or
        the two models tell different classes.
    WeightsError
        If the classifier's weights cannot be read.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    segmenter = class_model(facts.weights, choice.model, "segmenter")
    classifier = _classifier(choice, segmenter)
    spec = stored_spec(segmenter, choice.pixel_px)
    name = choice.name or f"segmentation {Path(facts.weights.path).stem}"
    out = choice.out
    if out is None:
        out = overlay_path(results_folder(facts.source, choice.workspace), name)
    step = step_px(choice, spec)
    plan = tile_plan(choice, facts, spec, name=name, out=out, step_px=step)
    tile_s = estimated_tile_s(spec)
    if classifier is not None:  # it sees the same windows
        seen = replace(classifier.spec, tile_px=spec.tile_px)
        tile_s += estimated_tile_s(seen)
    return replace(
        plan,
        kind=SEGMENTATION,
        batch=choose_batch(tile_s) if choice.batch is None else plan.batch,
        seconds=len(plan.tiles_ij) * tile_s,
        notes=(_note(choice, classifier), *plan.notes),
        options=_options(choice, segmenter, classifier, out),
    )


def summarise_segmentation(plan: RunPlan) -> str:
    """Return a plan of `resolve_segmentation` in a few lines for people."""
    channels = plan.spec.n_classes + 1
    size = len(plan.tiles_ij) * channels * plan.tile_tokens**2 * DTYPE.itemsize
    return plan.summary_of("classes", f"{plan.spec.n_classes} classes", size)


# ---- Details


def _classifier(choice: SegmentationChoice, segmenter: ClassModel) -> ClassModel | None:
    if not 0 <= choice.epsilon < 1:
        raise PlanError(
            f"the gate takes out classes of a probability from 0 to below 1; got "
            f"{choice.epsilon:g}"
        )
    if not choice.gate:
        return None
    made = examine_class_model(choice.classifier, choice.classifier_model, "classifier")
    refuse_other_classes(segmenter, made)
    _refuse_other_pictures(segmenter.spec, made.spec)
    return made


def _refuse_other_pictures(segmenter: ModelSpec, classifier: ModelSpec) -> None:
    """Refuse a pair that does not read the same pixels."""
    mpp, wanted = classifier.mpp, segmenter.mpp
    is_near = not (mpp and wanted) or 1 / _NEAR < mpp / wanted < _NEAR
    one, other = ((spec.mean, spec.std) for spec in (segmenter, classifier))
    if not is_near or one != other:
        raise PlanError(
            f"the segmenter reads {wanted} um/px with mean and deviation {one}, the "
            f"classifier {mpp} um/px with {other}; a classifier gates a segmenter that "
            f"reads the same pixels: choose a pair that was trained on one data set, "
            f"or run without the gate"
        )


def stored_spec(model: ClassModel, pixel_px: int | None = None) -> ModelSpec:
    """Return a model's spec with its classes, and tokens as large as what is stored.

    Parameters
    ----------
    model : ClassModel
        A classifier or segmenter.
    pixel_px : int, optional
        Edge of what is stored; by default at most `STORED_UM` where a scale is known.

    Raises
    ------
    PlanError
        If they do not divide its tiles.
    """
    tile, mpp = model.spec.tile_px, model.spec.mpp or 0.0
    if pixel_px is None:
        fits = [n for n in _EDGES_PX if n * mpp <= STORED_UM and tile % n == 0]
        pixel_px = next(iter(fits), 1)
    if pixel_px < 1 or tile % pixel_px:
        raise PlanError(
            f"stored pixels divide a window of {tile} px; got {pixel_px} px: choose 1, "
            f"2, 4 or 8"
        )
    return replace(model.spec, classes=model.classes, token_px=pixel_px)


def chosen_recipe(wanted: str, model: ClassModel) -> str:
    """Return whose numbers are taken: what is asked for, or the weights were made by.

    Raises
    ------
    PlanError
        If there is no such recipe.
    """
    if wanted not in ("", *RECIPES):
        raise PlanError(f"the recipe is {' or '.join(RECIPES)}; got {wanted!r}")
    return wanted or model.spec.recipe or RECIPES[0]


def _note(choice: SegmentationChoice, classifier: ClassModel | None) -> str:
    if classifier is None:
        return "no classifier gates it: every class may be everywhere"
    return (
        f"classes that {Path(classifier.record.path).name} gives at most "
        f"{choice.epsilon:g} in a window are taken out of it"
    )


def _options(
    choice: SegmentationChoice,
    segmenter: ClassModel,
    classifier: ClassModel | None,
    out: Path,
) -> tuple[tuple[str, str | float], ...]:
    record = None if classifier is None else classifier.record
    return (
        ("recipe", chosen_recipe(choice.recipe, segmenter)),
        ("epsilon", choice.epsilon if record else 0.0),
        ("classifier", classifier.spec.name if classifier else ""),
        ("classifier_weights", record.path if record else ""),
        ("classifier_sha256", record.sha256 if record else ""),
        ("labels", str(labels_beside(out))),
    )


def labels_beside(out: Path) -> Path:
    """Return where the labels lie that follow from an overlay of maps."""
    suffix = ".ome.zarr"
    return out.with_name(f"{out.name.removesuffix(suffix)} labels{suffix}")
