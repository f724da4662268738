"""The Overlays page without a window: choices, facts, and the run that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.models.library import find_weights
from napari_histossl.models.metadata import examine_weights
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.plan import MEANINGS, Normalisation, RunPlan
from napari_histossl.panels.run_place import Extent, SlideFacts
from napari_histossl.panels.tile_plan import patch_spec, tile_plan
from napari_histossl.resources import sample_file
from napari_histossl.slide import Slide, virtual_levels
from napari_histossl.store.paths import overlay_path, results_folder

if TYPE_CHECKING:
    from napari_histossl.slide import TissueMap

__all__ = [
    "AttentionChoice",
    "Extent",
    "SlideFacts",
    "gather",
    "resolve",
    "sample_weights",
]

_SAMPLE_WEIGHTS = "dino_sample.safetensors"
"""Trained on drawn tissue; in the wheel and in the source tree."""

_MEANING = "attention is a softmax within one tile; 1.0 is uniform attention"

_MOST_OVERLAP = 0.75
"""Share of a tile; each tile is computed 16 times then."""


@dataclass(slots=True)
class AttentionChoice:
    """What a person can choose for an attention run.

    Attributes
    ----------
    weights : Path or None
        File of weights, or the name of weights that were added; None for the sample
        weights.
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
    batch : int or None
        Tiles computed at once; None to choose it by what a tile costs.
    min_tissue : float
        Least share of a tile that is tissue, above 0 and up to 1.
    block : int
        Block whose attention is shown; negative numbers count from the last.
    values : {"relative", "softmax", "rank"}
        What is stored; see `overlays.plan.MEANINGS`.
    mean_of_heads : bool
        Whether the mean of all heads is stored as a further channel.
    overlap : float
        Share of a tile that the next one covers too, 0 to 0.75; seams are blended.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute; "auto" takes a GPU where there is one.
    precision : {"auto", "full"}
        "auto" for half precision on a GPU.
    """

    weights: Path | None = None
    model: str = ""
    extent: Extent = "slide"
    mpp: float | None = None
    name: str = ""
    out: Path | None = None
    workspace: Path | None = None
    overwrite: bool = False
    batch: int | None = None
    min_tissue: float = 0.1
    block: int = -1
    values: Normalisation = "relative"
    mean_of_heads: bool = False
    overlap: float = 0.0
    device: str = "auto"
    precision: Literal["auto", "full"] = "auto"


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
        examine_weights(_weights_file(choice.weights)),
        view_px0,
        region_px0,
    )


def _weights_file(chosen: Path | None) -> Path:
    return sample_weights() if chosen is None else find_weights(chosen)


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
    spec = patch_spec(choice, facts.weights)
    spec.need_attention()
    _refuse_block(choice, spec)
    name = choice.name or f"attention {Path(facts.weights.path).stem}"
    plan = tile_plan(
        choice,
        facts,
        spec,
        name=name,
        out=_out(choice, facts, name),
        step_px=step_px(choice, spec),
    )
    return replace(
        plan,
        notes=(_MEANING, *plan.notes),
        block=choice.block,
        values=choice.values,
        has_mean=choice.mean_of_heads,
    )


# ---- Details ----


def _refuse_block(choice: AttentionChoice, spec: ModelSpec) -> None:
    depth = int(spec.config["depth"])
    if not -depth <= choice.block < depth:
        raise PlanError(
            f"the model {spec.name} has blocks 0 to {depth - 1}; got block "
            f"{choice.block}"
        )
    if choice.values not in MEANINGS:
        raise PlanError(
            f"attention is stored as {', '.join(MEANINGS)}; got {choice.values!r}"
        )


def step_px(choice: AttentionChoice, spec: ModelSpec) -> int:
    """Return from one tile to the next, in whole tokens.

    Raises
    ------
    PlanError
        If tiles would overlap by too much.
    """
    if not 0 <= choice.overlap <= _MOST_OVERLAP:
        raise PlanError(
            f"tiles overlap by a share of 0 to {_MOST_OVERLAP}; got {choice.overlap}"
        )
    tokens = spec.tile_px // spec.token_px
    return max(round(tokens * (1 - choice.overlap)), 1) * spec.token_px


def _out(choice: AttentionChoice, facts: SlideFacts, name: str) -> Path:
    if choice.out is not None:
        return choice.out
    return overlay_path(results_folder(facts.source, choice.workspace), name)
