"""Two levels of attention as one overlay: region heads from afar, patch heads near by.

The overlay stores the ranks of every head of both models, one pixel a token. What a
person sees of a head is put together from its levels: where a pixel is smaller than a
patch, the patch model's head; where it is as large or larger, the region model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.hierarchy import (
    PATCH_PASSES,
    REGION_PASSES,
    combine_scores,
    pass_counts,
)
from napari_histossl.store import Pyramid

if TYPE_CHECKING:
    import dask.array as da

KIND = "hierarchy"
"""What such an overlay calls itself in its parameters."""


def channel_names(patch_heads: int, region_heads: int) -> tuple[str, ...]:
    """Return the channels of an overlay: patch heads, region heads, their mean."""
    return (
        *(f"patch head {head}" for head in range(patch_heads)),
        *(f"region head {head}" for head in range(region_heads)),
        "combined",
    )


@dataclass(frozen=True, slots=True, eq=False)
class HierarchyView:
    """An overlay of two levels of attention; make one with `of`.

    Attributes
    ----------
    pyramid : Pyramid
        Where the scores are.
    patch_heads, region_heads : int
        Heads of each model.
    patch_tokens, region_tokens : int
        Edge of a patch and of a region in tokens.
    shifted : bool
        Whether shifted passes were averaged.
    """

    pyramid: Pyramid
    patch_heads: int
    region_heads: int
    patch_tokens: int
    region_tokens: int
    shifted: bool

    @classmethod
    def of(cls, pyramid: Pyramid) -> HierarchyView:
        """Look at an overlay.

        Parameters
        ----------
        pyramid : Pyramid
            Written by a run of kind "hierarchy".

        Raises
        ------
        PlanError
            If it was written by something else.
        """
        told: dict[str, Any] = pyramid.provenance.get("parameters") or {}
        if told.get("kind") != KIND:
            raise PlanError(
                f"{pyramid.path} does not hold two levels of attention; make such an "
                f"overlay with napari-histossl hierarchy"
            )
        names = pyramid.channel_names
        return cls(
            pyramid,
            sum(name.startswith("patch head") for name in names),
            sum(name.startswith("region head") for name in names),
            int(told["patch_px"]) // int(told["token_px"]),
            int(told["tile_px"]) // int(told["token_px"]),
            bool(told["shifted"]),
        )

    def channel(self, level: int, patch_head: int, region_head: int) -> int:
        """Return the channel that a level of the picture shows.

        Parameters
        ----------
        level : int
            Level of the pyramid.
        patch_head, region_head : int
            What is shown near by, and from afar.

        Raises
        ------
        PlanError
            If there is no such head.
        """
        self._refuse(patch_head, region_head)
        # where passes are shifted, region scores change every half patch
        step = self.patch_tokens // 2 if self.shifted else self.patch_tokens
        if 2**level < step:
            return patch_head
        return self.patch_heads + region_head

    def levels(self, patch_head: int, region_head: int) -> list[da.Array]:
        """Return the levels of a picture, finest first, each (rows, columns).

        Parameters
        ----------
        patch_head, region_head : int
            What is shown near by, and from afar.

        Returns
        -------
        list of dask.array.Array
            Read what is on the disk then.

        Raises
        ------
        PlanError
            If there is no such head.
        """
        return [
            array[self.channel(level, patch_head, region_head)]
            for level, array in enumerate(self.pyramid.lazy())
        ]

    def combined(
        self, patch_head: int, region_head: int, box: Box
    ) -> NDArray[np.float32]:
        """Return the weighed scores of a pair of heads.

        Parameters
        ----------
        patch_head, region_head : int
            The pair. The mean of all pairs is stored, as the channel "combined".
        box : Box
            In tokens, the pixels of the overlay's finest level.

        Returns
        -------
        ndarray of shape (height, width) and dtype float32
            Above 0 and up to 1; NaN where nothing has been computed.

        Raises
        ------
        PlanError
            If there is no such head.
        """
        self._refuse(patch_head, region_head)
        scores = self.pyramid.read(box).astype(np.float32)
        return combine_scores(
            scores[self.patch_heads + region_head],
            scores[patch_head],
            self._counts(box, REGION_PASSES),
            self._counts(box, PATCH_PASSES),
        )

    def _counts(self, box: Box, passes: int) -> NDArray[np.float32]:
        """Return how many passes were averaged at each token of a box."""
        edge = self.region_tokens
        counts = pass_counts(
            (edge, edge), self.patch_tokens, passes if self.shifted else 1
        )
        rows = np.arange(box.y, box.y1) % edge
        columns = np.arange(box.x, box.x1) % edge
        return counts[np.ix_(rows, columns)]

    def _refuse(self, patch_head: int, region_head: int) -> None:
        if not (
            0 <= patch_head < self.patch_heads and 0 <= region_head < self.region_heads
        ):
            raise PlanError(
                f"{self.pyramid.path.name} has {self.patch_heads} patch heads and "
                f"{self.region_heads} region heads, from 0; got {patch_head} and "
                f"{region_head}"
            )
