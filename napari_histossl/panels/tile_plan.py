"""What all runs over the tiles of a slide decide alike: model, scale, tiles, time."""

from __future__ import annotations

import math
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histossl.errors import PlanError
from napari_histossl.models.metadata import WeightsRecord
from napari_histossl.models.registry import ModelSpec, model_spec
from napari_histossl.overlays.cost import choose_batch, estimated_tile_s
from napari_histossl.overlays.grid import StepGrid
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.scale import TOLERANCE, reading_scale, shape_at
from napari_histossl.panels.run_place import SlideFacts, chosen_tiles, scale_of

if TYPE_CHECKING:
    from napari_histossl.panels.attention import AttentionChoice

_FAR = 1.5
"""A slide that is coarser than a model's scale by half an octave is too coarse."""


def patch_spec(choice: AttentionChoice, weights: WeightsRecord) -> ModelSpec:
    """Return the model: what the file of weights says, or what the person says.

    Parameters
    ----------
    choice : AttentionChoice
        Model, batch and tissue share count.
    weights : WeightsRecord
        The weights that were chosen.

    Raises
    ------
    PlanError
        If the model is not known, or reads no pixels.
    """
    batch = 1 if choice.batch is None else choice.batch
    if batch < 1 or not 0 < choice.min_tissue <= 1:
        raise PlanError(
            f"a run needs a batch of at least 1 tile and a tissue share above 0 and up "
            f"to 1; got batch {choice.batch}, tissue share {choice.min_tissue}"
        )
    spec = said_spec(weights, choice.model)
    if not spec.reads_pixels:
        raise PlanError(
            f"the model {spec.name} reads features, not pixels; choose a patch model"
        )
    return spec


def said_spec(
    weights: WeightsRecord,
    model: str,
    example: str = "vit_small_patch16 for HIPT's patch weights",
) -> ModelSpec:
    """Return the model that weights are for.

    Parameters
    ----------
    weights : WeightsRecord
        What a file says.
    model : str
        What a person says, or empty.
    example : str, optional
        For the sentence where neither says anything.

    Raises
    ------
    PlanError
        If neither says which, or they contradict one another.
    """
    said = weights.spec
    if said is None and not model:
        raise PlanError(
            f"{weights.path} does not say which model it is for; name the model as "
            f"well, for example {example}"
        )
    spec = said if said is not None else model_spec(model)
    if model and model != spec.name:
        raise PlanError(
            f"{weights.path} is for the model {spec.name}; got {model}: leave the "
            f"model out, or choose other weights"
        )
    return spec


def tile_plan(
    choice: AttentionChoice,
    facts: SlideFacts,
    spec: ModelSpec,
    *,
    name: str,
    out: Path,
    step_px: int = 0,
) -> RunPlan:
    """Plan a run over tiles; the caller says what is computed of them.

    Parameters
    ----------
    choice : AttentionChoice
        What a person wants.
    facts : SlideFacts
        What there is.
    spec : ModelSpec
        Model and tile.
    name : str
        Of the result.
    out : Path
        Where it is written.
    step_px : int
        From one tile to the next; 0 for a whole tile.

    Raises
    ------
    PlanError
        If there is no view or region, or the scale is absurd.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    mpp_yx = scale_of(facts, choice.mpp)
    scale = reading_scale(facts.levels, mpp_yx, spec.mpp)
    shape = shape_at(facts.levels[0].shape, scale.downsample)
    read_mpp = mpp_yx[0] * scale.downsample, mpp_yx[1] * scale.downsample
    grid = StepGrid(shape, spec.tile_px, step_px or spec.tile_px)
    tiles = chosen_tiles(
        facts, grid, scale.downsample, choice.extent, choice.min_tissue
    )
    tile_s = estimated_tile_s(spec)
    return RunPlan(
        name=name,
        out=str(out),
        spec=spec,
        weights=facts.weights.path,
        weights_sha256=facts.weights.sha256,
        slide_name=facts.source.name,
        slide_fingerprint=facts.source.fingerprint,
        level=scale.level,
        level_shape=shape,
        downsample=scale.downsample,
        mpp_yx=read_mpp,
        tiles_ij=tiles,
        batch=choose_batch(tile_s) if choice.batch is None else choice.batch,
        overwrite=choice.overwrite,
        seconds=len(tiles) * tile_s,
        notes=_notes(spec, read_mpp, grid, facts),
        step_px=grid.step_px,
        device=choice.device,
        precision=choice.precision,
        run_id=secrets.token_hex(8) if choice.overwrite else "",
    )


def _notes(
    spec: ModelSpec, read_mpp: tuple[float, float], grid: StepGrid, facts: SlideFacts
) -> tuple[str, ...]:
    mpp = math.sqrt(read_mpp[0] * read_mpp[1])
    notes = []
    if spec.mpp is not None:
        verdict = ""
        if mpp > spec.mpp * _FAR:
            verdict = ": the slide is too coarse, expect little of the result"
        elif mpp > spec.mpp * (1 + TOLERANCE):
            verdict = ": the slide has nothing finer"
        notes.append(
            f"the model was trained at {spec.mpp:.3g} um/px and gets {mpp:.3g} um/px"
            f"{verdict}"
        )
    if max(grid.shape) < grid.tile_px:
        notes.append("the slide is smaller than one tile: white is put around it")
    if facts.is_tissue is None:
        notes.append("tissue was not looked for: glass is computed as well")
    return tuple(notes)
