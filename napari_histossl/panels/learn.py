"""The Learn page without a window: choices, what there is to learn from, the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_histossl.errors import PlanError
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.overlays.token_store import stored_tiles
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.learn_mask import MaskOnTokens
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.tile_plan import patch_spec, tile_plan
from napari_histossl.store import paths
from napari_histossl.training.shallow import STRENGTH
from napari_histossl.training.shallow_samples import MODEL_WEIGHT

MOST_MODEL_TILES = 300
"""Tiles whose model pixels are learned from as well; more say the same."""

_FIT_S = 5.0
"""Reading the mask and fitting four heads, about."""


@dataclass(slots=True)
class LearnChoice(AttentionChoice):
    """What a person can choose, beyond where and with which weights tokens are made.

    Attributes
    ----------
    mask : str
        Name of the mask to learn from.
    model_weight : float
        How much a token counts that the model has labelled and nobody has looked at,
        0 to 1; a corrected or accepted one counts 1.
    strength : float
        How closely the head follows what it is told; see `training.shallow.fit_head`.
    seed : int
        Decides which tokens of very many are taken, and which places are held out.
    """

    mask: str = ""
    model_weight: float = MODEL_WEIGHT
    strength: float = STRENGTH
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LearnPlan:
    """A head that will be trained, and what it will propose.

    Attributes
    ----------
    name : str
        Of the new overlay.
    out, head : Path
        Its folder, and the file of the head.
    mask : Path
        Folder of the mask.
    tokens : RunPlan
        Computes tokens; its tiles are those of the proposal, in view first.
    corrected, by_model : tuple of tuple of int
        Tiles that are learned from: with corrections, and a sample of the others.
    missing : int
        Tiles whose tokens are not stored yet.
    shape_px0 : tuple of int
        Of the slide.
    model_weight, strength, seed
        As in `LearnChoice`.
    """

    name: str
    out: Path
    head: Path
    mask: Path
    tokens: RunPlan
    corrected: tuple[Tile, ...]
    by_model: tuple[Tile, ...]
    missing: int
    shape_px0: tuple[int, int]
    model_weight: float
    strength: float
    seed: int

    @property
    def mask_name(self) -> str:
        """What people call the mask."""
        return self.mask.name.removesuffix(".ome.zarr")

    @property
    def learned_from(self) -> tuple[Tile, ...]:
        """All tiles that are learned from."""
        return self.corrected + self.by_model

    @property
    def seconds(self) -> float:
        """Estimate for all of it on this machine."""
        tile_s = (self.tokens.seconds or 0.0) / max(len(self.tokens.tiles_ij), 1)
        return _FIT_S + self.missing * tile_s

    @property
    def stored_bytes(self) -> int:
        """Size of the tokens that are yet to be stored."""
        numbers = self.tokens.tile_tokens**2 * (self.tokens.spec.feature_dim + 1)
        return self.missing * numbers * DTYPE.itemsize


def resolve_learning(
    choice: LearnChoice, facts: SlideFacts, folder: Path | None = None
) -> LearnPlan:
    """Turn a choice into a plan; reads the mask at low power, writes nothing.

    Parameters
    ----------
    choice : LearnChoice
        What a person wants.
    facts : SlideFacts
        What there is, from `panels.attention.gather`.
    folder : Path, optional
        Results folder of the slide; by default where the choice says.

    Raises
    ------
    PlanError
        If there is no such mask, it lies on another slide, nothing in it has been
        corrected, or the weights give no tokens.
    StoreError, JournalError
        If the mask or stored tokens cannot be read, or are of something else.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is no tissue where a proposal is wanted.
    """
    if not 0 <= choice.model_weight <= 1 or not choice.strength > 0:
        raise PlanError(
            f"model pixels count 0 to 1, and the strength is above 0; got "
            f"{choice.model_weight:g} and {choice.strength:g}"
        )
    if folder is None:
        folder = paths.results_folder(facts.source, choice.workspace)
    mask = _mask_path(folder, choice.mask)
    tokens = _token_plan(choice, facts, folder)
    shape_px0 = facts.levels[0].shape
    with MaskOnTokens(mask, tokens, shape_px0) as on_tokens:
        corrected, by_model = on_tokens.find_tiles()
    refuse_nothing(mask, bool(corrected))
    sample = _sample(by_model, choice) if choice.model_weight else ()
    needed = {*corrected, *sample, *tokens.tiles_ij}
    name = choice.name or _free_name(folder, mask)
    return LearnPlan(
        name,
        paths.overlay_path(folder, name),
        head_path(folder, name),
        mask,
        tokens,
        tuple(sorted(corrected)),
        sample,
        len(needed - stored_tiles(tokens)),
        shape_px0,
        choice.model_weight,
        choice.strength,
        choice.seed,
    )


def summarise_learning(plan: LearnPlan) -> str:
    """Return a plan in a few lines for people."""
    tokens = plan.tokens
    lines = [
        f"proposal  {plan.name} -> {plan.out}",
        f"learns    {plan.mask_name}, {len(plan.corrected):,} tiles with corrections",
        f"counts    the model's own pixels {plan.model_weight:g}, a person's 1",
        f"tokens    every {tokens.pixel_um_yx[0]:.3g} um, {tokens.weights}",
        f"computes  {plan.missing:,} tiles, {plan.stored_bytes / 1e6:,.1f} MB",
        f"proposes  {len(tokens.tiles_ij):,} tiles",
        f"time      about {plan.seconds:.0f} s",
    ]
    return "\n".join([*lines, *(f"note      {note}" for note in tokens.notes)])


def head_path(folder: Path, name: str) -> Path:
    """Return where the head of a proposal lies in a results folder."""
    return folder / "heads" / f"{name}.safetensors"


def refuse_nothing(mask: Path, is_corrected: bool) -> None:
    """Refuse a mask that nothing can be learned from.

    Raises
    ------
    PlanError
        If nobody has corrected or accepted anything.
    """
    if not is_corrected:
        name = mask.name.removesuffix(".ome.zarr")
        raise PlanError(
            f"nothing has been corrected or accepted in the mask {name!r} yet; paint "
            f"where it is wrong, then learn from it"
        )


def _mask_path(folder: Path, name: str) -> Path:
    found = [path.name.removesuffix(".ome.zarr") for path in paths.list_masks(folder)]
    if name not in found:
        known = f"there are {', '.join(found)}" if found else "there is none yet"
        raise PlanError(
            f"there is no mask {name!r} on this slide ({known}); make one, and correct "
            f"it first"
        )
    return paths.mask_path(folder, name)


def _token_plan(choice: LearnChoice, facts: SlideFacts, folder: Path) -> RunPlan:
    spec = patch_spec(choice, facts.weights)
    spec.need_attention()
    stem = f"{Path(facts.weights.path).stem} {facts.weights.sha256[:8]}"
    out = folder / "embeddings" / f"{stem}.tokens"
    plan = tile_plan(choice, facts, spec, name=stem, out=out)
    return replace(plan, kind="tokens", overwrite=False, run_id="")


def _sample(tiles: set[Tile], choice: LearnChoice) -> tuple[Tile, ...]:
    """Return some of the tiles, the same ones each time."""
    known = sorted(tiles)
    if len(known) <= MOST_MODEL_TILES:
        return tuple(known)
    rng = np.random.default_rng(choice.seed)
    chosen = rng.choice(len(known), MOST_MODEL_TILES, replace=False)
    return tuple(known[place] for place in sorted(chosen.tolist()))


def _free_name(folder: Path, mask: Path) -> str:
    """Return a name for a proposal: each round keeps its own."""
    stem = f"learned from {mask.name.removesuffix('.ome.zarr')}"
    taken = [path.name for path in paths.list_overlays(folder)]
    names = (f"{stem} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if f"{name}.ome.zarr" not in taken)
