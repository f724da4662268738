"""The Overlays page without a window: choices, facts, and the run that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import (
    MissingScaleError,
    NoTissueError,
    PlanError,
)
from napari_histossl.geometry import Box, Level, TileGrid, to_level
from napari_histossl.models.metadata import WeightsRecord, examine_weights
from napari_histossl.models.registry import ModelSpec, model_spec
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.tiles import order_tiles, tissue_fractions
from napari_histossl.resources import sample_file
from napari_histossl.slide import Slide, SlideSource, virtual_levels
from napari_histossl.store.paths import overlay_path, results_folder

if TYPE_CHECKING:
    from napari_histossl.slide import TissueMap

Extent = Literal["view", "region", "slide"]

_SAMPLE_WEIGHTS = "dino_sample.safetensors"
"""Trained on drawn tissue; in the wheel and in the source tree."""

_ABSURD_MPP = (0.01, 100.0)
"""Micrometres per pixel outside of this are a mistake of unit, not a slide."""

_NEAR = 1.1
"""A level within 10 % of the model's scale is what the model was trained on."""

_FAR = 1.5
"""Beyond half an octave no virtual level is the right one: the slide is too coarse."""

_FLOPS = 3e10
"""Floating-point operations a second on one core, about; for the estimate of time."""


@dataclass(slots=True)
class AttentionChoice:
    """What a person can choose for an attention run.

    Attributes
    ----------
    weights : Path or None
        File of weights; None for the sample weights.
    model : str
        Name of the model, for weights that do not say; else empty.
    extent : {"slide", "region", "view"}
        Which part of the tissue is computed.
    mpp : float or None
        Micrometres per level-0 pixel, in place of what the slide says.
    name : str
        Name of the overlay; empty for one made from the weights' name.
    out : Path or None
        Folder of the OME-Zarr; None for the slide's results folder.
    workspace : Path or None
        Where results lie if not beside the slide.
    overwrite : bool
        Start anew where an overlay of the name exists.
    batch : int
        Tiles computed at once.
    min_tissue : float
        Least share of a tile that is tissue, above 0 and up to 1.
    """

    weights: Path | None = None
    model: str = ""
    extent: Extent = "slide"
    mpp: float | None = None
    name: str = ""
    out: Path | None = None
    workspace: Path | None = None
    overwrite: bool = False
    batch: int = 16
    min_tissue: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class SlideFacts:
    """What a plan depends on besides the choice.

    Attributes
    ----------
    source : SlideSource
        The slide's record.
    levels : tuple of Level
        Its virtual levels.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel, as the slide says.
    is_tissue : ndarray of shape (h, w) and dtype bool, or None
        Tissue at low power; None to take the whole slide for tissue.
    tissue_downsample : float
        Level-0 pixels per pixel of `is_tissue`.
    weights : WeightsRecord
        The weights that were chosen.
    view_px0, region_px0 : Box or None
        What is on the screen, and what is selected, in level-0 pixels.
    """

    source: SlideSource
    levels: tuple[Level, ...]
    mpp_yx: tuple[float, float] | None
    is_tissue: NDArray[Any] | None
    tissue_downsample: float
    weights: WeightsRecord
    view_px0: Box | None = None
    region_px0: Box | None = None


def gather(
    choice: AttentionChoice,
    slide: Slide,
    tissue: TissueMap | None = None,
    *,
    view_px0: Box | None = None,
    region_px0: Box | None = None,
) -> SlideFacts:
    """Collect the facts for a choice: reads the header of the weights and hashes them.

    Parameters
    ----------
    choice : AttentionChoice
        Says which weights.
    slide : Slide
        The slide.
    tissue : TissueMap, optional
        As `slide.find_tissue` gives it; by default the whole slide is computed.
    view_px0, region_px0 : Box, optional
        What is on the screen, and what is selected, in level-0 pixels.

    Raises
    ------
    WeightsError
        If the weights cannot be read.
    """
    return SlideFacts(
        slide.source,
        virtual_levels(slide),
        slide.mpp_yx,
        None if tissue is None else tissue.is_tissue,
        1.0 if tissue is None else tissue.downsample,
        examine_weights(choice.weights or sample_weights()),
        view_px0,
        region_px0,
    )


