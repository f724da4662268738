"""Batches to views: random crops of pictures, or of grids of features.

References
----------
Crops of grids: Chen et al. 2022, HIPT, arXiv:2206.02647: two random squares of 14 x 14
features and eight of 6 x 6 out of 16 x 16, mirrored at random. Written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.errors import PlanError
from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.crops import random_crops
from napari_histossl.training.variation import View

ViewMaker = Callable[[NDArray[Any], torch.Generator], list[Tensor]]
"""Items of a batch to its views, each (B, C, px, px), ready for the model."""


def picture_views(
    views: Sequence[View], spec: ModelSpec, device: torch.device
) -> ViewMaker:
    """Return what cuts views of pictures (B, H, W, 3) of dtype uint8."""

    def make(batch: NDArray[Any], generator: torch.Generator) -> list[Tensor]:
        images = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).float() / 255
        return [
            standardised(
                random_crops(images, v.px, v.area, v.variation, generator), spec
            )
            for v in views
        ]

    return make


def standardised(images: Tensor, spec: ModelSpec) -> Tensor:
    """Return pictures (B, 3, H, W) in [0, 1] as a model reads them."""
    mean = torch.tensor(spec.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=images.device).view(1, 3, 1, 1)
    return (images - mean) / std


def grid_views(edges: Sequence[int], device: torch.device) -> ViewMaker:
    """Return what cuts views of grids (B, rows, columns, D), one for each edge."""

    def make(batch: NDArray[Any], generator: torch.Generator) -> list[Tensor]:
        if min(batch.shape[1:3]) < max(edges):
            raise PlanError(
                f"crops of {max(edges)} x {max(edges)} features need larger grids than "
                f"{batch.shape[1]} x {batch.shape[2]}"
            )
        grids = torch.from_numpy(batch).to(device).float().movedim(3, 1)
        return [_random_squares(grids, edge, generator) for edge in edges]

    return make


def _random_squares(grids: Tensor, edge: int, generator: torch.Generator) -> Tensor:
    """Cut one square of each grid, (B, D, edge, edge), mirrored at random."""
    count, _, rows, columns = grids.shape
    top = torch.randint(rows - edge + 1, (count,), generator=generator).tolist()
    left = torch.randint(columns - edge + 1, (count,), generator=generator).tolist()
    mirrored = (torch.rand(count, generator=generator) < 0.5).tolist()
    squares = []
    for grid, y, x, flip in zip(grids, top, left, mirrored, strict=True):
        square = grid[:, y : y + edge, x : x + edge]
        squares.append(square.flip(2) if flip else square)
    return torch.stack(squares)
