"""Did it learn? Attention on nuclei, and neighbours under another stain.

Both are judged on slides of seeds that neither the training nor the choice of a head
has seen, and against models of the same shape with random weights: a random head ranks
nuclei high by luck, and random features already tell colours apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_histossl.errors import PlanError
from napari_histossl.metrics import attention_lift, knn_accuracy
from napari_histossl.models.registry import ModelSpec
from napari_histossl.phantom.patches import Patches
from napari_histossl.training.data import (
    BANK_SEEDS,
    TEST_SEEDS,
    VALIDATION_SEEDS,
    Drawing,
)
from napari_histossl.training.features import normalised
from napari_histossl.training.stain import shift_stain
from napari_histossl.training.trainer import xavier_start

_NUCLEI_SHARES = (0.03, 0.6)
"""Pictures with fewer or more nuclei say little about where attention goes."""

_TILE_PX = 128
_BATCH = 50
_SHIFT_SEED = 5
_PURITY = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSets:
    """Patches to be judged on.

    Attributes
    ----------
    bank : Patches
        Neighbours of known class.
    validation : Patches
        On which the head is chosen.
    test : Patches
        On which all numbers are taken.
    shifted : ndarray
        Pictures of `test` in another stain.
    """

    bank: Patches
    validation: Patches
    test: Patches
    shifted: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model is worth on the test slides.

    Attributes
    ----------
    head : int
        Head with the largest lift on validation slides.
    lift : float
        Its lift on test slides: attention mass on nuclei over their share of the area.
    lifts : tuple of float
        Lift of every head on test slides.
    knn : float
        Accuracy of the 5 nearest neighbours, 0 to 1.
    knn_shifted : float
        The same with the test pictures in another stain.
    """

    head: int
    lift: float
    lifts: tuple[float, ...]
    knn: float
    knn_shifted: float


def make_sets(bank: Patches, validation: Patches, test: Patches) -> EvaluationSets:
    """Put sets together and shift the stain of the test pictures."""
    rng = np.random.default_rng(_SHIFT_SEED)
    return EvaluationSets(bank, validation, test, shift_stain(test.images, rng))


def drawings(
    *,
    slides: int = 16,
    bank: int = 12,
    validation: int = 6,
    test: int = 16,
    mpp: float = 0.5,
) -> tuple[Drawing, Drawing, Drawing]:
    """Return what to draw for a judgement, on slides that no training has seen.

    Parameters
    ----------
    slides : int
        Slides of each of the three, 1 to 16.
    bank, validation, test : int
        Patches of each class from each slide.
    mpp : float
        Micrometres per pixel.

    Returns
    -------
    tuple of Drawing
        For `make_sets`: bank, validation, test. The bank's slides are among those of a
        training; it only names classes.
    """
    base = Drawing(patch_px=_TILE_PX, purity=_PURITY, mpp=mpp)
    return (
        replace(base, seeds=BANK_SEEDS[:slides], per_class=bank, random_state=1),
        replace(
            base, seeds=VALIDATION_SEEDS[:slides], per_class=validation, random_state=2
        ),
        replace(base, seeds=TEST_SEEDS[:slides], per_class=test, random_state=3),
    )


def evaluate(model: nn.Module, spec: ModelSpec, sets: EvaluationSets) -> Evaluation:
    """Judge a model.

    Parameters
    ----------
    model : torch.nn.Module
        A patch transformer in evaluation mode.
    spec : ModelSpec
        Its normalisation.
    sets : EvaluationSets
        Patches.

    Returns
    -------
    Evaluation
        The head is chosen on the validation set alone.
    """
    bank, _ = look(model, spec, sets.bank.images)
    _, attention = look(model, spec, sets.validation.images)
    head = int(np.argmax(head_lifts(attention, sets.validation.nuclei)))
    test, attention = look(model, spec, sets.test.images)
    shifted, _ = look(model, spec, sets.shifted)
    lifts = head_lifts(attention, sets.test.nuclei)
    plain, moved = (
        knn_accuracy(bank, sets.bank.labels, seen, sets.test.labels)
        for seen in (test, shifted)
    )
    return Evaluation(head, float(lifts[head]), tuple(map(float, lifts)), plain, moved)


def random_start(spec: ModelSpec, seed: int) -> nn.Module:
    """Return a model of the same shape that has learned nothing: Xavier's weights."""
    return xavier_start(spec, 7000 + seed).eval()


def head_lifts(
    attention: NDArray[np.float32], nuclei: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the mean lift of each head over pictures with some nuclei.

    Parameters
    ----------
    attention : ndarray of shape (N, heads, rows, columns)
        As `look` gives it.
    nuclei : ndarray of shape (N, H, W) and dtype bool
        True inside nuclei.

    Returns
    -------
    ndarray of shape (heads,)
        1.0 where a head is blind to nuclei.

    Raises
    ------
    PlanError
        If no picture has some nuclei and some ground between them.
    """
    share = nuclei.mean((1, 2))
    low, high = _NUCLEI_SHARES
    chosen = (share > low) & (share < high)
    if not chosen.any():
        raise PlanError(
            f"none of {len(nuclei)} pictures has {low:.0%} to {high:.0%} nuclei, so "
            f"attention to them cannot be judged; draw more slides"
        )
    lifts: NDArray[np.float64] = attention_lift(attention[chosen], nuclei[chosen])
    return np.asarray(lifts.mean(0))


@torch.inference_mode()
def look(
    model: nn.Module, spec: ModelSpec, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the class tokens (N, D) and their attention (N, heads, rows, columns)."""
    rows, columns = (edge // spec.token_px for edge in images.shape[1:3])
    tokens, attention = [], []
    for start in range(0, len(images), _BATCH):
        batch = normalised(images[start : start + _BATCH], spec)
        token, weights = model.features_and_attention(batch)  # type: ignore[operator]
        grid = weights[:, :, 1:].reshape(len(batch), -1, rows, columns)
        tokens.append(token.numpy())
        attention.append(grid.numpy())
    return np.concatenate(tokens), np.concatenate(attention)


def heading() -> str:
    """Return the line above those of `rows`."""
    return f"{'weights':<18}{'head':>5}{'lift':>7}{'k-NN':>8}{'shifted':>9}"


def rows(
    model: nn.Module, spec: ModelSpec, sets: EvaluationSets, *, starts: int = 5
) -> Iterator[str]:
    """Yield lines of a table: the model, random starts, their mean.

    Parameters
    ----------
    model, spec, sets
        As `evaluate` takes them.
    starts : int
        Number of random starts.
    """
    yield _line("trained", evaluate(model, spec, sets))
    others = []
    for number in range(starts):
        others.append(evaluate(random_start(spec, number), spec, sets))
        yield _line(f"random start {number}", others[-1])
    if others:
        yield _line("mean of random", mean_of(others))


def _line(name: str, found: Evaluation) -> str:
    return (
        f"{name:<18}{found.head:>5}{found.lift:>7.2f}{found.knn:>8.3f}"
        f"{found.knn_shifted:>9.3f}"
    )


def mean_of(evaluations: list[Evaluation]) -> Evaluation:
    """Return the mean of several evaluations; the head is that of the first."""
    lifts = np.mean([e.lifts for e in evaluations], axis=0)
    return replace(
        evaluations[0],
        lift=float(np.mean([e.lift for e in evaluations])),
        lifts=tuple(map(float, lifts)),
        knn=float(np.mean([e.knn for e in evaluations])),
        knn_shifted=float(np.mean([e.knn_shifted for e in evaluations])),
    )
