"""A patch model and a region model on the pixels of one region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.errors import ModelError
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.device import Halving
from napari_histossl.overlays.finite import half_then_full, need_finite
from napari_histossl.overlays.hierarchy import (
    PATCH_PASSES,
    PUBLISHED_SCALE,
    REGION_PASSES,
    add_passes,
    check_pair,
    combine_scores,
    cut_patches,
    pass_counts,
    patch_scores,
    region_scores,
    shift_by_patch,
    shift_margins_px,
)
from napari_histossl.overlays.pictures import Pictures


@dataclass(frozen=True, slots=True, eq=False)
class RegionMaps:
    """What two models say about a region, one value a token.

    Attributes
    ----------
    patch : ndarray of shape (patch heads, rows, columns) and dtype float32
        Ranks of tokens within their patch, above 0 and up to 1.
    region : ndarray of shape (region heads, rows, columns) and dtype float32
        Ranks of patches within the region, above 0 and up to 1.
    patch_counts, region_counts : ndarray of shape (rows, columns) and dtype float32
        Passes that were averaged.
    features : ndarray of shape (patch rows, patch columns, D) and dtype float32
        Class tokens of the patches, of the first pass.
    """

    patch: NDArray[np.float32]
    region: NDArray[np.float32]
    patch_counts: NDArray[np.float32]
    region_counts: NDArray[np.float32]
    features: NDArray[np.float32]

    def combined(self, region_head: int, patch_head: int) -> NDArray[np.float32]:
        """Return the weighed scores of a pair of heads, (rows, columns)."""
        return combine_scores(
            self.region[region_head],
            self.patch[patch_head],
            self.region_counts,
            self.patch_counts,
        )

    def combined_mean(self) -> NDArray[np.float32]:
        """Return the mean of `combined` over all pairs of heads, (rows, columns)."""
        return combine_scores(
            self.region.mean(0),
            self.patch.mean(0),
            self.region_counts,
            self.patch_counts,
        )


class HierarchyModel:
    """Two models that work on regions, one region after the other.

    Parameters
    ----------
    patch_model, region_model : torch.nn.Module
        In evaluation mode, on one device.
    patch_spec : ModelSpec
        Of the patch model: patch, token, normalisation.
    batch : int
        Patches computed at once.
    shifted : bool
        Average four passes of the region model and two of the patch model, each half
        a patch further on, so that the borders of patches show less.
    as_published : bool
        Compute shifted passes as the original does, each patch of each pass by itself
        and with its margins. Takes twice as long and gives the same numbers.
    scale : int
        Region pixels per pixel of the picture whose ranks are given; see
        `hierarchy.rank_scores`.
    precision : {"auto", "full"}
        "auto" for half precision on a GPU.

    Raises
    ------
    ModelError
        If the region model does not read the patch model's features, or a patch
        cannot be shifted by half.
    """

    def __init__(
        self,
        patch_model: Any,
        region_model: Any,
        patch_spec: ModelSpec,
        *,
        batch: int = 16,
        shifted: bool = False,
        as_published: bool = False,
        scale: int = PUBLISHED_SCALE,
        precision: str = "auto",
    ) -> None:
        check_pair(patch_spec, region_model.input_embed_dim)
        self.patch_px = patch_spec.tile_px
        self.patch_tokens = patch_spec.tile_px // patch_spec.token_px
        if shifted and self.patch_tokens % 2:
            raise ModelError(
                f"a patch of {self.patch_tokens} x {self.patch_tokens} tokens cannot "
                f"be shifted by half; leave shifted passes out"
            )
        self._patch_model, self._region_model = patch_model, region_model
        self._batch, self._as_published = batch, as_published
        self._precision, self._dim = precision, patch_spec.feature_dim
        self._name = patch_spec.name
        self._forward = Halving(self._features_and_attention)
        self._passes = REGION_PASSES if shifted else 1
        self._token_repeats = max(patch_spec.token_px // scale, 1)
        self._patch_repeats = max(patch_spec.tile_px // scale, 1)
        self._device = next(patch_model.parameters()).device
        self._pictures = Pictures(patch_spec, self._device)
        self._white: NDArray[np.float32] | None = None

    @torch.inference_mode()
    def maps(self, pixels: NDArray[np.uint8]) -> RegionMaps:
        """Compute a region.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3) and dtype uint8
            A region; sides are multiples of a patch.

        Returns
        -------
        RegionMaps
            One value a token.
        """
        tokens, patch_maps, region_maps = self.patch_tokens, [], []
        features: list[NDArray[np.float32]] = []
        for number in range(self._passes):
            found, attention = self._pass(pixels, number, features)
            features.append(found)
            if number < PATCH_PASSES and attention is not None:
                patch_maps.append(patch_scores(attention, self._token_repeats))
            region_maps.append(
                region_scores(self._region(found), tokens, self._patch_repeats)
            )
        shape = patch_maps[0].shape[1], patch_maps[0].shape[2]
        return RegionMaps(
            add_passes(patch_maps, tokens),
            add_passes(region_maps, tokens),
            pass_counts(shape, tokens, len(patch_maps)),
            pass_counts(shape, tokens, self._passes),
            features[0],
        )

    # ---- Details ----

    def _pass(
        self,
        pixels: NDArray[np.uint8],
        number: int,
        earlier: list[NDArray[np.float32]],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return the features of a pass, and its attention where it is new."""
        if number >= PATCH_PASSES and not self._as_published:
            return shift_by_patch(
                earlier[number - PATCH_PASSES], self._of_white()
            ), None
        margins = shift_margins_px(self.patch_px, as_published=self._as_published)
        offset = number * (self.patch_px // 2)
        return self._patches(
            cut_patches(pixels, self.patch_px, offset, margins[number])
        )

    def _patches(
        self, tiles: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features (R, C, D) and attention (R, C, heads, t, t) of patches."""
        rows, columns = tiles.shape[:2]
        batches = []
        places = [(i, j) for i in range(rows) for j in range(columns)]
        for start in range(0, len(places), self._batch):
            chosen = [tiles[place] for place in places[start : start + self._batch]]
            batches.append(self._forward(self._pictures(np.stack(chosen))))
        found: NDArray[np.float32] = torch.cat(batches).cpu().numpy()
        features, weights = found[:, : self._dim], found[:, self._dim :]
        need_finite(features, self._name, "its weights")
        edge = self.patch_tokens
        return (
            features.reshape(rows, columns, -1),
            weights.reshape(rows, columns, -1, edge, edge),
        )

    def _features_and_attention(self, images: Tensor) -> Tensor:
        """Return features and, behind them, the attention of all heads, (N, ...)."""
        return half_then_full(self._side_by_side, images, self._precision)

    def _side_by_side(self, images: Tensor) -> Tensor:
        token, weights = self._patch_model.features_and_attention(images)
        return torch.cat([token.float(), weights[:, :, 1:].float().flatten(1)], 1)

    def _region(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what a region attends to, (heads, rows, columns)."""
        rows, columns = features.shape[:2]
        grid = torch.from_numpy(features).to(self._device).permute(2, 0, 1)[None]
        weights: Tensor = self._region_model.attention_from(grid)[0, :, 1:]
        attention: NDArray[np.float32] = weights.float().cpu().numpy()
        need_finite(attention, "of regions", "its weights")
        return attention.reshape(-1, rows, columns)

    def _of_white(self) -> NDArray[np.float32]:
        if self._white is None:
            tile = np.full((1, 1, self.patch_px, self.patch_px, 3), 255, np.uint8)
            self._white = self._patches(tile)[0][0, 0]
        return self._white
