"""Scores of two levels of attention: ranks, shifted passes, and how they add up.

A region is a grid of patches, a patch a grid of tokens. A patch model attends to tokens
within a patch, a region model to patches within a region. Attention of different
patches is not on one scale; its ranks are.

References
----------
Chen et al. 2022, "Scaling Vision Transformers to Gigapixel Images via Hierarchical
Self-Supervised Learning", arXiv:2206.02647; mahmoodlab/HIPT
HIPT_4K/hipt_heatmap_utils.py and attention_visualization_utils.py @780fafae (Apache-2.0
with Commons Clause): what is ranked, shifted, weighted. Written anew from a description
of it. Changed: one value a token instead of one a pixel (the ranks are those of the
picture, see `rank_scores`); any grid, not 16 x 16 alone; shifted passes that see the
same patches again share them, see `shift_by_patch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import ModelError
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.ranks import average_ranks

PUBLISHED_SCALE = 4
"""Region pixels per pixel of the published pictures; see `rank_scores`."""

PATCH_WEIGHT = 2
"""Weight of a pass of the patch model; one of the region model weighs 1."""

REGION_PASSES, PATCH_PASSES = 4, 2
"""Passes that are added up where shifting is on: each half a patch further on."""


def rank_scores(values: NDArray[Any], repeats: int = 1) -> NDArray[np.float32]:
    """Rank values along the last axis, equal ones alike, as shares of their number.

    Parameters
    ----------
    values : ndarray of shape (..., n)
        Attention, on any scale.
    repeats : int
        Edge in pixels with which each value would be drawn: the original ranks drawn
        pixels, among which each value is there ``repeats**2`` times.

    Returns
    -------
    ndarray of shape (..., n) and dtype float32
        Above 0 and up to 1.
    """
    copies = repeats**2
    ranks = average_ranks(values)
    # the middle of a value's copies lies below the last of them
    shares: NDArray[np.float32] = (
        (ranks - (1 - 1 / copies) / 2) / values.shape[-1]
    ).astype(np.float32)
    return shares


def patch_scores(attention: NDArray[Any], repeats: int = 1) -> NDArray[np.float32]:
    """Rank the tokens of each patch, and lay the patches side by side.

    Parameters
    ----------
    attention : ndarray of shape (rows, columns, heads, t, t)
        Attention of the class token of each patch.
    repeats : int
        As `rank_scores` takes it.

    Returns
    -------
    ndarray of shape (heads, rows * t, columns * t)
        Above 0 and up to 1.
    """
    rows, columns, heads, edge, _ = attention.shape
    ranks = rank_scores(attention.reshape(rows, columns, heads, -1), repeats)
    tiles = ranks.reshape(rows, columns, heads, edge, edge).transpose(2, 0, 3, 1, 4)
    return tiles.reshape(heads, rows * edge, columns * edge)


def region_scores(
    attention: NDArray[Any], patch_tokens: int, repeats: int = 1
) -> NDArray[np.float32]:
    """Rank the patches of a region, one value for all tokens of a patch.

    Parameters
    ----------
    attention : ndarray of shape (heads, rows, columns)
        Attention of the class token of the region.
    patch_tokens : int
        Edge of a patch in tokens.
    repeats : int
        As `rank_scores` takes it: edge of a patch in drawn pixels.

    Returns
    -------
    ndarray of shape (heads, rows * patch_tokens, columns * patch_tokens)
        Above 0 and up to 1.
    """
    flat = attention.reshape(len(attention), -1)
    ranks = rank_scores(flat, repeats).reshape(attention.shape)
    return ranks.repeat(patch_tokens, axis=1).repeat(patch_tokens, axis=2)


def shift_margins_px(
    patch_px: int, *, as_published: bool = False
) -> tuple[int, int, int, int]:
    """Return the white margin that each pass adds below and to the right.

    Parameters
    ----------
    patch_px : int
        Edge of a patch in pixels; a pass begins half a patch after the one before.
    as_published : bool
        The original's margin of the last pass: 512 px with patches of 256 px, where
        384 px were cut off. A grid of whole patches leaves out the surplus of half a
        patch, so that a region of whole patches gets the same scores.

    Examples
    --------
    >>> shift_margins_px(256), shift_margins_px(256, as_published=True)
    ((0, 128, 256, 384), (0, 128, 256, 512))
    """
    half = patch_px // 2
    return 0, half, 2 * half, (4 if as_published else 3) * half


def cut_patches(
    pixels: NDArray[np.uint8], patch_px: int, offset_px: int = 0, margin_px: int = 0
) -> NDArray[np.uint8]:
    """Cut a region into the patches of one pass.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        A region.
    patch_px : int
        Edge of a patch.
    offset_px : int
        Rows and columns that are left out at the upper left.
    margin_px : int
        White that is added at the lower right.

    Returns
    -------
    ndarray of shape (rows, columns, patch_px, patch_px, 3) and dtype uint8
        Whole patches; what is left over is left out. A view where nothing is added.
    """
    rest = pixels[offset_px:, offset_px:]
    if margin_px:
        margins = ((0, margin_px), (0, margin_px), (0, 0))
        rest = np.pad(rest, margins, constant_values=255)
    rows, columns = rest.shape[0] // patch_px, rest.shape[1] // patch_px
    whole = rest[: rows * patch_px, : columns * patch_px]
    tiles = whole.reshape(rows, patch_px, columns, patch_px, 3)
    return tiles.swapaxes(1, 2)


def shift_by_patch(features: NDArray[Any], white: NDArray[Any]) -> NDArray[Any]:
    """Return the features of the pass that begins a whole patch further on.

    Parameters
    ----------
    features : ndarray of shape (rows, columns, D)
        Features of a pass.
    white : ndarray of shape (D,)
        Feature of a white patch, which the margin is made of.

    Returns
    -------
    ndarray of shape (rows, columns, D)
        Of the same patches but the first row and column, which is why nothing has to
        be computed for it.
    """
    shifted = np.empty_like(features)
    shifted[:] = white
    shifted[:-1, :-1] = features[1:, 1:]
    return shifted


# ---- Adding up ----


def pass_counts(
    shape: tuple[int, int], patch_tokens: int, passes: int
) -> NDArray[np.float32]:
    """Return how many passes cover each token of a region.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of tokens.
    patch_tokens : int
        Edge of a patch in tokens; an even number where there are several passes.
    passes : int
        Each begins half a patch further down and to the right.

    Returns
    -------
    ndarray of shape `shape` and dtype float32
        1 to `passes`.
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    half = max(patch_tokens // 2, 1)
    counts: NDArray[np.float32] = np.minimum(
        np.minimum(rows, columns) // half + 1, passes
    ).astype(np.float32)
    return counts


def add_passes(
    maps: Sequence[NDArray[np.float32]], patch_tokens: int
) -> NDArray[np.float32]:
    """Average the scores of shifted passes where they lie on one another.

    Parameters
    ----------
    maps : sequence of ndarray of shape (heads, rows, columns)
        Scores of each pass, in its own frame.
    patch_tokens : int
        Edge of a patch in tokens.

    Returns
    -------
    ndarray of shape (heads, rows, columns)
        In the frame of the first pass.
    """
    half = patch_tokens // 2
    total = maps[0].copy()
    for number, scores in enumerate(maps[1:], 1):
        start = number * half
        height, width = total.shape[1] - start, total.shape[2] - start
        if min(height, width) > 0:
            total[:, start:, start:] += scores[:, :height, :width]
    total /= pass_counts(total.shape[1:], patch_tokens, len(maps))
    return total


def combine_scores(
    region: NDArray[Any],
    patch: NDArray[Any],
    region_counts: NDArray[Any] | int = 1,
    patch_counts: NDArray[Any] | int = 1,
) -> NDArray[np.float32]:
    """Weigh scores of both levels against one another.

    Parameters
    ----------
    region, patch : ndarray of shape (..., rows, columns)
        Scores of a head of each, or of all heads.
    region_counts, patch_counts : ndarray of shape (rows, columns) or int
        Passes that went into each, as `pass_counts` gives them.

    Returns
    -------
    ndarray of shape (..., rows, columns) and dtype float32
        The mean of all passes, those of the patch model counted twice.
    """
    weight = PATCH_WEIGHT * np.asarray(patch_counts, np.float32)
    total = region_counts + weight
    combined: NDArray[np.float32] = (
        (region * region_counts + patch * weight) / total
    ).astype(np.float32)
    return combined


def check_pair(patch_spec: ModelSpec, region_reads: int) -> None:
    """Refuse a region model that reads features of another length.

    Raises
    ------
    ModelError
        If the lengths differ.
    """
    gives = patch_spec.feature_dim
    if gives != region_reads:
        raise ModelError(
            f"the region model reads features of length {region_reads}, the patch "
            f"model {patch_spec.name} gives {gives}; choose weights that were trained "
            f"on one another"
        )
