"""Maps of chosen classes from a recorded forward pass, all layers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_histossl.errors import ModelError
from napari_histossl.models._channel_weights import Method
from napari_histossl.models._recorded import Recorded


def rounds_of(
    recorded: Recorded, rounds: Sequence[Tensor], method: Method
) -> dict[str, Tensor]:
    """Return maps (B, rounds, h, w) of each layer, one backward pass a round.

    Each round chooses at most one class of each picture, (B, classes); in evaluation
    mode the logit of one picture does not depend on the others.
    """
    with torch.inference_mode(False), torch.enable_grad():
        found: dict[str, Tensor] = {
            layer: maps.new_zeros(len(maps), len(rounds), *maps.shape[2:])
            for layer, maps in recorded.maps.items()
        }
        for place, chosen in enumerate(rounds):
            # a copy: the choice may have been made in inference mode
            scores = (recorded.logits * chosen.clone()).sum(1)  # (B,)
            gradients = _gradients(scores, recorded.maps)
            for layer, maps in recorded.maps.items():
                weights = method(maps.detach(), gradients[layer], scores.detach())
                found[layer][:, place] = _weighed(maps.detach(), weights)
    return found


def _gradients(scores: Tensor, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the gradient of scores (B,) by each map (B, C, h, w)."""
    found = torch.autograd.grad(
        scores.sum(), list(maps.values()), retain_graph=True, allow_unused=True
    )
    for layer, gradient in zip(maps, found, strict=True):
        if gradient is None:
            raise ModelError(f"the logits do not depend on the layer {layer!r}")
    return dict(zip(maps, found, strict=True))


def _weighed(maps: Tensor, weights: Tensor) -> Tensor:
    """Return the sum of maps (B, C, h, w) by weights (B, C): (B, h, w)."""
    return torch.einsum("bchw,bc->bhw", maps, weights)


def spread(maps: Tensor, rounds: Sequence[Tensor], count: int) -> Tensor:
    """Return maps (B, rounds, h, w) at the classes that they are of, 0 elsewhere."""
    found = maps.new_zeros(len(maps), count, *maps.shape[2:])
    for place, chosen in enumerate(rounds):
        picture, index = chosen.nonzero(as_tuple=True)
        found[picture, index] = maps[picture, place]
    return found


def resized(maps: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Return maps (B, K, h, w) at another size; pixels are squares, not corners."""
    if not maps.shape[1]:
        return maps.new_zeros(*maps.shape[:2], *size_px)
    return F.interpolate(maps, size_px, mode="bilinear", align_corners=False)
