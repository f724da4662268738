"""What the channels of a map count for a class: Grad-CAM and Grad-CAM++.

References
----------
Grad-CAM: Selvaraju et al. 2017, arXiv:1610.02391. Grad-CAM++: Chattopadhyay et al.
2018, arXiv:1710.11063, in its closed form for the exponential of the logit.

Written anew from the formulas.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Method = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Weights (B, C) of the channels from maps and gradients (B, C, h, w), scores (B,)."""


def channel_weights(maps: Tensor, gradients: Tensor, scores: Tensor) -> Tensor:
    """Return Grad-CAM's weights of channels, (B, C): the mean of the gradient.

    Parameters
    ----------
    maps, gradients : Tensor of shape (B, C, h, w)
        Of a layer, and of the scores by it.
    scores : Tensor of shape (B,)
        Logit of each picture; not needed here.

    Returns
    -------
    Tensor of shape (B, C)
        Of either sign.
    """
    return gradients.mean((2, 3))


def channel_weights_plus_plus(
    maps: Tensor, gradients: Tensor, scores: Tensor
) -> Tensor:
    """Return Grad-CAM++'s weights of channels, (B, C), for the exponential of a score.

    Parameters
    ----------
    maps, gradients : Tensor of shape (B, C, h, w)
        Of a layer, and of the scores by it.
    scores : Tensor of shape (B,)
        Logit of each picture.

    Returns
    -------
    Tensor of shape (B, C)
        At least 0.
    """
    total = (maps * gradients**3).sum((2, 3), keepdim=True)
    below = 2 * gradients**2 + total  # 0 where the gradient is: nothing to share out
    shares = gradients**2 / below.where(below != 0, 1)
    rising = (scores.exp()[:, None, None, None] * gradients).relu()
    return (shares * rising).sum((2, 3))
