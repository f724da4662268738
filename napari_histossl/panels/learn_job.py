"""Learn from a mask and propose again: tokens, samples, head, overlay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.jobs import Orders, Progress, resumable
from napari_histossl.overlays.class_parameters import LEARNED, PROBABILITY
from napari_histossl.overlays.engine import run
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.learned import LearnedOverlay
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.token_store import TokenReader, token_parameters
from napari_histossl.panels.learn import LearnPlan, refuse_nothing
from napari_histossl.panels.learn_mask import MaskOnTokens
from napari_histossl.slide import SlideSource
from napari_histossl.training.shallow import (
    ShallowHead,
    fit_head,
    hash_head,
    save_head,
)
from napari_histossl.training.shallow_features import (
    MARGIN,
    MEANING,
    describe_tokens,
)
from napari_histossl.training.shallow_samples import Samples
from napari_histossl.training.shallow_scores import hold_out

VALUES = (
    "probability of each class by a head that learned from corrections of a mask, "
    "softmax over classes; NaN is not computed; the last channel is the share of the "
    "pixel that is no tissue"
)
"""What the numbers mean; stored with each overlay."""

_LOOK_S = 2.0
"""Between two times that new tokens are shown as a proposal."""


@resumable
def learn(
    source: SlideSource, plan: LearnPlan, *, orders: Orders | None = None
) -> Iterator[Progress]:
    """Train a head on what has been corrected, and write what it proposes.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : LearnPlan
        From `panels.learn.resolve_learning`.
    orders : Orders, optional
        May say where a person looks, to pause, to stop.

    Yields
    ------
    Progress
        In tiles; with a box in pixels of the overlay when more of it can be seen.

    Raises
    ------
    PlanError
        If nothing has been corrected, or all that counts is of one class.
    StoreError
        If tokens, head or overlay cannot be written.
    SlideReadError, WeightsError
        As `overlays.run`.

    Notes
    -----
    Tokens that are stored are not computed again. A run that was interrupted computes
    what is missing and fits the head anew, from the mask as it is then.
    """
    orders = orders or Orders()
    known, wanted = set(plan.learned_from), plan.tokens.tiles_ij
    total = len(known | set(wanted)) + 1
    first = replace(plan.tokens, tiles_ij=plan.learned_from)
    for step in run(source, first, orders=orders):
        yield Progress(step.done, total, message="reading what was corrected")
    if orders.is_stopped:
        return
    yield Progress(len(known), total, message="learning")
    head, classes = train_head(plan)
    yield Progress(len(known) + 1, total, message="proposing")
    yield from _propose(source, plan, head, classes, orders)


def train_head(plan: LearnPlan) -> tuple[ShallowHead, ClassTable]:
    """Train the head of a plan on stored tokens, measure it, and save it.

    Returns
    -------
    head : ShallowHead
        Its facts hold what `learn_report.read_report` returns.
    classes : ClassTable
        Its classes, in the order of its numbers.

    Raises
    ------
    PlanError
        If nothing has been corrected, or all that counts is of one class.
    """
    with MaskOnTokens(plan.mask, plan.tokens, plan.shape_px0) as mask:
        samples = gather_samples(plan, mask)
        facts = _facts(plan, mask, samples)
        table = mask.mask.classes
    head = fit_head(samples, strength=plan.strength)
    held_out = hold_out(
        samples, np.random.default_rng(plan.seed), strength=plan.strength
    )
    facts["held_out"] = None if held_out is None else held_out.to_json()
    classes = ClassTable([table[index] for index in head.classes.tolist()])
    facts["classes"], facts["sha256"] = classes.to_json(), hash_head(head)
    head = replace(head, facts=facts)
    save_head(head, plan.head)
    return head, classes


def gather_samples(plan: LearnPlan, mask: MaskOnTokens) -> Samples:
    """Return the tokens that count, with what the mask says of them.

    Raises
    ------
    PlanError
        If nothing has been corrected.
    """
    parts: list[Samples] = []
    with TokenReader(plan.tokens) as tokens:
        for tile in plan.learned_from:
            if tile in tokens.tiles:  # others could not be read
                parts += _samples_of(tile, tokens, mask, plan.model_weight)
    found = Samples.joined(parts) if parts else None
    refuse_nothing(plan.mask, found is not None and bool(found.is_corrected.any()))
    assert found is not None
    return found.thinned(np.random.default_rng(plan.seed))


def _samples_of(
    tile: Tile, tokens: TokenReader, mask: MaskOnTokens, model_weight: float
) -> list[Samples]:
    told = mask.labels(tile)
    counts = told.labels > 0
    if not model_weight:
        counts &= told.is_corrected
    if not counts.any():
        return []
    vectors, background = tokens.read(tokens.grid.box(*tile).padded(MARGIN))
    features = describe_tokens(vectors, ~np.isnan(background))[counts]
    corrected = told.is_corrected[counts]
    weights = np.where(corrected, 1.0, model_weight).astype(np.float32)
    places = np.broadcast_to(np.array(tile, np.int64), (len(features), 2))
    return [
        Samples(
            features,
            told.labels[counts],
            weights,
            places,
            corrected,
            told.proposed[counts],
        )
    ]


def _facts(plan: LearnPlan, mask: MaskOnTokens, samples: Samples) -> dict[str, Any]:
    """Return what a head is made of, JSON values."""
    entries, journal = mask.state()
    table = mask.mask.classes
    corrected = samples.labels[samples.is_corrected]
    return {
        "mask": plan.mask_name,
        "journal_entries": entries,
        "journal_sha256": journal,
        "started_from": mask.started_from,
        "corrected_tokens": {
            info.name: int((corrected == info.index).sum()) for info in table
        },
        "model_tokens": int((~samples.is_corrected).sum()),
        "model_weight": plan.model_weight,
        "strength": plan.strength,
        "seed": plan.seed,
        "features": MEANING,
        "token_um": plan.tokens.pixel_um_yx[0],
        "tokens_of": plan.tokens.spec.name,
        "tokens_sha256": plan.tokens.weights_sha256,
    }


# ---- Proposing


def _propose(
    source: SlideSource,
    plan: LearnPlan,
    head: ShallowHead,
    classes: ClassTable,
    orders: Orders,
) -> Iterator[Progress]:
    """Compute the tokens that are wanted, and tell them as they come."""
    wanted, known = set(plan.tokens.tiles_ij), set(plan.learned_from)
    before, total = len(known - wanted) + 1, len(known | wanted) + 1

    def tell(
        tokens: NDArray[np.float32], is_there: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        return head.probabilities(describe_tokens(tokens, is_there))

    with LearnedOverlay(
        source, plan.tokens, plan.out, classes, _parameters(plan, head), tell, MARGIN
    ) as overlay:
        shown_s = 0.0
        for step in run(source, plan.tokens, orders=orders):
            yield Progress(before + step.done, total, message=step.message)
            if time.monotonic() - shown_s > _LOOK_S:
                yield from _tell(overlay, plan.tokens, wanted, before, step, total)
                shown_s = time.monotonic()
        if not orders.is_stopped:
            yield from _tell(overlay, plan.tokens, wanted, before, step, total)


def _tell(
    overlay: LearnedOverlay,
    plan: RunPlan,
    wanted: set[Tile],
    before: int,
    step: Progress,
    total: int,
) -> Iterator[Progress]:
    with TokenReader(plan) as tokens:
        for box in overlay.add(tokens, wanted):
            yield Progress(before + step.done, total, box, step.message)


def _parameters(plan: LearnPlan, head: ShallowHead) -> dict[str, Any]:
    return {
        **token_parameters(plan.tokens),
        "kind": LEARNED,
        "shows": PROBABILITY,
        "values": VALUES,
        "unit": PROBABILITY,
        "full_scale": 1.0,
        "epsilon": 0.0,
        "classes": head.facts["classes"],
        "head": {k: v for k, v in head.facts.items() if k != "classes"},
    }
