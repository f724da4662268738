"""Before and after, on corrected places that a head has not seen.

Corrected tokens lie in squares of tiles, and squares that touch make a place. Places
are held out in turn: a head learns from the others, and from nothing in a tile beside
them, since tokens of one tile have attended to one another and features reach into the
next tile. Where hardly any places are apart, single squares are held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.metrics import Confusion
from napari_histossl.training.shallow import STRENGTH, fit_head
from napari_histossl.training.shallow_samples import Samples

BLOCK_TILES = 2
"""Edge of a held-out square in tiles."""

_FOLDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Corrected tokens, told by what knew nothing of them.

    Attributes
    ----------
    classes : tuple of int
        Indices of a `ClassTable`, in the order of the tables.
    before : Confusion
        What the model had proposed there.
    after : Confusion
        What heads say that have not seen the place.
    places : int
        Places that were held out.
    """

    classes: tuple[int, ...]
    before: Confusion
    after: Confusion
    places: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "classes": list(self.classes),
            "places": self.places,
            **{
                f"{when}_{what}": getattr(getattr(self, when), what).tolist()
                for when in ("before", "after")
                for what in ("counts", "unassigned")
            },
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> HeldOut:
        """Rebuild what `to_json` gave."""
        before, after = (
            Confusion(
                np.array(told[f"{when}_counts"], np.int64),
                np.array(told[f"{when}_unassigned"], np.int64),
            )
            for when in ("before", "after")
        )
        return cls(tuple(told["classes"]), before, after, int(told["places"]))


def hold_out(
    samples: Samples, rng: np.random.Generator, *, strength: float = STRENGTH
) -> HeldOut | None:
    """Measure heads on corrected places that they have not seen.

    Parameters
    ----------
    samples : Samples
        All there are.
    rng : Generator
        Decides which places are held out together.
    strength : float, optional
        As in `fit_head`.

    Returns
    -------
    HeldOut or None
        None where corrections lie in one place only, or what is left beside a
        held-out place is of one class.
    """
    blocks = samples.tiles_ij // BLOCK_TILES
    places = _places(np.unique(blocks[samples.is_corrected], axis=0))
    folds = _folds(places, rng)
    classes = tuple(np.unique(samples.labels[samples.weights > 0]).tolist())
    before = after = Confusion.empty(len(classes))
    if len(folds) < 2 or len(classes) < 2:
        return None
    for fold in folds:
        tested = samples.where(samples.is_corrected & _inside(blocks, fold))
        known = samples.where((samples.weights > 0) & ~_beside(samples.tiles_ij, fold))
        if len(np.unique(known.labels)) < 2:
            return None
        said = fit_head(known, strength=strength).predict(tested.features)
        before += _counted(tested.labels, tested.proposed, classes)
        after += _counted(tested.labels, said, classes)
    return HeldOut(classes, before, after, len(places))


def _places(blocks: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Join squares that touch; where few are apart, each is a place of its own."""
    from scipy.ndimage import label

    first = blocks.min(0, initial=0)
    is_there = np.zeros(blocks.max(0, initial=0) - first + 1, bool)
    is_there[tuple((blocks - first).T)] = True
    joined = label(is_there, np.ones((3, 3)))[0][tuple((blocks - first).T)]
    places = [blocks[joined == number] for number in np.unique(joined)]
    return places if len(places) >= _FOLDS else list(blocks[:, None])


def _folds(
    places: list[NDArray[np.int64]], rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal places out, as many squares to each fold as may be."""
    folds: list[list[NDArray[np.int64]]] = [[] for _ in range(_FOLDS)]
    mixed = [places[number] for number in rng.permutation(len(places))]
    for place in sorted(mixed, key=len, reverse=True):
        min(folds, key=lambda fold: sum(map(len, fold))).append(place)
    return [np.concatenate(fold) for fold in folds if fold]


def _inside(blocks: NDArray[np.int64], fold: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which samples lie in held-out squares."""
    held: NDArray[np.bool_] = np.any((blocks[:, None] == fold).all(2), axis=1)
    return held


def _beside(tiles_ij: NDArray[np.int64], fold: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which samples lie in held-out squares, or in a tile that touches one."""
    first, last = fold * BLOCK_TILES - 1, (fold + 1) * BLOCK_TILES
    tiles, back = np.unique(tiles_ij, axis=0, return_inverse=True)
    near = (tiles[:, None] >= first) & (tiles[:, None] <= last)
    beside: NDArray[np.bool_] = np.any(near.all(2), axis=1)
    return beside[back.ravel()]


def _counted(
    truth: NDArray[Any], said: NDArray[Any], classes: tuple[int, ...]
) -> Confusion:
    """Count tokens; what is said and is no class of the head is none at all."""
    table = np.array(classes)
    places = np.searchsorted(table, truth)
    guess = np.searchsorted(table, said).clip(0, len(table) - 1)
    is_known = table[guess] == said
    counts = np.zeros((len(table), len(table)), np.int64)
    np.add.at(counts, (places[is_known], guess[is_known]), 1)
    unassigned = np.bincount(places[~is_known], minlength=len(table))
    return Confusion(counts, unassigned)
