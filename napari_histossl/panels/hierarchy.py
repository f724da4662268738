"""Two levels of attention without a window: choices, and the run that follows."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from napari_histossl.errors import PlanError
from napari_histossl.models.library import find_weights
from napari_histossl.models.metadata import WeightsRecord, examine_weights
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.cost import choose_batch, estimated_tile_s
from napari_histossl.overlays.hierarchy import PATCH_PASSES, check_pair
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.tile_plan import patch_spec, said_spec, tile_plan
from napari_histossl.store.paths import overlay_path, results_folder

_MEANING = (
    "scores are ranks: of a token within its patch, of a patch within its region; 1 is "
    "the most"
)


@dataclass(slots=True)
class HierarchyChoice(AttentionChoice):
    """What a person can choose beyond what `AttentionChoice` has.

    Attributes
    ----------
    region_weights : Path or None
        File of weights of the region model; there is no default.
    region_model : str
        Name of the region model, for weights that do not say; else empty.
    shifted : bool
        Average shifted passes, so that the borders of patches show less.
    as_published : bool
        Compute shifted passes one by one, with the margins of the original.
    """

    region_weights: Path | None = None
    region_model: str = ""
    shifted: bool = False
    as_published: bool = False


def resolve_hierarchy(choice: HierarchyChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice into a run; reads the header of the region weights.

    Parameters
    ----------
    choice : HierarchyChoice
        What a person wants.
    facts : SlideFacts
        What there is, from `panels.attention.gather`.

    Returns
    -------
    RunPlan
        Its tiles are regions: those in which a patch is tissue.

    Raises
    ------
    PlanError
        If the choices do not add up to a run.
    ModelError
        If the models were not trained on one another.
    WeightsError
        If the region weights cannot be read.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    if choice.region_weights is None:
        raise PlanError("two levels of attention need weights of a region model too")
    record = examine_weights(find_weights(choice.region_weights))
    spec, region = patch_spec(choice, facts.weights), _region_spec(choice, record)
    spec.need_attention()
    check_pair(spec, int(region.config["input_embed_dim"]))
    name = choice.name or f"hierarchy {Path(facts.weights.path).stem}"
    out = choice.out
    if out is None:
        out = overlay_path(results_folder(facts.source, choice.workspace), name)
    patches = tile_plan(choice, facts, spec, name=name, out=out)
    edge = region.tile_px  # patches along a region
    regions = tuple(dict.fromkeys((i // edge, j // edge) for i, j in patches.tiles_ij))
    tile_s = estimated_tile_s(spec)
    passes = PATCH_PASSES if choice.shifted else 1
    return replace(
        patches,
        kind="hierarchy",
        spec=replace(spec, tile_px=spec.tile_px * edge),
        step_px=spec.tile_px * edge,
        tiles_ij=regions,
        batch=1,
        seconds=len(regions) * edge**2 * passes * tile_s,
        notes=(_MEANING, *patches.notes),
        options=_options(choice, record, spec, region),
    )


def summarise_hierarchy(plan: RunPlan) -> str:
    """Return a plan of `resolve_hierarchy` in a few lines for people."""
    heads = int(dict(plan.options)["region_heads"])
    channels = plan.spec.heads + heads + 1
    size = len(plan.tiles_ij) * channels * plan.tile_tokens**2 * DTYPE.itemsize
    gives = f"{plan.spec.heads} patch heads and {heads} region heads"
    return plan.summary_of("hierarchy", gives, size)


def _region_spec(choice: HierarchyChoice, record: WeightsRecord) -> ModelSpec:
    region = said_spec(
        record, choice.region_model, "hipt_vit4k_xs for HIPT's region weights"
    )
    if region.reads_pixels:
        raise PlanError(
            f"the model {region.name} reads pixels; a region model reads the features "
            f"of a patch model, for example hipt_vit4k_xs"
        )
    return region


def _options(
    choice: HierarchyChoice, record: WeightsRecord, spec: ModelSpec, region: ModelSpec
) -> tuple[tuple[str, str | int | bool], ...]:
    batch = choice.batch or choose_batch(estimated_tile_s(spec))
    return (
        ("patch_px", spec.tile_px),
        ("patch_batch", batch),
        ("region_model", region.name),
        ("region_config", json.dumps(dict(region.config), sort_keys=True)),
        ("region_heads", region.heads),
        ("region_weights", record.path),
        ("region_sha256", record.sha256),
        ("shifted", choice.shifted),
        ("as_published", choice.as_published),
    )
