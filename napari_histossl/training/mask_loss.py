"""What a segmenter makes smaller: cross entropy against masks of several layers.

References
----------
Han et al. 2022, arXiv:2110.08048, equation for multi-layer pseudo-supervision, and
ChuHan89/WSSS-Tissue 2_train_stage2 (no licence: written anew from the formulas).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_SURE = 100.0
"""Logit of the background that the published code adds as one more class."""


def layered_loss(
    logits: Tensor,
    masks: Tensor,
    weights: Sequence[float],
    *,
    background_logit: bool = False,
    over_batch: bool = False,
) -> Tensor:
    """Return the weighted sum of the cross entropies against each layer's masks.

    Parameters
    ----------
    logits : Tensor of shape (B, n, H, W)
        Of n classes.
    masks : Tensor of shape (B, layers, H, W) and dtype int64
        Classes from 0, and n where a pixel is no class.
    weights : sequence of float
        Of the layers.
    background_logit : bool
        As the published code has it: a further logit that is 100 where the mask of the
        last layer has no class, and 0 elsewhere, where it competes with the classes.
        Otherwise pixels without a class count nowhere.
    over_batch : bool
        As the published code has it: divide by the number of pictures once more.

    Returns
    -------
    Tensor of shape ()
        In nats; 0 where no pixel has a class.
    """
    batch, n_classes = logits.shape[:2]
    if background_logit:
        background = (masks[:, -1:] == n_classes).to(logits) * _SURE  # (B, 1, H, W)
        logits = torch.cat([logits, background], 1)  # (B, n + 1, H, W)
    total = logits.new_zeros(())
    for layer, weight in enumerate(weights):
        total = total + weight * _cross_entropy(logits, masks[:, layer], n_classes)
    return total / batch if over_batch else total


def _cross_entropy(logits: Tensor, masks: Tensor, n_classes: int) -> Tensor:
    """Return the mean over pixels that count, 0 where there is none."""
    knows_background = logits.shape[1] > n_classes
    ignored = -1 if knows_background else n_classes
    summed = F.cross_entropy(logits, masks, ignore_index=ignored, reduction="sum")
    return summed / (masks != ignored).sum().clamp(min=1)
