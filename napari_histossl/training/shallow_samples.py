"""Samples for a shallow head: which tokens count, as what, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

MODEL_WEIGHT = 0.1
"""Of a token that the model labelled, where one of a person's counts 1. With 0 the head
knows only places where the model was wrong, and forgets the rest; with 0.3 it gained
less in scripted sittings, and wrong corrections did less harm."""

MOST_CORRECTED, MOST_OF_MODEL = 20_000, 6_000
"""Tokens that are used; more make the fit slow and little better."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Tokens with a class.

    Attributes
    ----------
    features : ndarray of shape (N, F)
        As `shallow_features.describe_tokens` gives them.
    labels : ndarray of shape (N,) and dtype uint8
        Classes.
    weights : ndarray of shape (N,)
        How much each counts, 0 to 1.
    tiles_ij : ndarray of shape (N, 2)
        Row and column of the tile that each lies in.
    is_corrected : ndarray of shape (N,) and dtype bool
        Whether a person has said it, or accepted it.
    proposed : ndarray of shape (N,) and dtype uint8
        What the model had said; 0 for nothing.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.uint8]
    weights: NDArray[np.float32]
    tiles_ij: NDArray[np.int64]
    is_corrected: NDArray[np.bool_]
    proposed: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, chosen: NDArray[Any]) -> Self:
        """Return some of the samples, by a mask or by indices."""
        return type(self)(
            self.features[chosen],
            self.labels[chosen],
            self.weights[chosen],
            self.tiles_ij[chosen],
            self.is_corrected[chosen],
            self.proposed[chosen],
        )

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return the samples of several lists; at least one."""
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.tiles_ij for part in parts]),
            np.concatenate([part.is_corrected for part in parts]),
            np.concatenate([part.proposed for part in parts]),
        )

    def thinned(self, rng: np.random.Generator) -> Self:
        """Return at most as many samples of each origin as a fit takes, in order."""
        kept = [
            _some(np.flatnonzero(of_origin), most, rng)
            for of_origin, most in (
                (self.is_corrected, MOST_CORRECTED),
                (~self.is_corrected, MOST_OF_MODEL),
            )
        ]
        return self.where(np.sort(np.concatenate(kept)))


def _some(
    indices: NDArray[np.intp], most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    if len(indices) <= most:
        return indices
    return rng.choice(indices, most, replace=False)