def sample_weights() -> Path:
    """Return the path of the sample weights that come with the package.

    Raises
    ------
    MissingResourceError
        If they were not installed.
    """
    return sample_file(_SAMPLE_WEIGHTS)


def resolve(choice: AttentionChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice into a run; nothing is read or written.

    Parameters
    ----------
    choice : AttentionChoice
        What a person wants.
    facts : SlideFacts
        What there is.

    Returns
    -------
    RunPlan
        Ready to be shown and run.

    Raises
    ------
    PlanError
        If the choices do not add up to a run.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    spec = _spec(choice, facts.weights)
    mpp_yx = _scale(choice, facts)
    level = nearest_level(facts.levels, mpp_yx, spec.mpp)
    chosen = facts.levels[level]
    level_mpp = mpp_yx[0] * chosen.downsample, mpp_yx[1] * chosen.downsample
    tiles = _tiles(choice, facts, TileGrid(chosen.shape, spec.tile_px), chosen)
    name = choice.name or f"attention {Path(facts.weights.path).stem}"
    return RunPlan(
        name=name,
        out=str(_out(choice, facts, name)),
        spec=spec,
        weights=facts.weights.path,
        weights_sha256=facts.weights.sha256,
        slide_name=facts.source.name,
        slide_fingerprint=facts.source.fingerprint,
        level=level,
        level_shape=chosen.shape,
        downsample=chosen.downsample,
        mpp_yx=level_mpp,
        tiles_ij=tiles,
        batch=choice.batch,
        overwrite=choice.overwrite,
        seconds=len(tiles) * tile_flops(spec) / _FLOPS,
        notes=_notes(spec, level_mpp, facts),
    )


def nearest_level(
    levels: tuple[Level, ...], mpp_yx: tuple[float, float], wanted_mpp: float | None
) -> int:
    """Return the level whose scale is nearest to a model's, by ratio.

    Parameters
    ----------
    levels : tuple of Level
        Virtual levels.
    mpp_yx : tuple of float
        Micrometres per level-0 pixel.
    wanted_mpp : float or None
        Micrometres per pixel of the model; None for level 0.
    """
    if wanted_mpp is None:
        return 0
    mpp = math.sqrt(mpp_yx[0] * mpp_yx[1])
    octaves = [abs(math.log(mpp * lv.downsample / wanted_mpp)) for lv in levels]
    return int(np.argmin(octaves))


def tile_flops(spec: ModelSpec) -> float:
    """Return the floating-point operations that one tile costs, about."""
    dim, depth = int(spec.config["embed_dim"]), int(spec.config["depth"])
    tokens = spec.tokens + 1
    per_block = 24 * tokens * dim**2 + 4 * tokens**2 * dim
    embedding = 6 * spec.tokens * dim * spec.token_px**2
    return float(depth * per_block + embedding)


# ---- Details ----


def _spec(choice: AttentionChoice, weights: WeightsRecord) -> ModelSpec:
    """Return the model: what the file says, or what the person says."""
    if choice.batch < 1 or not 0 < choice.min_tissue <= 1:
        raise PlanError(
            f"a run needs a batch of at least 1 tile and a tissue share above 0 and up "
            f"to 1; got batch {choice.batch}, tissue share {choice.min_tissue}"
        )
    said = weights.spec
    if said is None and not choice.model:
        raise PlanError(
            f"{weights.path} does not say which model it is for; name the model as "
            f"well, for example vit_small_patch16 for HIPT's patch weights"
        )
    spec = said if said is not None else model_spec(choice.model)
    if choice.model and choice.model != spec.name:
        raise PlanError(
            f"{weights.path} is for the model {spec.name}; got {choice.model}: leave "
            f"the model out, or choose other weights"
        )
    if not spec.reads_pixels:
        raise PlanError(
            f"the model {spec.name} reads features, not pixels; choose a patch model"
        )
    spec.need_attention()
    return spec


def _scale(choice: AttentionChoice, facts: SlideFacts) -> tuple[float, float]:
    mpp_yx = facts.mpp_yx if choice.mpp is None else (choice.mpp, choice.mpp)
    if mpp_yx is None:
        raise MissingScaleError(
            f"{facts.source.name} does not say how large a pixel is, and the model "
            f"needs to know; give it, for example --mpp 0.5 for most 20x scans"
        )
    low, high = _ABSURD_MPP
    if not all(low <= mpp <= high for mpp in mpp_yx):
        raise PlanError(
            f"a pixel of {facts.source.name} would be {mpp_yx[0]:g} x {mpp_yx[1]:g} um "
            f"large; expected {low:g} to {high:g} um: give the right one with --mpp"
        )
    return mpp_yx


def _tiles(
    choice: AttentionChoice, facts: SlideFacts, grid: TileGrid, level: Level
) -> tuple[tuple[int, int], ...]:
    """Return the tissue tiles inside the extent, in the order of computing."""
    if facts.is_tissue is None:
        wanted = np.ones(grid.shape_ij, bool)
    else:
        shares = tissue_fractions(
            facts.is_tissue, facts.tissue_downsample, grid, level.downsample
        )
        wanted = shares >= choice.min_tissue
    if not wanted.any():
        raise NoTissueError(
            f"no tissue was found on {facts.source.name}, so there is nothing to "
            f"compute; look at the tissue layer and correct it if it is wrong"
        )
    inside = _extent(choice, facts)
    if inside is not None:
        wanted &= _covered(grid, to_level(inside, (level.downsample,) * 2))
        if not wanted.any():
            raise NoTissueError(
                f"there is no tissue in the chosen {choice.extent} of "
                f"{facts.source.name}; move it, or run on the slide"
            )
    view = facts.view_px0
    in_view = None if view is None else to_level(view, (level.downsample,) * 2)
    return order_tiles(wanted, grid, in_view)


def _extent(choice: AttentionChoice, facts: SlideFacts) -> Box | None:
    if choice.extent == "slide":
        return None
    box = facts.view_px0 if choice.extent == "view" else facts.region_px0
    if box is None:
        raise PlanError(
            f"there is no {choice.extent} to run on; "
            + ("open the slide in a viewer" if choice.extent == "view" else "draw one")
        )
    return box


def _covered(grid: TileGrid, box: Box) -> NDArray[np.bool_]:
    covered = np.zeros(grid.shape_ij, bool)
    for row, column in grid.covering(box):
        covered[row, column] = True
    return covered


def _out(choice: AttentionChoice, facts: SlideFacts, name: str) -> Path:
    if choice.out is not None:
        return choice.out
    return overlay_path(results_folder(facts.source, choice.workspace), name)


def _notes(
    spec: ModelSpec, level_mpp: tuple[float, float], facts: SlideFacts
) -> tuple[str, ...]:
    mpp = math.sqrt(level_mpp[0] * level_mpp[1])
    notes = ["attention is a softmax within one tile; 1.0 is uniform attention"]
    if spec.mpp is not None:
        ratio = max(mpp / spec.mpp, spec.mpp / mpp)
        verdict = ""
        if ratio > _FAR:
            verdict = ": no level is near, expect little of the result"
        elif ratio > _NEAR:
            verdict = ": the nearest there is"
        notes.append(
            f"the model was trained at {spec.mpp:.2f} um/px, the level read has "
            f"{mpp:.2f} um/px{verdict}"
        )
    if facts.is_tissue is None:
        notes.append("tissue was not looked for: glass is computed as well")
    return tuple(notes)
